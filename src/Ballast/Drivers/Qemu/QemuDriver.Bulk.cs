using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Statistics;

namespace Ballast.Drivers.Qemu;

/// <content>
/// Many domains in one call: side by side, because each monitor has a lane and a deadline of its own, and all within one
/// deadline. Of those that did not answer by then the others are not kept waiting.
/// </content>
internal sealed partial class QemuDriver
{
    // What connecting, asking and asking again may take together, above one deadline of a monitor; less than any client waits.
    internal static readonly TimeSpan BulkExtra = TimeSpan.FromMilliseconds(400);

    // Those that need a few of the host's files at most.
    private const DomainStatsGroups CheapGroups = DomainStatsGroups.State | DomainStatsGroups.Balloon;

    public async ValueTask<IReadOnlyList<DriverSample>?> TrySampleMemoryAsync(
        IReadOnlyList<DomainIdentity>? domains, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain> all = await ChooseAsync(domains, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource late = new(_timeout + BulkExtra, _time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        MemoryStats?[] samples = await GuestByGuest.AskAsync<QemuDomain, MemoryStats?>(
            all, qemu => UnlessGoneAsync(SampleOneAsync(qemu, options, end.Token, cancellationToken)),
            async (qemu, failure) => await SampleMemoryAsync(
                qemu.Identity, Failed(qemu, failure), options, hasAnswered: null, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        return MemorySampling.Found([.. all.Select(qemu => qemu.Identity)], samples);
    }

    public async ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken)
    {
        const DomainStatsGroups supported =
            DomainStatsGroups.State | DomainStatsGroups.CpuTotal | DomainStatsGroups.Balloon | DomainStatsGroups.Vcpu
            | DomainStatsGroups.Interface | DomainStatsGroups.Block | DomainStatsGroups.Iothread | DomainStatsGroups.DirtyRate

            // Known, and empty: what they count, libvirt has to set up, or only KVM counts.
            | DomainStatsGroups.Perf | DomainStatsGroups.Memory | DomainStatsGroups.Vm;
        DomainRules.CheckStatsFlags(flags, "qemuConnectGetAllDomainStats", ErrorOrigin.Qemu);
        groups = DomainRules.SelectGroups(groups, supported, flags, ErrorOrigin.Qemu, " or QEMU");

        IReadOnlyList<QemuDomain> all = await ChooseAsync(domains, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource late = new(_timeout + BulkExtra, _time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        IReadOnlyList<QemuDomain> chosen = await FilterAsync(all, DomainRules.ToFilter(flags), end.Token, cancellationToken).ConfigureAwait(false);
        DriverStatsRecord?[] records = await GuestByGuest.AskAsync<QemuDomain, DriverStatsRecord?>(
            chosen, qemu => ReadRecordAsync(qemu, groups, flags, end.Token, cancellationToken),
            async (qemu, failure) => await ReadStatsAsync(Failed(qemu, failure), groups, flags, cancellationToken).ConfigureAwait(false))
            .ConfigureAwait(false);

        // What is done with thousands of records is too much for the thread that received the last one. Yielding only helps
        // now: a task that is not complete yet goes on where it is completed, whatever it is awaited with.
        if (_allowsSynchronousContinuations)
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return [.. records.OfType<DriverStatsRecord>()];
    }

    private async ValueTask<IReadOnlyList<QemuDomain>> ChooseAsync(IReadOnlyList<DomainIdentity>? domains, CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain> all = await _inventory.ToAskAsync(_timeout, cancellationToken).ConfigureAwait(false);
        if (domains is null)
            return all;
        Dictionary<Guid, QemuDomain> known = all.ToDictionary(qemu => qemu.Identity.Uuid);
        foreach (QemuDomain qemu in all)
        {
            foreach (Guid former in qemu.Instance.FormerUuids)
                _ = known.TryAdd(former, qemu);
        }

        return
        [
            .. domains.Where(domain => known.TryGetValue(domain.Uuid, out QemuDomain? qemu) && (domain.Instance ?? qemu.Instance.Number) == qemu.Instance.Number
                    && (domain.Id is null || domain.Id == qemu.Identity.Id))
                .Select(domain => known[domain.Uuid]),
        ];
    }

    private Task<T?> NothingAsync<T>(QemuDomain qemu, Exception failure)
    {
        _log.GuestFailed(qemu.Identity.Name, failure);
        return Task.FromResult(default(T));
    }

    // Our own fault, which something about this guest brought out: without its monitor it can be told of all the same.
    private QemuDomain Failed(QemuDomain qemu, Exception failure)
    {
        _log.GuestFailed(qemu.Identity.Name, failure);
        return qemu.Unreachable(new LibvirtException(
            ErrorCode.SystemError, ErrorOrigin.Qemu, $"what '{qemu.Identity.Name}' says cannot be read: {failure.Message}", failure));
    }

    /// <summary>Null where the QEMU went meanwhile.</summary>
    /// <param name="qemu">The QEMU.</param>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="late">Ends with the time that there is for all of them, and with the caller's token.</param>
    /// <param name="cancellationToken">The caller's.</param>
    private async Task<MemoryStats?> SampleOneAsync(
        QemuDomain qemu, MemoryStatsOptions options, CancellationToken late, CancellationToken cancellationToken)
    {
        MemoryStats? sample;
        try
        {
            sample = await ReadyForBulkAsync(qemu, late).ConfigureAwait(false) is { } ready
                ? await SampleMemoryAsync(qemu.Identity, ready, options, hasAnswered: null, late).ConfigureAwait(false)
                : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            sample = await SampleMemoryAsync(
                qemu.Identity, WithoutAnswer(qemu), options, hasAnswered: null, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code != ErrorCode.NoDomain)
        {
            LibvirtException lost = new(ErrorCode.SystemError, ErrorOrigin.Qemu, e.Message, e);
            sample = await SampleMemoryAsync(qemu.Identity, qemu.Unreachable(lost), options, hasAnswered: null, cancellationToken).ConfigureAwait(false);
        }

        return qemu.Instance.HasExited ? null : sample;
    }

    // Wherever it was noticed: it is no trouble of the others.
    private static async Task<T?> UnlessGoneAsync<T>(Task<T?> asking)
        where T : class
    {
        try
        {
            return await asking.ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoDomain)
        {
            return null;
        }
    }

    /// <summary>Null where the QEMU went meanwhile.</summary>
    private async Task<DriverStatsRecord?> ReadRecordAsync(
        QemuDomain qemu, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken late, CancellationToken cancellationToken)
    {
        QemuDomain? ready = qemu;
        try
        {
            if ((flags & DomainStatsFlags.NoWait) == 0)
                ready = await ReadyForBulkAsync(qemu, late).ConfigureAwait(false);
            return ready is null ? null : await ReadStatsAsync(ready, groups, flags, late).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return await ReadStatsAsync(WithoutAnswer(qemu), groups, flags, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e)
        {
            // That nobody could look where it is now is no trouble of the others.
            return await ReadStatsAsync(qemu.Unreachable(e), groups, flags, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Null where the QEMU went meanwhile.</summary>
    private async ValueTask<DriverStatsRecord?> ReadStatsAsync(
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

        // What keeps a monitor from answering leaves its fields out; it is never an error of the whole call. No values are kept over
        // a wait: hundreds of calls wait at a time, and the values are most of what one would take.
        MonitorValues values;
        bool isAsked = (flags & DomainStatsFlags.NoWait) == 0 || qemu.MonitorOrNull is { IsBusy: false };
        if (isAsked && parts != MonitorParts.None)
        {
            try
            {
                values = await qemu.QueryAsync(
                    parts, _timeout, _allowsSynchronousContinuations && (groups & ~CheapGroups) == 0, cancellationToken).ConfigureAwait(false);
                if (MustLookForBalloon(qemu, values))
                    values = await AskAgainAsync(qemu, parts, values, cancellationToken).ConfigureAwait(false);
                qemu.Learn(values, _time);
            }
            catch (LibvirtException)
            {
                values = default;
                isAsked = false;
            }
        }
        else
        {
            values = default;
        }

        long answer = values.Number;
        IReadOnlyList<TypedParameter> fields = isAsked && (groups & QmpDeviceStats.Groups) != 0 && qemu is { Obstacle: null, MonitorOrNull: not null }
            ? await WithDevicesAsync(qemu, groups, values, cancellationToken).ConfigureAwait(false)
            : BulkFields.Of(groups, qemu, values, isAsked, devices: null, cancellationToken);
        return qemu.Process?.HasExitedBy(answer) == true ? null : new DriverStatsRecord(qemu.Identity, fields);
    }

    private async ValueTask<IReadOnlyList<TypedParameter>> WithDevicesAsync(
        QemuDomain qemu, DomainStatsGroups groups, MonitorValues values, CancellationToken cancellationToken)
    {
        QmpDeviceStats? devices = await QmpDeviceStats.AskAsync(qemu.Asked, groups, _timeout, cancellationToken).ConfigureAwait(false);
        return BulkFields.Of(groups, qemu, values, isAsked: true, devices, cancellationToken);
    }

    // Time was up for all of them. On a busy machine that says nothing about the monitor, and who is served there does.
    private QemuDomain WithoutAnswer(QemuDomain qemu) =>
        qemu.Unreachable(qemu.Instance.FindHolder() ?? QmpErrors.Timeout(qemu.Identity.Name, _timeout + BulkExtra));

    /// <summary>The same QEMU with a monitor that can be asked, where there is one that is not known to be silent; null where it is gone.</summary>
    private ValueTask<QemuDomain?> ReadyForBulkAsync(QemuDomain qemu, CancellationToken cancellationToken) =>
        qemu.MonitorOrNull is { IsConnected: true }
            ? new(qemu)
            : _inventory.ResolveAsync(qemu.Identity, waitsForSilent: false, _timeout, cancellationToken);
}
