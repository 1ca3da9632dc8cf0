using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    // Those that need a few of the host's files at most.
    private const DomainStatsGroups CheapGroups = DomainStatsGroups.State | DomainStatsGroups.Balloon;

    private static readonly DomainStateInfo Unusable = new(DomainState.NoState, 0);

    public async ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values = await AskAsync(
            domain, qemu, MonitorParts.Status | MonitorParts.Cpus | qemu.SizeParts, cancellationToken).ConfigureAwait(false);
        // A size that nobody knows is an error: zero would be a lie.
        ulong maximum = qemu.MaxMemoryKiB ?? (await qemu.Monitor.QueryAsync(
            qemu.SizeParts, _timeout, cancellationToken).ConfigureAwait(false)).MaximumBytes / 1024;
        return new DomainInfo(
            State(values).State, maximum, qemu.CurrentKiB ?? maximum, qemu.VirtualCpus, CpuTime(qemu) ?? TimeSpan.Zero);
    }

    public async ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await AskStateAsync(
            await ResolveAsync(domain, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    private async ValueTask<IReadOnlyList<TypedParameter>> ReadStatsAsync(
        QemuDomain qemu, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        // The sizes are not asked for where they were recently: events keep the balloon's, and memory is plugged rarely.
        MonitorParts parts = (groups & DomainStatsGroups.State) != 0 ? MonitorParts.Status : MonitorParts.None;
        if ((groups & DomainStatsGroups.Balloon) != 0)
            parts |= MonitorParts.GuestStats | (qemu.KnowsSizes(_time) ? MonitorParts.None : qemu.SizeParts);
        if ((groups & DomainStatsGroups.Vcpu) != 0)
            parts |= MonitorParts.Cpus | MonitorParts.CpuSlots;
        // Only its answer tells that a balloon was plugged since.
        if ((parts & MonitorParts.GuestStats) != 0 && qemu.MonitorOrNull is { Balloon: null })
            parts |= MonitorParts.Balloon;

        // What keeps a monitor from answering leaves its fields out; it is never an error of the whole call.
        MonitorValues values = default;
        bool isAsked = (flags & DomainStatsFlags.NoWait) == 0 || qemu.MonitorOrNull is { IsBusy: false };
        if (isAsked && parts != MonitorParts.None)
        {
            try
            {
                values = await qemu.Monitor.QueryAsync(
                    parts, _timeout, _allowsSynchronousContinuations && (groups & ~CheapGroups) == 0, cancellationToken).ConfigureAwait(false);
                if (MustLookForBalloon(qemu, values))
                    values = await AskAgainAsync(qemu, parts, values, cancellationToken).ConfigureAwait(false);
                qemu.Learn(values, _time);
            }
            catch (LibvirtException)
            {
                isAsked = false;
            }
        }

        QmpDeviceStats? devices = isAsked && (groups & QmpDeviceStats.Groups) != 0 && qemu is { Obstacle: null, MonitorOrNull: { } monitor }
            ? await QmpDeviceStats.AskAsync(monitor, groups, _timeout, cancellationToken).ConfigureAwait(false)
            : null;

        List<TypedParameter> fields = [];
        if ((groups & DomainStatsGroups.State) != 0)
        {
            DomainStateInfo state = State(values);
            fields.Add(TypedParameter.Int("state.state", (int)state.State));
            fields.Add(TypedParameter.Int("state.reason", state.Reason));
        }

        if ((groups & DomainStatsGroups.CpuTotal) != 0)
        {
            AddCpuTotalFields(fields, qemu);
            AddHaltPollFields(fields, devices?.HaltPolling);
        }

        if ((groups & DomainStatsGroups.Balloon) != 0)
            AddBalloonFields(fields, qemu, values, isAsked);
        if ((groups & DomainStatsGroups.Vcpu) != 0)
            AddVcpuFields(fields, qemu, values, cancellationToken);
        if (devices is not null)
            AddDeviceFields(fields, devices);
        return fields;
    }

    private static void AddBalloonFields(List<TypedParameter> fields, QemuDomain qemu, in MonitorValues values, bool isAsked)
    {
        if (qemu.CurrentKiB is { } current)
            fields.Add(TypedParameter.ULLong("balloon.current", current));
        if (qemu.MaxMemoryKiB is { } maximum)
            fields.Add(TypedParameter.ULLong("balloon.maximum", maximum));
        if (!isAsked)
            return;

        Span<MemoryStat> stats = stackalloc MemoryStat[QemuMemoryStats.MaxCount];
        int count = QemuMemoryStats.Fill(stats, values, qemu.Process, MemoryStatsOptions.None);
        foreach (MemoryStat stat in stats[..count])
        {
            if (stat.Tag.BalloonField() is { } field)
                fields.Add(TypedParameter.ULLong(field, stat.Value));
        }
    }

    private async ValueTask<DomainStateInfo> AskStateAsync(QemuDomain qemu, CancellationToken cancellationToken) =>
        State(await AskAsync(qemu.Identity, qemu, MonitorParts.Status, cancellationToken).ConfigureAwait(false));

    /// <summary>Asks; where the monitor cannot be used, nothing is answered, which callers show as "no state".</summary>
    private async ValueTask<MonitorValues> AskAsync(
        DomainIdentity domain, QemuDomain qemu, MonitorParts parts, CancellationToken cancellationToken)
    {
        try
        {
            MonitorValues values = await qemu.Monitor.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
            qemu.Learn(values, _time);
            return values;
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
        catch (LibvirtException)
        {
            return default;
        }
    }

    /// <summary>What is told of a domain whose monitor cannot be used: no state.</summary>
    private static DomainStateInfo State(in MonitorValues values) => values.Has(MonitorParts.Status) ? values.State : Unusable;
}
