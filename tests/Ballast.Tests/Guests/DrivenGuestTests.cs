using Ballast.Guests;

namespace Ballast.Tests.Guests;

[Trait("needs", "qemu")]
public sealed class DrivenGuestTests
{
    private static readonly (ushort Tag, ulong Value)[] AllTen =
        [.. VirtioTag.Keys.Select((_, tag) => ((ushort)tag, (ulong)((tag + 1) * 1_000_003)))];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_guest_reports_is_exactly_what_QEMU_shows()
    {
        await using var guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await guest.ReportAsync(AllTen, Token);
        var stats = await oracle.GuestStatsAsync(guest.BalloonPath, Token);
        Assert.Equal(AllTen.Select(entry => entry.Value), VirtioTag.Keys.Select(key => stats[key]));
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - stats.LastUpdate, 0, 30);
    }

    [Fact]
    public async Task A_tag_that_is_missing_from_the_report_is_shown_as_not_reported()
    {
        await using var guest = await DrivenGuest.StartAsync(new() { BalloonId = null }, Token);
        var oracle = await guest.OracleAsync(Token);
        await guest.ReportAsync(AllTen, Token);
        await guest.ReportAsync([(VirtioTag.TotalMemory, 5), (4711, 6), (VirtioTag.FreeMemory, ulong.MaxValue - 1)], Token);
        var stats = await oracle.GuestStatsAsync(guest.BalloonPath, Token);
        Assert.Equal(5ul, stats["stat-total-memory"]);
        Assert.Equal(ulong.MaxValue - 1, stats["stat-free-memory"]);
        int known = Installed.Qemu >= new Version(9, 2) ? 16 : 10;
        Assert.Equal(known - 2, stats.Values.Count(entry => entry.Value == OracleStats.NotReported));
    }

    [Fact]
    public async Task Half_an_entry_is_no_entry()
    {
        await using var guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await guest.ReportRawAsync(new byte[] { 0, 0, 1, 2, 3 }, Token);
        var stats = await oracle.GuestStatsAsync(guest.BalloonPath, Token);
        Assert.All(stats.Values.Values, value => Assert.Equal(OracleStats.NotReported, value));
        Assert.NotEqual(0, stats.LastUpdate);
    }

    [Fact]
    public async Task Polling_gives_the_buffer_back_until_the_guest_answers()
    {
        await using var guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await guest.ReportAsync(AllTen, Token);
        await guest.ReportAsync(AllTen, Token);
        Assert.Equal(0, guest.PollCount);
        await oracle.SetPollingIntervalAsync(guest.BalloonPath, 1, Token);
        await guest.WaitForPollAsync(cancellationToken: Token);
        await Task.Delay(1500, Token);
        Assert.Equal(1, guest.PollCount);
        await guest.ReportAsync([(VirtioTag.FreeMemory, 7)], Token);
        await guest.WaitForPollAsync(cancellationToken: Token);
        Assert.Equal(2, guest.PollCount);
        Assert.Equal(7ul, (await oracle.GuestStatsAsync(guest.BalloonPath, Token))["stat-free-memory"]);
    }

    [Fact]
    public async Task An_answering_guest_is_polled_each_interval()
    {
        await using var guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        var calls = 0ul;
        await guest.AnswerPollsAsync(() => [(VirtioTag.MinorFaults, ++calls)], Token);
        await oracle.SetPollingIntervalAsync(guest.BalloonPath, 1, Token);
        await guest.WaitForPollCountAsync(3, cancellationToken: Token);
        var stats = await oracle.GuestStatsAsync(guest.BalloonPath, Token);
        Assert.InRange(stats["stat-minor-faults"], 3ul, calls);
    }

    [Fact]
    public async Task The_guest_decides_how_large_its_balloon_is()
    {
        const long Mib = 1 << 20;
        await using var guest = await DrivenGuest.StartAsync(new() { MemoryMib = 32 }, Token);
        var oracle = await guest.OracleAsync(Token);
        await oracle.SetBalloonTargetAsync(24 * Mib, Token);
        const uint Asked = (uint)(8 * Mib / DrivenGuest.PageSize);
        await guest.WaitForTargetPagesAsync(Asked, cancellationToken: Token);
        Assert.Equal(Asked, await guest.ReadTargetPagesAsync(Token));
        Assert.Equal(32 * Mib, await oracle.BalloonActualAsync(Token));
        await guest.InflateAsync(Enumerable.Range(4096, (int)Asked).Select(page => (uint)page), Token);
        await guest.WriteActualPagesAsync(Asked, Token);
        Assert.Equal(24 * Mib, await oracle.BalloonActualAsync(Token));
        _ = await oracle.WaitForEventAsync("BALLOON_CHANGE", cancellationToken: Token);

        guest.FollowTarget = true;
        await oracle.SetBalloonTargetAsync(16 * Mib, Token);
        await guest.WaitForTargetPagesAsync(2 * Asked, cancellationToken: Token);
        Assert.Equal(16 * Mib, await oracle.BalloonActualAsync(Token));
    }

    [Fact]
    public async Task After_a_reset_the_old_report_stays_until_a_driver_reports_again()
    {
        await using var guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await guest.ReportAsync([(VirtioTag.FreeMemory, 1)], Token);
        await guest.ResetDeviceAsync(Token);
        _ = await Assert.ThrowsAsync<InvalidOperationException>(() => guest.ReportAsync([(VirtioTag.FreeMemory, 2)], Token));
        Assert.Equal(1ul, (await oracle.GuestStatsAsync(guest.BalloonPath, Token))["stat-free-memory"]);
        await guest.SystemResetAsync(Token);
        await guest.InitialiseDriverAsync(Token);
        await guest.ReportAsync([(VirtioTag.FreeMemory, 3)], Token);
        Assert.Equal(3ul, (await oracle.GuestStatsAsync(guest.BalloonPath, Token))["stat-free-memory"]);
    }

    [Fact]
    public async Task Memory_can_be_written_and_read_back()
    {
        await using var guest = await DrivenGuest.StartAsync(new() { InitialiseDriver = false, Running = false }, Token);
        byte[] content = [1, 2, 3, 0xff];
        await guest.WriteMemoryAsync(0x4000, content, Token);
        Assert.Equal(content, await guest.ReadMemoryAsync(0x4000, content.Length, Token));
        Assert.Equal(0u, await guest.ReadRegisterAsync(0x70, Token));
    }

    [Fact]
    public async Task A_frozen_QEMU_answers_only_after_it_continues()
    {
        await using var guest = await DrivenGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await guest.Process.StopAsync(Token);
        _ = await Assert.ThrowsAsync<TimeoutException>(
            () => oracle.ExecuteAsync("query-status", deadline: TimeSpan.FromMilliseconds(100), cancellationToken: Token));
        guest.Process.Continue();
        Assert.Equal("running", (await oracle.ExecuteAsync("query-status", cancellationToken: Token)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Guests_start_together()
    {
        var guests = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => DrivenGuest.StartAsync(
            new() { Name = $"driven-{n}", Uuid = Guid.NewGuid(), Monitors = 1 }, Token)));
        foreach (var guest in guests)
            await guest.DisposeAsync();
        Assert.All(guests, guest => Assert.False(Directory.Exists(guest.Process.DirectoryPath)));
    }
}
