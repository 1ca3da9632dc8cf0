using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>A monitor of a QEMU that may be asked, or why it must not be.</summary>
/// <param name="Endpoint">How it is reached; null where it must not be.</param>
/// <param name="IsNamed">Whether its socket was named, or lies in a directory that was: that is consent to use and to keep it.</param>
/// <param name="Refusal">Why it must not be asked.</param>
internal sealed record MonitorCandidate(MonitorEndpoint? Endpoint, bool IsNamed, Func<LibvirtException>? Refusal)
{
    /// <summary>
    /// Which monitors must not be used any more, though they are connected: whom to trust was changed. Null: none. That a socket is not
    /// found any more says nothing of a connection that stands.
    /// </summary>
    public Func<MonitorEndpoint, bool>? Forbids { get; private init; }

    public static MonitorCandidate Usable(MonitorEndpoint endpoint, bool isNamed) => new(endpoint, isNamed, null);

    public static MonitorCandidate Refused(Func<LibvirtException> refusal) => new(null, false, refusal);

    public static MonitorCandidate Forbidden(Func<LibvirtException> refusal, Func<MonitorEndpoint, bool> which) => new(null, false, refusal) { Forbids = which };
}
