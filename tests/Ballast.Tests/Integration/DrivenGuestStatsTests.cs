using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What a guest reports to QEMU's real device, as our API shows it.</summary>
[Trait("needs", "qemu")]
public sealed class DrivenGuestStatsTests
{
    private const ulong NotReported = ulong.MaxValue;

    private static readonly (ushort Tag, ulong Value)[] Plausible =
    [
        (VirtioTag.SwapIn, 1024), (VirtioTag.SwapOut, 2048), (VirtioTag.MajorFaults, 3), (VirtioTag.MinorFaults, 4),
        (VirtioTag.FreeMemory, 5 << 20), (VirtioTag.TotalMemory, 30 << 20), (VirtioTag.AvailableMemory, 7 << 20),
        (VirtioTag.DiskCaches, 8192), (VirtioTag.HugetlbAllocations, 9), (VirtioTag.HugetlbFailures, 10),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_ten_statistics_come_in_libvirts_order_and_units()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.ReportAsync(Plausible, Token);
        MemoryStat[] stats = new MemoryStat[1024];
        int count = await guest.Domain.FillMemoryStatsAsync(stats, cancellationToken: Token);

        ulong lastUpdate = (ulong)(await (await guest.Driven.OracleAsync(Token)).GuestStatsAsync(guest.Driven.BalloonPath, Token)).LastUpdate;
        MemoryStat[] expected =
        [
            new(MemoryStatTag.ActualBalloon, 32768), new(MemoryStatTag.SwapIn, 1), new(MemoryStatTag.SwapOut, 2),
            new(MemoryStatTag.MajorFault, 3), new(MemoryStatTag.MinorFault, 4), new(MemoryStatTag.Unused, 5120),
            new(MemoryStatTag.Available, 30720), new(MemoryStatTag.Usable, 7168), new(MemoryStatTag.LastUpdate, lastUpdate),
            new(MemoryStatTag.DiskCaches, 8), new(MemoryStatTag.HugetlbPgAlloc, 9), new(MemoryStatTag.HugetlbPgFail, 10),
        ];
        Assert.Equal(expected, stats[..(count - 1)]);
        Assert.Equal(MemoryStatTag.Rss, stats[count - 1].Tag);
        Assert.InRange(stats[count - 1].Value, 1024u, 1024u * 1024);
    }

