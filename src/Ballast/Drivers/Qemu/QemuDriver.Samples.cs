using System.Runtime.CompilerServices;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Statistics;

namespace Ballast.Drivers.Qemu;

/// <content>Samples: what the guest reported with its circumstances, also where nobody can be asked.</content>
internal sealed partial class QemuDriver
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken) =>
        await SampleMemoryAsync(
            domain, await ResolveAsync(domain, cancellationToken).ConfigureAwait(false), options, hasAnswered: null, cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<MemoryStats> RefreshMemoryAsync(
        DomainIdentity domain, MemoryStatsOptions options, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        RefreshOutcome outcome = RefreshOutcome.NotAsked;
        if (qemu is { Obstacle: null, MonitorOrNull: { } monitor })
        {
            await ChangeAsync(domain, qemu, async () =>
                outcome = await monitor.Refresh.RunAsync(qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }

        return await SampleMemoryAsync(
            domain, qemu, options, outcome == RefreshOutcome.NotAsked ? null : outcome == RefreshOutcome.Answered, cancellationToken).ConfigureAwait(false);
    }

    // Pooled, as GetMemoryStatsAsync is: its state holds all that the monitor answered.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<MemoryStats> SampleMemoryAsync(
        DomainIdentity domain, QemuDomain qemu, MemoryStatsOptions options, bool? hasAnswered, CancellationToken cancellationToken)
    {
        MonitorValues values = default;
        LibvirtException? obstacle = null;
        try
        {
            MonitorParts parts =
                MonitorParts.GuestStats | MonitorParts.PollingInterval | MonitorParts.Status | qemu.SizeParts;

            // A guest that was reset before we were connected has no driver, or has reported since.
            if (!qemu.CannotTellDriver && !qemu.Instance.Reports.KnowsDriver(qemu.Monitor))
                parts |= MonitorParts.VirtioStatus;
            values = await qemu.QueryAsync(
                parts, _timeout, _allowsSynchronousContinuations, cancellationToken).ConfigureAwait(false);
            if (MustLookForBalloon(qemu, values))
                values = await AskAgainAsync(qemu, parts, values, cancellationToken).ConfigureAwait(false);
            qemu.Learn(values, _time);
            qemu.CannotTellDriver |= values.LacksVirtioStatus;
            if (qemu.CannotTellDriver && qemu.Instance.Reports.TryAskForOffer())
            {
                _ = qemu.Instance.Reports.Learn(await qemu.QueryAsync(
                    MonitorParts.OffersDeflate, _timeout, cancellationToken).ConfigureAwait(false));
            }
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
        catch (LibvirtException e) when (QemuSampleFacts.Obstacle(e) is not null)
        {
            obstacle = e;
        }

        MemoryStatsFacts facts = obstacle is null
            ? QemuSampleFacts.Describe(qemu, values, qemu.Instance.Reports.Learn(values, isOfNow: hasAnswered == true), options)
            : QemuSampleFacts.DescribeLast(qemu, obstacle, options);
        if (hasAnswered is { } answered)
        {
            facts = facts with
            {
                HasAnswered = answered,
                Detail = facts.Detail ?? (answered ? null : "the guest was asked for a report and did not answer in time"),
            };
        }

        MemoryStats sample = facts.ToSample(_time.GetUtcNow());
        if (_mayChange && values.Has(MonitorParts.PollingInterval)
            && qemu.Monitor.Refresh.IsLeftOver(values.PollingIntervalSeconds, sample.Age, _timeout))
        {
            await PutBackAsync(qemu, cancellationToken).ConfigureAwait(false);
        }

        return QemuSampleFacts.MayLackDriver(sample) && !values.Has(MonitorParts.VirtioStatus) && !qemu.CannotTellDriver && qemu.MonitorOrNull?.Balloon is not null
            ? await WithDriverStateAsync(qemu, values, facts, sample, cancellationToken).ConfigureAwait(false)
            : sample;
    }

    private async ValueTask PutBackAsync(QemuDomain qemu, CancellationToken cancellationToken)
    {
        try
        {
            await qemu.Monitor.Refresh.PutBackAsync(qemu.Instance.IsHeardAfter, _timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // The sample says that collection is off, which is true for whoever reads it. The next one tries again.
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<MemoryStats> WithDriverStateAsync(
        QemuDomain qemu, MonitorValues known, MemoryStatsFacts facts, MemoryStats sample, CancellationToken cancellationToken)
    {
        try
        {
            MonitorValues values = await qemu.QueryAsync(
                MonitorParts.VirtioStatus, _timeout, cancellationToken).ConfigureAwait(false);
            _ = qemu.Instance.Reports.Learn(values);
            if (values.Has(MonitorParts.VirtioStatus) && !values.IsDriverBound)
            {
                return (qemu.Instance.Reports.MayBoot(values with { GuestStats = known.GuestStats })
                    ? facts with { IsFromBeforeReset = true }
                    : facts with { DriverNotLoaded = true }).ToSample(_time.GetUtcNow());
            }
        }
        catch (LibvirtException)
        {
            // The sample is complete without it.
        }

        return sample;
    }
}
