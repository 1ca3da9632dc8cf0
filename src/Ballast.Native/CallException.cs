namespace Ballast.Native;

/// <summary>An error of the C interface itself: of its handles and arguments, in libvirt's two styles.</summary>
internal sealed class CallException : Exception
{
    private CallException(ErrorCode code, ErrorOrigin origin, string message)
        : base(message)
    {
        Code = code;
        Origin = origin;
    }

    public ErrorCode Code { get; }

    public ErrorOrigin Origin { get; }

    public string? Str1 { get; private init; }

    public string? Str2 { get; private init; }

    public int Number { get; private init; } = -1;

    public static CallException NoConnection(string function) =>
        Report(ErrorCode.InvalidConnection, function == "virConnectClose" ? ErrorOrigin.None : ErrorOrigin.Domain, "invalid connection pointer in ", function);

    /// <summary>Its handle is one, but it was closed for all who use it, or by another thread.</summary>
    public static CallException Closed() => Report(ErrorCode.InvalidConnection, ErrorOrigin.None, "invalid connection: ", "it was closed");

    public static CallException NoDomain(string function) =>
        Report(ErrorCode.InvalidDomain, ErrorOrigin.Handle, "invalid domain pointer in ", function);

    public static CallException Internal(string detail) =>
        Report(ErrorCode.InternalError, ErrorOrigin.None, "internal error: ", detail);

    public static CallException NoSupport(string function) =>
        Report(ErrorCode.NoSupport, ErrorOrigin.Domain, "this function is not supported by the connection driver: ", function);

    public static CallException Invalid(string detail, ErrorOrigin origin = ErrorOrigin.None) =>
        Report(ErrorCode.InvalidArgument, origin, "invalid argument: ", detail);

    /// <param name="code">What to call it: of a definition, of a name or of any other text.</param>
    /// <param name="origin">The driver that would have looked for the name.</param>
    /// <param name="text">The text, as far as it is one.</param>
    public static CallException NoUtf8(ErrorCode code, ErrorOrigin origin, string text) => code switch
    {
        ErrorCode.XmlDetail => Whole(code, "the XML is not proper UTF-8"),
        ErrorCode.NoDomain => Report(code, origin, "Domain not found: ", $"no domain with matching name '{text}'"),
        _ => Invalid($"'{text}' is not proper UTF-8", origin),
    };

    public static CallException ReadOnly(string function) =>
        Report(ErrorCode.OperationDenied, ErrorOrigin.Domain, "operation forbidden: ", $"read only access prevents {function}");

    public static CallException Overflow(nuint number) => Overflow($"input too large: {number}");

    public static CallException Overflow(string detail) => Report(ErrorCode.Overflow, ErrorOrigin.Domain, "numerical overflow: ", detail);

    /// <summary>To libvirt's drivers in process the same is an internal error.</summary>
    public static CallException OtherCallback(bool isRemote) => isRemote
        ? Report(ErrorCode.OperationInvalid, ErrorOrigin.Remote, "Requested operation is not valid: ", "A different callback was requested")
        : Internal("A different callback was requested");

    /// <summary>The same of a second one.</summary>
    public static CallException CloseCallbackStands(bool isRemote)
    {
        const string detail = "A close callback is already registered";
        return isRemote ? Report(ErrorCode.OperationInvalid, ErrorOrigin.Remote, "Requested operation is not valid: ", detail) : Internal(detail);
    }

    public static CallException NoCredential(string detail) =>
        Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Authentication, "authentication failed: ", detail);

    public static CallException Aborted() =>
        Report(ErrorCode.OperationAborted, ErrorOrigin.None, "operation aborted: ", "the call was interrupted");

    public static CallException System(int errno, string detail) =>
        new(ErrorCode.SystemError, ErrorOrigin.None, $"{detail} (error {errno})") { Str1 = "%s", Str2 = detail, Number = errno };

    public static CallException Null(string argument, string function) => Argument($"{argument} in {function} must not be NULL", argument, function);

    public static CallException Argument(string message, string argument, string function, ErrorOrigin origin = ErrorOrigin.Domain) =>
        new(ErrorCode.InvalidArgument, origin, message) { Str1 = function, Str2 = argument, Number = 0 };

    private static CallException Whole(ErrorCode code, string message) => new(code, ErrorOrigin.Domain, message) { Str1 = "%s", Str2 = message };

    private static CallException Report(ErrorCode code, ErrorOrigin origin, string prefix, string detail) =>
        new(code, origin, prefix + detail) { Str1 = prefix + "%s", Str2 = detail };
}
