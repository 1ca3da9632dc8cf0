namespace Ballast.Rpc;

/// <summary>What goes wrong between two programs, as libvirt's errors.</summary>
internal static class RpcErrors
{
    private const int Epipe = 32;

    public static LibvirtException Bare(string message) =>
        new(ErrorCode.Rpc, ErrorOrigin.Rpc, message) { Str1 = "%s", Str2 = message };

    public static LibvirtException UnknownProcedure(int procedure) => Bare($"unknown procedure: {procedure}");

    public static LibvirtException UnknownProgram(uint program, uint version) =>
        Bare($"Cannot find program {program} version {version}");

    public static LibvirtException CannotDecode() => Bare("Unable to decode message payload");

    public static LibvirtException AuthenticationRequired() => Bare("authentication required");

    public static LibvirtException Internal(string detail, ErrorOrigin origin = ErrorOrigin.Rpc) =>
        LibvirtError.Report(ErrorCode.InternalError, origin, detail);

    public static LibvirtException Lost(string why, Exception? cause = null) =>
        LibvirtError.System(Epipe, ErrorOrigin.Rpc, $"Connection to the daemon was lost: {why}", cause);

    /// <summary>
    /// Whether it says that the daemon cannot be reached now, so that the same may succeed later. What a daemon that is there refuses says
    /// something else: to try that again would ask for a password, or be counted as an attack, again and again.
    /// </summary>
    public static bool SaysAway(LibvirtException error) => error.IsUnreachable;

    /// <summary>Why a daemon has lost the hypervisor, from libvirt's number for it.</summary>
    public static string ClosedByDaemon(int reason) => "the daemon lost the hypervisor: " + reason switch
    {
        1 => "end of file",
        2 => "it did not answer in time",
        3 => "the daemon closed it",
        _ => "an error",
    };

    public static LibvirtException KeepaliveTimeout() => Internal("connection closed due to keepalive timeout");

    public static LibvirtException Timeout(RpcCall call, TimeSpan waited) =>
        LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Remote,
            $"the daemon did not answer {call} within {waited.TotalSeconds:0.###} s");

    /// <param name="waited">For how long.</param>
    /// <param name="daemon">Which daemon it is.</param>
    /// <param name="advice">What to do about it, behind a colon; or nothing.</param>
    public static LibvirtException OpeningTimeout(TimeSpan waited, string daemon, string advice) =>
        LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Remote,
            $"{daemon} did not open the connection within {waited.TotalSeconds:0.###} s{advice}");

    public static LibvirtException WriteTimeout(RpcCall call, TimeSpan waited) =>
        LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Remote,
            $"the daemon did not answer {call} within {waited.TotalSeconds:0.###} s; it may still take effect");

    public static LibvirtException BadReply(RpcCall call, string why) =>
        Bare($"the daemon's reply to {call} cannot be used: {why}");
}
