namespace Ballast;

/// <summary>
/// An error as libvirt reports it: from a driver, a hypervisor or a daemon. Misuse of the .NET API throws the CLR's own
/// argument exceptions instead.
/// </summary>
public sealed class LibvirtException : Exception
{
    internal LibvirtException(ErrorCode code, ErrorOrigin origin, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Origin = origin;
    }

    /// <summary>What went wrong.</summary>
    public ErrorCode Code { get; }

    /// <summary>Which part reported it.</summary>
    public ErrorOrigin Origin { get; }

    /// <summary>How bad it is.</summary>
    public ErrorLevel Level { get; internal init; } = ErrorLevel.Error;

    /// <summary>First string of libvirt's error: a message format, or the C function's name for an invalid argument.</summary>
    public string? Str1 { get; internal init; }

    /// <summary>Second string of libvirt's error: the detail, or the name of the invalid argument.</summary>
    public string? Str2 { get; internal init; }

    /// <summary>Third string of libvirt's error.</summary>
    public string? Str3 { get; internal init; }

    /// <summary>First number of libvirt's error: errno for <see cref="ErrorCode.SystemError"/>, otherwise −1 or 0.</summary>
    public int Int1 { get; internal init; } = -1;

    /// <summary>Second number of libvirt's error.</summary>
    public int Int2 { get; internal init; } = -1;

    /// <summary>The reason in a sample where that call makes one of this error; null where the code alone decides.</summary>
    internal MemoryStatsReason? Reason { get; init; }

    /// <summary>Whether a daemon says that it does not know the call, or its program.</summary>
    internal bool IsUnknownCall { get; init; }

    /// <summary>Whether the same call may succeed later without anybody changing anything: a deadline passed or a monitor is held.</summary>
    public bool IsTransient => Code is ErrorCode.OperationTimeout or ErrorCode.ResourceBusy;
}
