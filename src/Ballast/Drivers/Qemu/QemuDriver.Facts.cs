namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    private const string AgentIsMissing = "QEMU guest agent is not configured";

    public ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        GetVirtualCpuCountAsync(domain, VirtualCpuCountFlags.Maximum, cancellationToken);

    public async ValueTask<int> GetVirtualCpuCountAsync(
        DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken)
    {
        const VirtualCpuCountFlags impact = VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Config;
        const VirtualCpuCountFlags known = impact | VirtualCpuCountFlags.Maximum | VirtualCpuCountFlags.Guest;
        if ((flags & ~known) is not VirtualCpuCountFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainGetVcpusFlags", ErrorOrigin.Qemu);
        if ((flags & VirtualCpuCountFlags.Guest) != 0)
            throw LibvirtError.Report(ErrorCode.ArgumentUnsupported, ErrorOrigin.Qemu, AgentIsMissing);
        IReadOnlyList<CpuSet> all = await GetVirtualCpuAffinitiesAsync(
            domain, (DomainModificationImpact)(flags & impact), cancellationToken).ConfigureAwait(false);
        return (flags & VirtualCpuCountFlags.Maximum) != 0
            ? all.Count
            : (await GetInfoAsync(domain, cancellationToken).ConfigureAwait(false)).VirtualCpus;
    }

    public async ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        DomainRules.CheckMetadata(type, impact);
        throw DomainRules.NoMetadata();
    }
}
