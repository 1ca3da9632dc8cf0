namespace Ballast;

/// <summary>
/// An error as libvirt reports it: from a driver, a hypervisor or a daemon. Misuse of the .NET API throws the CLR's own
/// argument exceptions instead.
/// </summary>
public sealed class LibvirtException : Exception
{
    /// <summary>Creates an error like those of a driver, for example for a fake driver in a test.</summary>
    /// <param name="code">The error code.</param>
    /// <param name="origin">The component that reports the error.</param>
    /// <param name="message">The complete message, with libvirt's text if there is one.</param>
    /// <param name="innerException">The cause.</param>
    public LibvirtException(ErrorCode code, ErrorOrigin origin, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Origin = origin;
    }

    /// <summary>The error code.</summary>
    public ErrorCode Code { get; }

    /// <summary>The component that reported the error.</summary>
    public ErrorOrigin Origin { get; }

    /// <summary>The severity.</summary>
    public ErrorLevel Level { get; init; } = ErrorLevel.Error;

    /// <summary>First string of libvirt's error: a message format, or the C function's name for an invalid argument.</summary>
    public string? Str1 { get; init; }

    /// <summary>Second string of libvirt's error: the detail, or the name of the invalid argument.</summary>
    public string? Str2 { get; init; }

    /// <summary>Third string of libvirt's error.</summary>
    public string? Str3 { get; init; }

    /// <summary>First number of libvirt's error: errno for <see cref="ErrorCode.SystemError"/>, otherwise −1 or 0.</summary>
    public int Int1 { get; init; } = -1;

    /// <summary>Second number of libvirt's error.</summary>
    public int Int2 { get; init; } = -1;

    /// <summary>The reason in a sample where that call makes one of this error; null where the code alone decides.</summary>
    internal MemoryStatsReason? Reason { get; init; }

    /// <summary>Whether a daemon says that it does not know the call, or its program.</summary>
    internal bool IsUnknownCall { get; init; }

    /// <summary>Whether it lasts until somebody mends it, whatever its code: a file that is no certificate, a key that ssh's server does not take.</summary>
    internal bool IsLasting { get; init; }

    /// <summary>Whether it says nothing of who is there, whatever its number: nobody could look.</summary>
    internal bool ProvesNothing { get; init; }

    /// <summary>
    /// Whether the same call may succeed later without any change: a deadline passed, or a monitor is held.
    /// </summary>
    public bool IsTransient => Code is ErrorCode.OperationTimeout or ErrorCode.ResourceBusy;

    /// <summary>
    /// Whether it says that a daemon cannot be reached now, so that opening the connection may succeed later without any change: a system
    /// error, a deadline that passed, or a handshake that was broken off. False for what a daemon refuses, and for what lasts until
    /// somebody mends it, such as a wrong password or a file that is no certificate: do not repeat that.
    /// </summary>
    public bool IsUnreachable => !IsLasting && this switch
    {
        { Code: ErrorCode.SystemError or ErrorCode.OperationTimeout } => true,
        { Code: ErrorCode.InternalError, Origin: ErrorOrigin.Rpc } => true,

        // A handshake that was broken off, by a daemon that is being replaced.
        { Code: ErrorCode.AuthenticationFailed, InnerException: IOException } => true,
        _ => false,
    };
}
