using Ballast.Guests;

namespace Ballast.Tests.Guests;

[Trait("needs", "qemu")]
public sealed class LinuxGuestTests
{
    private const long Mib = 1 << 20;
    private const int Attempts = 10;
    private static readonly TimeSpan NextReport = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // One boot for all that a running guest shows: it is what takes time.
    [Fact]
    public async Task What_the_guest_does_moves_what_it_reports()
    {
        await using var guest = await LinuxGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await oracle.SetPollingIntervalAsync(LinuxGuest.BalloonPath, 1, Token);
        var idle = await NextWhenQuietAsync(guest, oracle);
        Assert.Equal((ulong)(await guest.ReadMemoryAsync(Token)).Total * 1024, idle["stat-total-memory"]);
        Assert.All(VirtioTag.Keys, key => Assert.NotEqual(OracleStats.NotReported, idle[key]));

        // The kernel may free some of its own meanwhile.
        _ = await guest.CommandAsync("alloc 64", cancellationToken: Token);
        _ = await NextAsync(oracle, stats => Moved(stats, idle, "stat-free-memory") < -50 * Mib);
        _ = await guest.CommandAsync("free", cancellationToken: Token);
        var freed = await NextAsync(oracle, stats => Moved(stats, idle, "stat-free-memory") > -10 * Mib);

        _ = await guest.CommandAsync("cache 50", cancellationToken: Token);
        var cached = await NextAsync(oracle, stats => Moved(stats, freed, "stat-disk-caches") > 45 * Mib);
        Assert.True(Moved(cached, freed, "stat-free-memory") < -45 * Mib);
        Assert.True(Moved(cached, freed, "stat-available-memory") > -20 * Mib, "Caches are usable memory.");
        _ = await guest.CommandAsync("drop", cancellationToken: Token);
        _ = await NextAsync(oracle, stats => Moved(stats, freed, "stat-disk-caches") < 5 * Mib);

        _ = await guest.CommandAsync("fault 20000", cancellationToken: Token);
        _ = await NextAsync(oracle, stats => Moved(stats, cached, "stat-minor-faults") >= 20000);
        Assert.Equal("4", await guest.CommandAsync("hugepages 4", cancellationToken: Token));
        _ = await NextAsync(oracle, stats => stats["stat-htlb-pgalloc"] == 4);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => guest.CommandAsync("alloc 9999", cancellationToken: Token));
        Assert.Contains("no memory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_guest_obeys_its_balloon()
    {
        await using var guest = await LinuxGuest.StartAsync(cancellationToken: Token);
        var oracle = await guest.OracleAsync(Token);
        await oracle.SetBalloonTargetAsync(192 * Mib, Token);
        await Deadline.UntilAsync(
            NextReport, "small balloon", async token => await oracle.BalloonActualAsync(token) == 192 * Mib, Token);
    }

    [Fact]
    public async Task A_guest_without_its_driver_reports_only_after_loading_it()
    {
        await using var guest = await LinuxGuest.StartAsync(new() { LoadDriver = false }, Token);
        var oracle = await guest.OracleAsync(Token);
        Assert.Equal(0, (await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, Token)).LastUpdate);
        _ = await guest.CommandAsync("load", cancellationToken: Token);
        var first = await NextAsync(oracle, stats => stats.LastUpdate > 0);
        _ = await guest.CommandAsync("unload", cancellationToken: Token);
        await oracle.SetPollingIntervalAsync(LinuxGuest.BalloonPath, 1, Token);
        await Task.Delay(2500, Token);
        Assert.Equal(first.LastUpdate, (await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, Token)).LastUpdate);
        _ = await guest.CommandAsync("load", cancellationToken: Token);
        _ = await NextAsync(oracle, stats => stats.LastUpdate > first.LastUpdate);

        _ = await guest.CommandAsync("poweroff", cancellationToken: Token);
        await guest.Process.WaitForExitAsync(Token);
    }

    private static long Moved(OracleStats now, OracleStats before, string key) => (long)now[key] - (long)before[key];

    // The driver's first report is from the middle of the boot: the kernel frees megabytes of its own after it.
    private static async Task<OracleStats> NextWhenQuietAsync(LinuxGuest guest, OracleMonitor oracle)
    {
        for (int attempt = 1; ; attempt++)
        {
            long before = (await guest.ReadMemoryAsync(Token)).Free;
            var last = await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, Token);
            var report = await NextAsync(oracle, stats => stats.LastUpdate > last.LastUpdate);
            long after = (await guest.ReadMemoryAsync(Token)).Free;
            if (attempt == Attempts || (Math.Abs(after - before) * 1024 < Mib && Math.Abs((long)report["stat-free-memory"] - (after * 1024)) < Mib))
                return report;
        }
    }

    private static async Task<OracleStats> NextAsync(OracleMonitor oracle, Func<OracleStats, bool> expected)
    {
        OracleStats? stats = null;
        try
        {
            await Deadline.UntilAsync(NextReport, "expected report", async token =>
            {
                stats = await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, token);
                return expected(stats);
            }, Token);
            return stats!;
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Last report: {string.Join(", ", stats!.Values)}");
            throw;
        }
    }
}
