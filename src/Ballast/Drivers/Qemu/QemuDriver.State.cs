using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

internal sealed partial class QemuDriver
{
    public async ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        MonitorValues values = await AskAsync(
            domain, qemu, MonitorParts.Status | MonitorParts.Cpus | MonitorParts.MemorySize, cancellationToken).ConfigureAwait(false);
        ulong maximum = qemu.MaxMemoryKiB.GetValueOrDefault();
        return new DomainInfo(
            State(values).State, maximum, CurrentKiB() ?? maximum, values.Cpus, qemu.Process?.ReadCpuTime() ?? TimeSpan.Zero);
    }

    public async ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        await AskStateAsync(
            await ResolveAsync(domain, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        const DomainStatsGroups supported = DomainStatsGroups.State | DomainStatsGroups.Balloon;
        DomainRules.CheckStatsFlags(flags, "qemuConnectGetAllDomainStats", ErrorOrigin.Qemu);
        groups = DomainRules.SelectGroups(groups, supported, flags, ErrorOrigin.Qemu, " or QEMU");

        QemuDomain? qemu = await RefreshAsync(cancellationToken).ConfigureAwait(false);
        if (qemu is null || !await MatchesAsync(qemu, DomainRules.ToFilter(flags), cancellationToken).ConfigureAwait(false))
            return [];
        List<DriverStatsRecord> records = [];
        foreach (DomainIdentity domain in domains ?? [qemu.Identity])
        {
            if (domain.Uuid == qemu.Identity.Uuid)
                records.Add(new DriverStatsRecord(domain, await ReadStatsAsync(qemu, groups, flags, cancellationToken).ConfigureAwait(false)));
        }

        return records;
    }

    private async ValueTask<IReadOnlyList<TypedParameter>> ReadStatsAsync(
        QemuDomain qemu, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        MonitorParts parts = (groups & DomainStatsGroups.State) != 0 ? MonitorParts.Status : MonitorParts.None;
        if ((groups & DomainStatsGroups.Balloon) != 0)
            parts |= MonitorParts.GuestStats | MonitorParts.MemorySize;
        // The balloon's own answer is not needed, unless it tells that one was plugged since.
        if ((parts & MonitorParts.GuestStats) != 0 && _qemu.Monitor.Balloon is null)
            parts |= MonitorParts.Balloon;

        // What keeps a monitor from answering leaves its fields out; it is never an error of the whole call.
        MonitorValues values = default;
        bool isAsked = (flags & DomainStatsFlags.NoWait) == 0 || !_qemu.Monitor.IsBusy;
        if (isAsked && parts != MonitorParts.None)
        {
            try
            {
                values = await _qemu.Monitor.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
                if (MustLookForBalloon(values))
                    values = await AskAgainAsync(parts, values, cancellationToken).ConfigureAwait(false);
                qemu.Learn(values);
            }
            catch (LibvirtException)
            {
                isAsked = false;
            }
        }

        List<TypedParameter> fields = [];
        if ((groups & DomainStatsGroups.State) != 0)
        {
            DomainStateInfo state = State(values);
            fields.Add(TypedParameter.Int("state.state", (int)state.State));
            fields.Add(TypedParameter.Int("state.reason", state.Reason));
        }

        if ((groups & DomainStatsGroups.Balloon) != 0)
            AddBalloonFields(fields, qemu, values, isAsked);
        return fields;
    }

    private void AddBalloonFields(List<TypedParameter> fields, QemuDomain qemu, in MonitorValues values, bool isAsked)
    {
        if ((CurrentKiB() ?? qemu.MaxMemoryKiB) is { } current)
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
            MonitorValues values = await _qemu.Monitor.QueryAsync(parts, _timeout, cancellationToken).ConfigureAwait(false);
            qemu.Learn(values);
            return values;
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
        catch (LibvirtException e) when (Obstacle(e) is not null)
        {
            return default;
        }
    }

    private DomainStateInfo State(in MonitorValues values) => values.Has(MonitorParts.Status)
        ? QemuStates.Map(values.RunState, values.IsRunning, _qemu.Monitor.RunningReason)
        : QemuStates.Unusable;

    /// <summary>
    /// The balloon's size as libvirt keeps it: the last answer, or the last event. Sizes are whole pages, so that
    /// libvirt's different rounding of the two does not show.
    /// </summary>
    private ulong? CurrentKiB() => _qemu.Monitor.ActualBytes is { } bytes ? (bytes + 1023) / 1024 : null;
}
