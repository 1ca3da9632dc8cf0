using Ballast.Drivers.Host;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

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

    /// <summary>The scheduler of every process of the host.</summary>
    public ValueTask<string> GetSchedulerTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, "posix", cancellationToken);

    public async ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefuseConfig(impact, "qemuDomainGetMemoryParameters");
        return (qemu.Process is { } process ? new ControlGroupMemory().Limits(process.Pid) : null)
            ?? throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu, "cgroup memory controller is not mounted");
    }

    private static TimeSpan? CpuTime(QemuDomain qemu) => qemu.Process?.ReadCpuTime() is var (user, system) ? user + system : null;

    private async ValueTask<(QemuDomain Qemu, QmpCpu[] Cpus, int Slots)> AskCpusAsync(
        DomainIdentity domain, MonitorParts parts, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        try
        {
            MonitorValues values = await qemu.Monitor.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
            QmpCpu[] cpus = values.CpuList ?? throw LibvirtError.Report(
                ErrorCode.OperationFailed, ErrorOrigin.Qemu, $"QEMU does not report the processors of '{qemu.Identity.Name}'");
            return (qemu, cpus, Slots(values));
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
    }

    /// <summary>How many processors there can be: as many as there are, where none can be plugged.</summary>
    private static int Slots(in MonitorValues values) => Math.Min(Math.Max(values.CpuSlots, values.Cpus), MaxVcpuSlots);

    private static void RefuseConfig(DomainModificationImpact impact, string function)
    {
        DomainRules.CheckImpact(impact, function, ErrorOrigin.Qemu);
        if ((impact & DomainModificationImpact.Config) != 0)
            throw NoDefinition();
    }
}