    [Fact]
    public async Task A_buffer_of_six_and_one_of_1024_on_the_same_guest()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.ReportAsync(Plausible, Token);
        MemoryStat[] six = new MemoryStat[6], many = new MemoryStat[1024];
        Assert.Equal(6, await guest.Domain.FillMemoryStatsAsync(six, cancellationToken: Token));
        Assert.Equal(13, await guest.Domain.FillMemoryStatsAsync(many, cancellationToken: Token));
        Assert.Equal(many[..6], six);
    }

    [Theory]
    [InlineData(VirtioTag.SwapIn, MemoryStatTag.SwapIn)]
    [InlineData(VirtioTag.SwapOut, MemoryStatTag.SwapOut)]
    [InlineData(VirtioTag.MajorFaults, MemoryStatTag.MajorFault)]
    [InlineData(VirtioTag.MinorFaults, MemoryStatTag.MinorFault)]
    [InlineData(VirtioTag.FreeMemory, MemoryStatTag.Unused)]
    [InlineData(VirtioTag.TotalMemory, MemoryStatTag.Available)]
    [InlineData(VirtioTag.AvailableMemory, MemoryStatTag.Usable)]
    [InlineData(VirtioTag.DiskCaches, MemoryStatTag.DiskCaches)]
    [InlineData(VirtioTag.HugetlbAllocations, MemoryStatTag.HugetlbPgAlloc)]
    [InlineData(VirtioTag.HugetlbFailures, MemoryStatTag.HugetlbPgFail)]
    public async Task Extreme_values_of_each_tag_are_shown_or_refused_for_a_reason(ushort virtioTag, MemoryStatTag tag)
    {
        bool isBytes = tag.Unit() == MemoryStatUnit.KiB;
        await using Opened guest = await Opened.StartAsync();
        foreach (ulong value in (ulong[])[0, 1, 1023, 1024, uint.MaxValue, long.MaxValue, 1UL << 63, 0xFFFFFFFFFFFFF000, ulong.MaxValue - 1, NotReported])
        {
            await guest.Driven.ReportAsync([(virtioTag, value)], Token);
            MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
            bool isShown = value != NotReported && (!isBytes || value < 1UL << 63);
            Assert.Equal(isShown ? isBytes ? value / 1024 : value : null, stats[tag]);
            MemoryStatsReason? why = stats.WhyMissing(tag);
            Assert.Equal(isShown, why is null);
            if (value != NotReported && !isShown)
                Assert.Equal(MemoryStatsReason.RejectedValue, why);
            else if (!isShown)
                Assert.Equal(MemoryStatsReason.DriverWithoutService, why);
        }
    }

    [Fact]
    public async Task A_missing_tag_is_absent_not_zero_nor_its_old_value()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.ReportAsync(Plausible, Token);
        await guest.Driven.ReportAsync(Plausible.Where(entry => entry.Tag != VirtioTag.DiskCaches), Token);
        MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Null(stats.DiskCachesKiB);
        Assert.Equal(12, stats.Entries.Count);
        Assert.Equal(MemoryStatsReason.PollingOff, stats.WhyMissing(MemoryStatTag.DiskCaches));
        Assert.Equal(new UsedMemory(30720 - 7168, UsedMemoryFormula.AvailableMinusUsable), stats.Used);
    }

    [Fact]
    public async Task A_windows_driver_without_its_service_is_named()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Domain.SetPeriodAsync(60, cancellationToken: Token);
        await guest.Driven.ReportAsync(Plausible.Select(entry => (entry.Tag, NotReported)), Token);
        MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.DriverWithoutService, stats.Reason);
        Assert.Equal(["actual", "last_update", "rss"], stats.Entries.Select(entry => entry.Tag.Label()));

        // The old driver's −1 pages in everything that is bytes: nothing of it is a number.
        await guest.Driven.ReportAsync([(VirtioTag.AvailableMemory, 0xFFFFFFFFFFFFF000), (VirtioTag.SwapIn, 0xFFFFFFFFFFFFF000)], Token);
        stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.RejectedValue, stats.Reason);
        Assert.Null(stats.UsableKiB);
    }

    [Fact]
    public async Task A_reset_makes_counters_go_backwards_which_is_no_contradiction()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.ReportAsync(Plausible, Token);
        Assert.Equal(MemoryStatsInconsistency.None, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Inconsistencies);

        await guest.Driven.SystemResetAsync(Token);
        MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);

        // QEMU keeps the old report over a reset, and since version 10 it does not,
        Assert.Equal(Installed.Qemu.Major < 10 ? 4ul : null, stats.MinorFaults);
        Assert.Equal(MemoryStatsReason.NeverReported, stats.Reason); // and neither looks alive.

        // No guest boots and reports within the second of its reset.
        await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
        await guest.Driven.InitialiseDriverAsync(Token);
        await guest.Driven.ReportAsync(Plausible.Select(entry => (entry.Tag, entry.Value / 2)), Token);
        Assert.Equal(MemoryStatsInconsistency.None, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Inconsistencies);

        // Without a reset it is one, as long as that report stands.
        await guest.Driven.ReportAsync(Plausible.Select(entry => (entry.Tag, entry.Value / 3)), Token);
        for (int i = 0; i < 2; i++)
            Assert.Equal(MemoryStatsInconsistency.CounterWentBackwards, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Inconsistencies);
        await guest.Driven.ReportAsync(Plausible, Token);
        Assert.Equal(MemoryStatsInconsistency.None, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Inconsistencies);
    }

    [Fact]
    public async Task A_guest_that_stops_answering_grows_stale()
    {
        ShiftedTime time = new();
        await using Opened guest = await Opened.StartAsync(time: time);
        await guest.Driven.AnswerPollsAsync(Plausible, Token);
        await guest.Domain.SetPeriodAsync(1, cancellationToken: Token);
        await guest.Driven.WaitForPollCountAsync(1, cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.Fresh, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);

        guest.Driven.StopAnswering();
        time.Shift = TimeSpan.FromSeconds(30);
        MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal((MemoryStatsReason.Stale, Freshness.Stale), (stats.Reason, stats.Freshness));
        Assert.InRange(stats.Age!.Value.TotalSeconds, 29, 60);
        Assert.Equal(7168u, stats.UsableKiB);
    }

    [Fact]
    public async Task A_paused_guest_says_so()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.ReportAsync(Plausible, Token);
        await (await guest.Driven.OracleAsync(Token)).ExecuteAsync("stop", cancellationToken: Token);
        MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.Paused, stats.Reason);
        Assert.Equal(new DomainStateInfo(DomainState.Paused, 1), await guest.Domain.GetStateAsync(Token));
        await (await guest.Driven.OracleAsync(Token)).ExecuteAsync("cont", cancellationToken: Token);
        Assert.Equal(new DomainStateInfo(DomainState.Running, 5), await guest.Domain.GetStateAsync(Token));
    }

    [Fact]
    public async Task Without_a_driver_the_sample_says_so_and_libvirts_entries_remain()
    {
        await using Opened guest = await Opened.StartAsync(new DrivenGuestOptions { InitialiseDriver = false });
        await guest.Domain.SetPeriodAsync(5, cancellationToken: Token);
        MemoryStats stats = await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal((MemoryStatsReason.DriverNotLoaded, Freshness.NeverReported), (stats.Reason, stats.Freshness));
        Assert.Equal(["actual", "last_update", "rss"], stats.Entries.Select(entry => entry.Tag.Label()));
        Assert.Null(stats.LastUpdate);

        await guest.Driven.InitialiseDriverAsync(Token);
        Assert.Equal(MemoryStatsReason.NeverReported, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
    }

    [Fact]
    public async Task The_period_is_read_set_and_never_changed_unasked()
    {
        await using Opened guest = await Opened.StartAsync();
        OracleMonitor oracle = await guest.Driven.OracleAsync(Token);
        await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal(0, await oracle.PollingIntervalAsync(guest.Driven.BalloonPath, Token));

        await guest.Domain.SetPeriodAsync(int.MaxValue, DomainModificationImpact.Live, Token);
        Assert.Equal(int.MaxValue, await oracle.PollingIntervalAsync(guest.Driven.BalloonPath, Token));
        await oracle.SetPollingIntervalAsync(guest.Driven.BalloonPath, 7, Token);
        Assert.Equal(7, await guest.Domain.GetPeriodAsync(Token));
        Assert.Equal(TimeSpan.FromSeconds(7), (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).Period);
        await guest.Domain.SetPeriodAsync(0, cancellationToken: Token);
        Assert.Equal(0, await oracle.PollingIntervalAsync(guest.Driven.BalloonPath, Token));

        LibvirtException config = await Assert.ThrowsAsync<LibvirtException>(
            async () => await guest.Domain.SetPeriodAsync(1, DomainModificationImpact.Config, Token));
        Assert.Equal(
            (ErrorCode.OperationInvalid, ErrorOrigin.Domain, "Requested operation is not valid: transient domains do not have any persistent config"),
            (config.Code, config.Origin, config.Message));
    }

    [Fact]
    public async Task A_balloon_without_an_id_is_found()
    {
        await using Opened guest = await Opened.StartAsync(new DrivenGuestOptions { BalloonId = null });
        await guest.Driven.ReportAsync(Plausible, Token);
        Assert.Equal(7168u, (await guest.Domain.GetMemoryStatsAsync(cancellationToken: Token)).UsableKiB);
        await guest.Domain.SetPeriodAsync(3, cancellationToken: Token);
        Assert.Equal(3, await guest.Domain.GetPeriodAsync(Token));
    }

    [Fact]
    public async Task Bulk_statistics_have_the_fields_of_libvirt()
    {
        await using Opened guest = await Opened.StartAsync();
        await guest.Driven.ReportAsync(Plausible, Token);
        DomainStatsRecord record = Assert.Single(await guest.Connection.GetAllDomainStatsAsync(
            DomainStatsGroups.State | DomainStatsGroups.Balloon, cancellationToken: Token));
        Assert.Equal(
            [
                "state.state", "state.reason", "balloon.current", "balloon.maximum", "balloon.swap_in", "balloon.swap_out",
                "balloon.major_fault", "balloon.minor_fault", "balloon.unused", "balloon.available", "balloon.usable",
                "balloon.last-update", "balloon.disk_caches", "balloon.hugetlb_pgalloc", "balloon.hugetlb_pgfail", "balloon.rss",
            ],
            record.Parameters.Select(parameter => parameter.Field));
        Assert.Equal(7168u, record.Parameters.Single(parameter => parameter.Field == "balloon.usable").AsUInt64());
        Assert.Empty(await guest.Connection.GetAllDomainStatsAsync(flags: DomainStatsFlags.Paused, cancellationToken: Token));
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () =>
            await guest.Connection.GetAllDomainStatsAsync((DomainStatsGroups)0x100000, DomainStatsFlags.EnforceStats, Token));
        Assert.Equal("argument unsupported: Stats types bits 0x100000 are not supported by this daemon or QEMU", error.Message);
    }
}
