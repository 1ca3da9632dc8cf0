using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Statistics;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    public async ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        (QemuDomain qemu, QmpCpu[] cpus, _) = await AskCpusAsync(domain, MonitorParts.Cpus, cancellationToken).ConfigureAwait(false);
        using WorkTurn turn = await CallOrigin.TakeWorkerAsync(cancellationToken).ConfigureAwait(false);
        int hostCpus = _node.CpuMap().Length;
        QemuProcess.ThreadLook? threads = qemu.Process?.LookAtThreads(cancellationToken);
        return
        [
            .. cpus.Select(cpu =>
            {
                QemuThread? thread = threads?.Read(cpu.ThreadId);
                return new VirtualCpu(
                    cpu.Index, VirtualCpuState.Running, thread?.CpuTime, thread?.HostCpu, threads?.ReadAffinity(cpu.ThreadId, hostCpus) ?? CpuSet.Empty);
            }),
        ];
    }

    public async ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefuseConfig(impact, "qemuDomainGetVcpuPinInfo");
        (QemuDomain qemu, QmpCpu[] cpus, int slots) = await AskCpusAsync(
            domain, MonitorParts.Cpus | MonitorParts.CpuSlots, cancellationToken).ConfigureAwait(false);
        using WorkTurn turn = await CallOrigin.TakeWorkerAsync(cancellationToken).ConfigureAwait(false);
        int hostCpus = _node.CpuMap().Length;
        Dictionary<int, int> running = cpus.Where(cpu => cpu.ThreadId > 0).DistinctBy(cpu => cpu.Index).ToDictionary(cpu => cpu.Index, cpu => cpu.ThreadId);
        QemuProcess.ThreadLook? threads = qemu.Process?.LookAtThreads(cancellationToken);
        return
        [
            .. Enumerable.Range(0, slots).Select(number =>
                threads?.ReadAffinity(running.TryGetValue(number, out int thread) ? thread : null, hostCpus) ?? CpuSet.Empty),
        ];
    }

    public ValueTask<int> GetMaxVirtualCpusAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        GetVirtualCpuCountAsync(domain, VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Maximum, cancellationToken);

    public async ValueTask<int> GetVirtualCpuCountAsync(
        DomainIdentity domain, VirtualCpuCountFlags flags, CancellationToken cancellationToken)
    {
        const VirtualCpuCountFlags known =
            VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Config | VirtualCpuCountFlags.Maximum | VirtualCpuCountFlags.Guest;
        if ((flags & ~known) is not VirtualCpuCountFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainGetVcpusFlags", ErrorOrigin.Qemu);
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        if ((flags & VirtualCpuCountFlags.Guest) != 0)
            throw LibvirtError.Report(ErrorCode.ArgumentUnsupported, ErrorOrigin.Qemu, AgentIsMissing);
        if ((flags & VirtualCpuCountFlags.Config) != 0)
            throw NoDefinition();
        return (flags & VirtualCpuCountFlags.Maximum) != 0
            ? (await AskCpusAsync(domain, MonitorParts.Cpus | MonitorParts.CpuSlots, cancellationToken).ConfigureAwait(false)).Slots
            : (await GetInfoAsync(domain, cancellationToken).ConfigureAwait(false)).VirtualCpus;
    }

    public async ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        return qemu.Process?.ReadCpuTime() is var (user, system)
            ?
            [
                TypedParameter.ULLong("cpu_time", BulkFields.Nanoseconds(user + system)),
                TypedParameter.ULLong("user_time", BulkFields.Nanoseconds(user)),
                TypedParameter.ULLong("system_time", BulkFields.Nanoseconds(system)),
            ]
            : throw NoCpuAccounting();
    }

    /// <summary>Only a control group of libvirt's could tell.</summary>
    public async ValueTask<IReadOnlyList<IReadOnlyList<TypedParameter>>> GetCpuStatsAsync(
        DomainIdentity domain, int first, int count, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        throw NoCpuAccounting();
    }

    /// <summary>The scheduler of every process of the host.</summary>
    public ValueTask<string> GetSchedulerTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, "posix", cancellationToken);

    /// <summary>Parameters of a scheduler are set by who starts a domain: none of ours can be read or set, so there are none.</summary>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefuseConfig(impact, "qemuDomainGetSchedulerParametersFlags");
        return [];
    }

    private static TimeSpan? CpuTime(QemuDomain qemu) => qemu.Process?.ReadCpuTime() is var (user, system) ? user + system : null;

    private async ValueTask<(QemuDomain Qemu, QmpCpu[] Cpus, int Slots)> AskCpusAsync(
        DomainIdentity domain, MonitorParts parts, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        try
        {
            MonitorValues values = await qemu.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
            QmpCpu[] cpus = values.CpuList ?? throw LibvirtError.Report(
                ErrorCode.OperationFailed, ErrorOrigin.Qemu, $"QEMU does not report the processors of '{qemu.Identity.Name}'");
            return (qemu, cpus, values.MaxCpus);
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
    }

    private static void RefuseConfig(DomainModificationImpact impact, string function)
    {
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Qemu);
        if ((impact & DomainModificationImpact.Config) != 0)
            throw NoDefinition();
    }

    private static LibvirtException NoCpuAccounting() =>
        LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu, "cgroup CPUACCT controller is not mounted");
}
