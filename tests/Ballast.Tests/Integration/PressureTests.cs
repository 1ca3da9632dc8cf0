using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// The six statistics of memory pressure, which only a Linux 6.12 reports and only a QEMU 9.2 understands: Debian 13's. What the
/// library reads is what QEMU says, and what the guest's kernel says of itself.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "debian13")]
public sealed class PressureTests
{
    private const ulong PageKib = 4;

    /// <summary>Our tags, the kernel's names in /proc/vmstat, QEMU's keys, and how many of ours are one of the kernel's.</summary>
    private static readonly (MemoryStatTag Tag, string Kernel, string Key, ulong Factor, ulong Divisor)[] All =
    [
        (MemoryStatTag.OomKills, "oom_kill", "stat-oom-kills", 1, 1),
        (MemoryStatTag.AllocStalls, "allocstall", "stat-alloc-stalls", 1, 1),
        (MemoryStatTag.AsyncScans, "pgscan_kswapd", "stat-async-scans", PageKib, 1024),
        (MemoryStatTag.DirectScans, "pgscan_direct", "stat-direct-scans", PageKib, 1024),
        (MemoryStatTag.AsyncReclaims, "pgsteal_kswapd", "stat-async-reclaims", PageKib, 1024),
        (MemoryStatTag.DirectReclaims, "pgsteal_direct", "stat-direct-reclaims", PageKib, 1024),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_guest_under_pressure_is_read_as_its_kernel_counts()
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "pressed", MemoryMib = 192 }, Token);
        OracleMonitor oracle = await guest.OracleAsync(Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        await using Connection remote = await OpenAsync(daemon.Uri);
        Domain domain = await remote.LookupByNameAsync("pressed", Token);
        await domain.SetPeriodAsync(1, cancellationToken: Token);

        Dictionary<MemoryStatTag, ulong> idle = await AgreeAsync(guest, oracle, domain);
        Assert.Equal(0u, idle[MemoryStatTag.OomKills]);

        // More of a disk than fits: the caches of before are reclaimed.
        _ = await guest.CommandAsync("cache 600", TimeSpan.FromSeconds(240), Token);
        Dictionary<MemoryStatTag, ulong> cached = await AgreeAsync(guest, oracle, domain);
        Assert.True(cached[MemoryStatTag.AsyncScans] + cached[MemoryStatTag.DirectScans] > idle[MemoryStatTag.AsyncScans] + idle[MemoryStatTag.DirectScans] + (200 * 1024));
        Assert.True(cached[MemoryStatTag.AsyncReclaims] + cached[MemoryStatTag.DirectReclaims] > idle[MemoryStatTag.AsyncReclaims] + idle[MemoryStatTag.DirectReclaims] + (200 * 1024));
        Assert.Equal(0u, cached[MemoryStatTag.OomKills]);

        // More than there is: allocations wait for what can be reclaimed, and then somebody is killed.
        for (int i = 0; i < 3; i++)
        {
            try
            {
                _ = await guest.CommandAsync("alloc 80", TimeSpan.FromSeconds(240), Token);
            }
            catch (InvalidOperationException killed) when (killed.Message.Contains("no memory", StringComparison.Ordinal))
            {
            }
        }

        Dictionary<MemoryStatTag, ulong> pressed = await AgreeAsync(guest, oracle, domain);
        Assert.True(pressed[MemoryStatTag.OomKills] > 0);
        Assert.True(pressed[MemoryStatTag.AllocStalls] > 0);
        Assert.True(pressed[MemoryStatTag.DirectScans] > 0);
    }

    [Fact]
    public async Task Who_asks_for_libvirts_statistics_gets_libvirts_thirteen()
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "usual" }, Token);
        await using Connection connection = await OpenAsync($"qmp://{guest.MonitorPath}");
        Domain domain = await connection.LookupByNameAsync("usual", Token);
        await domain.SetPeriodAsync(1, cancellationToken: Token);
        await Deadline.UntilAsync(
            Deadline.Default, "a report",
            async token => (await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended, token)).OomKills is not null, Token);
        MemoryStats usual = await domain.GetMemoryStatsAsync(MemoryStatsOptions.None, Token);
        Assert.Equal(13, usual.Entries.Count);
        Assert.All(usual.Entries, entry => Assert.InRange((int)entry.Tag, 0, 12));
    }

    private static ValueTask<Connection> OpenAsync(string uri) =>
        Connection.OpenAsync(uri, new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);

    /// <summary>Waits until the guest stands still, and all three say the same of it: the guest's kernel, QEMU, and the library through the daemon.</summary>
    private static async Task<Dictionary<MemoryStatTag, ulong>> AgreeAsync(LinuxGuest guest, OracleMonitor oracle, Domain domain)
    {
        Dictionary<MemoryStatTag, ulong> ours = [];
        string[] said = [];
        try
        {
            await Deadline.UntilAsync(TimeSpan.FromSeconds(60), "agreement", async token =>
            {
                Dictionary<string, ulong> kernels = (await guest.CommandAsync("pressure", cancellationToken: token)).Split(' ')
                    .Select(field => field.Split('='))
                    .ToDictionary(pair => pair[0], pair => ulong.Parse(pair[1], CultureInfo.InvariantCulture));
                MemoryStats sample = await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended, token);
                OracleStats qemus = await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, token);
                said = [.. All.Select(one => $"{one.Tag}: {kernels[one.Kernel] * one.Factor}, {qemus[one.Key]}, {sample[one.Tag]}")];
                ours = All.Where(one => sample[one.Tag] is not null).ToDictionary(one => one.Tag, one => sample[one.Tag]!.Value);
                return All.All(one => sample[one.Tag] == kernels[one.Kernel] * one.Factor && sample[one.Tag] == qemus[one.Key] / one.Divisor);
            }, Token, TimeSpan.FromMilliseconds(500));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The guest's kernel, QEMU and the library differ: {string.Join("; ", said)}");
        }

        return ours;
    }
}
