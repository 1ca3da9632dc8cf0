using System.Diagnostics.CodeAnalysis;

namespace Ballast;

/// <summary>Builds libvirt's errors in its two styles: reports with a code's prefix, and invalid arguments without one.</summary>
internal static class LibvirtError
{
    public static LibvirtException Report(ErrorCode code, ErrorOrigin origin, string detail, Exception? cause = null)
    {
        detail = PathText.Escaped(detail);
        string prefix = Prefix(code);
        return new LibvirtException(code, origin, prefix + detail, cause) { Str1 = prefix + "%s", Str2 = detail };
    }

    /// <summary>An error of a code whose prefix is all that there is to say, or nothing.</summary>
    public static LibvirtException Message(ErrorCode code, ErrorOrigin origin, string message) =>
        new(code, origin, message) { Str1 = message };

    /// <summary>An error of a code that has no prefix.</summary>
    public static LibvirtException Plain(ErrorCode code, ErrorOrigin origin, string message) =>
        new(code, origin, message) { Str1 = "%s", Str2 = message };

    public static LibvirtException InvalidArgument(string message, string function, string argument, ErrorOrigin origin) =>
        new(ErrorCode.InvalidArgument, origin, message) { Str1 = function, Str2 = argument, Int1 = 0, Int2 = 0 };

    public static LibvirtException System(int errno, ErrorOrigin origin, string detail, Exception? cause = null)
    {
        detail = PathText.Escaped(detail);
        return new LibvirtException(ErrorCode.SystemError, origin, detail, cause) { Str1 = "%s", Str2 = detail, Int1 = errno };
    }

    /// <summary>The same, for an error that lasts until somebody mends it.</summary>
    public static LibvirtException Lasting(int errno, ErrorOrigin origin, string detail, Exception? cause = null)
    {
        detail = PathText.Escaped(detail);
        return new LibvirtException(ErrorCode.SystemError, origin, detail, cause) { Str1 = "%s", Str2 = detail, Int1 = errno, IsLasting = true };
    }

    /// <summary>The same, for an error that the call for samples makes a reason of.</summary>
    public static LibvirtException System(int errno, ErrorOrigin origin, string detail, MemoryStatsReason reason)
    {
        detail = PathText.Escaped(detail);
        return new LibvirtException(ErrorCode.SystemError, origin, detail) { Str1 = "%s", Str2 = detail, Int1 = errno, Reason = reason };
    }

    /// <summary>The same, for an error that says nothing of who is there, though its number could.</summary>
    public static LibvirtException Unseen(int errno, ErrorOrigin origin, string detail)
    {
        detail = PathText.Escaped(detail);
        return new LibvirtException(ErrorCode.SystemError, origin, detail) { Str1 = "%s", Str2 = detail, Int1 = errno, ProvesNothing = true };
    }

    public static LibvirtException UnsupportedFlags(uint flags, string function, ErrorOrigin origin) =>
        InvalidArgument($"unsupported flags (0x{flags:x}) in function {function}", function, "flags", origin);

    public static LibvirtException NoSupport(string function) =>
        Report(ErrorCode.NoSupport, ErrorOrigin.Domain, function);

    public static LibvirtException ReadOnly(string function) =>
        Report(ErrorCode.OperationDenied, ErrorOrigin.Domain, $"read only access prevents {function}");

    public static LibvirtException NotRunning() =>
        Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain, "domain is not running");

    public static LibvirtException NoDomain(ErrorOrigin origin, DomainIdentity domain) =>
        Report(ErrorCode.NoDomain, origin, $"no domain with matching uuid '{domain.Uuid}' ({domain.Name})");

    [DoesNotReturn]
    public static void Throw(LibvirtException error) => throw error;

    private static string Prefix(ErrorCode code) => code switch
    {
        ErrorCode.InternalError => "internal error: ",
        ErrorCode.NoMemory => "out of memory: ",
        ErrorCode.NoSupport => "this function is not supported by the connection driver: ",
        ErrorCode.NoConnect => "no connection driver available for ",
        ErrorCode.InvalidDomain => "invalid domain pointer in ",
        ErrorCode.InvalidArgument => "invalid argument: ",
        ErrorCode.OperationFailed => "operation failed: ",
        ErrorCode.XmlError => "XML error: ",
        ErrorCode.OperationDenied => "operation forbidden: ",
        ErrorCode.NoDomain => "Domain not found: ",
        ErrorCode.NoNetwork => "Network not found: ",
        ErrorCode.AuthenticationFailed => "authentication failed: ",
        ErrorCode.OperationInvalid => "Requested operation is not valid: ",
        ErrorCode.ConfigurationSyntax => "configuration file syntax error: ",
        ErrorCode.ConfigurationUnsupported => "unsupported configuration: ",
        ErrorCode.OperationTimeout => "Timed out during operation: ",
        ErrorCode.ArgumentUnsupported => "argument unsupported: ",
        ErrorCode.NoDomainMetadata => "metadata not found: ",
        ErrorCode.Overflow => "numerical overflow: ",
        ErrorCode.OperationUnsupported => "Operation not supported: ",
        ErrorCode.ResourceBusy => "resource busy: ",
        ErrorCode.AccessDenied => "access denied: ",
        ErrorCode.AuthenticationUnavailable => "authentication unavailable: ",
        _ => "",
    };
}
