using System.Collections.Frozen;
using System.Text.Json;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu;

/// <content>What clients ask beside memory and state. There are no jobs, no metadata and no pools: those are libvirt's own.</content>
internal sealed partial class QemuDriver
{
    private const string AgentIsMissing = "QEMU guest agent is not configured";

    // Those that libvirt knows by name.
    private static readonly FrozenSet<string> Architectures = FrozenSet.Create(
        StringComparer.Ordinal, "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32", "loongarch64", "m68k", "microblaze",
        "microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc", "parisc64", "ppc", "ppc64", "ppc64le", "ppcemb", "riscv32",
        "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa", "xtensaeb");

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

    public async ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        DomainRules.CheckMetadata(type, impact, "virDomainObjGetMetadata", ErrorOrigin.Domain);
        if ((impact & DomainModificationImpact.Config) != 0)
            throw NoDefinition();
        throw DomainRules.NoMetadata();
    }

    public ValueTask<DomainJobInfo> GetJobInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        FactAsync(domain, default(DomainJobInfo), cancellationToken);

    public ValueTask<DomainJobStats> GetJobStatsAsync(DomainIdentity domain, uint flags, CancellationToken cancellationToken) =>
        FactAsync(domain, new DomainJobStats(DomainJobType.None, []), cancellationToken);

    /// <summary>No jobs of libvirt's kind run here: the way is free, unless the monitor cannot be used or does not answer.</summary>
    public async ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        const uint monitorFailure = 2;
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values = await AskAsync(domain, qemu, MonitorParts.Status, cancellationToken).ConfigureAwait(false);
        return values.Has(MonitorParts.Status) ? default : new DomainControlInfo(DomainControlState.Error, monitorFailure, 0);
    }

    /// <summary>Parameters of a scheduler are set by who starts a domain: none of ours can be read or set, so there are none.</summary>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefuseConfig(impact, "qemuDomainGetSchedulerParametersFlags");
        return [];
    }

    /// <summary>libvirt's answer for a domain that nobody bound to cells.</summary>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainIdentity domain, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        _ = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        DomainRules.CheckImpact(impact, "qemuDomainGetNumaParameters", ErrorOrigin.Qemu);
        DomainRules.RefuseBoth(impact);
        RefuseConfig(impact, "qemuDomainGetNumaParameters");
        return [TypedParameter.Int("numa_mode", 0), TypedParameter.String("numa_nodeset", "")];
    }

    public async ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        return qemu.Process?.ReadCpuTime() is var (user, system)
            ?
            [
                TypedParameter.ULLong("cpu_time", Nanoseconds(user + system)),
                TypedParameter.ULLong("user_time", Nanoseconds(user)),
                TypedParameter.ULLong("system_time", Nanoseconds(system)),
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

    /// <summary>
    /// QEMU has the power button and the reset button. libvirt reboots by the first one and starts the machine anew when its
    /// guest has shut down, which a QEMU that ends with its guest does not wait for.
    /// </summary>
    public async ValueTask RebootAsync(DomainIdentity domain, DomainRebootFlags flags, CancellationToken cancellationToken)
    {
        const DomainRebootFlags known = DomainRebootFlags.AcpiPowerButton | DomainRebootFlags.GuestAgent;
        if ((flags & ~known) is not DomainRebootFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "qemuDomainReboot", ErrorOrigin.Qemu);
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        throw flags == DomainRebootFlags.GuestAgent
            ? LibvirtError.Report(ErrorCode.ArgumentUnsupported, ErrorOrigin.Qemu, AgentIsMissing)
            : LibvirtError.Report(ErrorCode.OperationUnsupported, ErrorOrigin.Qemu,
                $"the QEMU of '{qemu.Identity.Name}' ends when its guest shuts down, so it cannot be rebooted from outside; use reset, or reboot inside the guest");
    }

    public async ValueTask WakeUpAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        await ChangeAsync(domain, qemu, () => ExecuteAsync(qemu, "system_wakeup", cancellationToken)).ConfigureAwait(false);
    }

    public async ValueTask StartDirtyRateAsync(
        DomainIdentity domain, int seconds, DirtyRateMode mode, CancellationToken cancellationToken)
    {
        const int most = 60;
        const uint known = 3;
        if (((uint)mode & ~known) is not 0 and var unknown)
            throw LibvirtError.UnsupportedFlags(unknown, "qemuDomainStartDirtyRateCalc", ErrorOrigin.Qemu);
        if (seconds is < 1 or > most)
        {
            throw LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Qemu,
                $"seconds={seconds} is invalid, please choose value within [1, {most}].");
        }

        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        const string command = "calc-dirty-rate";
        await ChangeAsync(domain, qemu, async () =>
        {
            await RefuseWithoutKvmAsync(qemu, mode, cancellationToken).ConfigureAwait(false);
            QmpError? error = await qemu.Monitor.ChangeAsync(
                command, QmpCommands.StartDirtyRate(seconds, mode), qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
            if (error is not null)
                throw QmpErrors.Refused(command, error);
        }).ConfigureAwait(false);
    }

    /// <summary>QEMU looks at KVM's state for these modes whether it has one or not: without KVM it crashes, and the guest with it.</summary>
    private async Task RefuseWithoutKvmAsync(QemuDomain qemu, DirtyRateMode mode, CancellationToken cancellationToken)
    {
        if (mode == DirtyRateMode.PageSampling)
            return;
        const string command = "query-kvm";
        JsonElement? kvm = await QmpJson.AskAsync(
            qemu.Monitor, command, QmpCommands.Execute(command), _timeout, cancellationToken).ConfigureAwait(false);
        if (Member(kvm, "enabled") is { ValueKind: JsonValueKind.True })
            return;
        throw LibvirtError.Report(ErrorCode.OperationUnsupported, ErrorOrigin.Qemu, mode == DirtyRateMode.DirtyBitmap
            ? "dirty-bitmap calculation mode requires KVM, without which QEMU would crash; use page-sampling."
            : "dirty-ring calculation mode requires dirty-ring feature enabled.");
    }

    public ValueTask<int> CountStoragePoolsAsync(uint filter, CancellationToken cancellationToken) => new(0);

    /// <summary>Those that a QEMU of that architecture knows which can be asked; none: all may be used.</summary>
    public async ValueTask<IReadOnlyList<string>> GetCpuModelNamesAsync(string architecture, CancellationToken cancellationToken)
    {
        if (!Architectures.Contains(architecture))
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, $"cannot find architecture {architecture}");
        foreach (QemuDomain qemu in await _inventory.RefreshAsync(connects: false, _timeout, cancellationToken).ConfigureAwait(false))
        {
            if (qemu.MonitorOrNull is not { IsConnected: true } monitor)
                continue;
            try
            {
                JsonElement? target = await QmpJson.AskAsync(
                    monitor, "query-target", QmpCommands.Execute("query-target"), _timeout, cancellationToken).ConfigureAwait(false);
                if (Text(Member(target, "arch")) != architecture)
                    continue;
                JsonElement? models = await QmpJson.AskAsync(
                    monitor, "query-cpu-definitions", QmpCommands.Execute("query-cpu-definitions"), _timeout, cancellationToken).ConfigureAwait(false);
                return [.. Elements(models).Select(model => Text(Member(model, "name"))).OfType<string>().Order(StringComparer.Ordinal)];
            }
            catch (LibvirtException)
            {
                // Another one may answer.
            }
        }

        return [];
    }

    public ValueTask<IReadOnlyList<ulong>> GetFreePagesAsync(
        IReadOnlyList<uint> sizes, int firstCell, int cells, CancellationToken cancellationToken) =>
        new(_node.FreePages(sizes, firstCell, cells));

    private static LibvirtException NoCpuAccounting() =>
        LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Qemu, "cgroup CPUACCT controller is not mounted");
}
