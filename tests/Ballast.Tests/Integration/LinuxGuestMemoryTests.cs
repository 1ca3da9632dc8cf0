using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A real Linux: the shipped program's numbers against QEMU's own, and against what the guest does.</summary>
[Trait("needs", "qemu")]
public sealed class LinuxGuestMemoryTests
{
    private const int MiB = 1024;

    private static readonly (string Label, string Key, ulong Divisor)[] Keys =
    [
        ("swap_in", "stat-swap-in", 1024), ("swap_out", "stat-swap-out", 1024), ("major_fault", "stat-major-faults", 1),
        ("minor_fault", "stat-minor-faults", 1), ("unused", "stat-free-memory", 1024), ("available", "stat-total-memory", 1024),
        ("usable", "stat-available-memory", 1024), ("disk_caches", "stat-disk-caches", 1024),
        ("hugetlb_pgalloc", "stat-htlb-pgalloc", 1), ("hugetlb_pgfail", "stat-htlb-pgfail", 1),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_number_is_qemus_and_follows_what_the_guest_does()
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "linux" }, Token);
        OracleMonitor oracle = await guest.OracleAsync(Token);
        CommandResult period = await BallastAsync(guest, "dommemstat", "linux", "--period", "1");
        Assert.Equal(new CommandResult(0, "\n", ""), period);

        Dictionary<string, ulong> idle = await EqualSampleAsync(guest, oracle);
        Assert.Equal(256u * MiB, idle["actual"]);

        _ = await guest.CommandAsync("alloc 60", cancellationToken: Token);
        Dictionary<string, ulong> allocated = await SampleUntilAsync(guest, oracle, s => s["unused"] + (50 * MiB) < idle["unused"]);
        Assert.True(allocated["usable"] + (50 * MiB) < idle["usable"]);
        Assert.Equal(idle["available"], allocated["available"]);
        Assert.True(allocated["minor_fault"] >= idle["minor_fault"] + (60 * MiB / 4));
        Assert.True(allocated["rss"] > idle["rss"]);

        _ = await guest.CommandAsync("free", cancellationToken: Token);
        _ = await guest.CommandAsync("cache 40", cancellationToken: Token);
        Dictionary<string, ulong> cached = await SampleUntilAsync(guest, oracle, s => s["disk_caches"] >= idle["disk_caches"] + (35 * MiB));
        Assert.True(cached["usable"] > cached["unused"] + (30 * MiB)); // Caches are usable, though they are not unused.
        _ = await guest.CommandAsync("drop", cancellationToken: Token);

        Assert.Equal(new CommandResult(0, "\n", ""), await BallastAsync(guest, "setmem", "linux", "196608"));
        Dictionary<string, ulong> shrunk = await SampleUntilAsync(
            guest, oracle, s => s["actual"] == 192 * MiB && s["available"] + (60 * MiB) < idle["available"]);
        Assert.Equal(idle["available"] - (64 * MiB), shrunk["available"]);
    }

    [Fact]
    public async Task An_unloaded_driver_is_named_and_a_loaded_one_reports()
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { LoadDriver = false }, Token);
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{guest.MonitorPath}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        await domain.SetPeriodAsync(1, cancellationToken: Token);
        Assert.Equal(MemoryStatsReason.DriverNotLoaded, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);

        _ = await guest.CommandAsync("load", cancellationToken: Token);
        await UntilReasonAsync(domain, MemoryStatsReason.Fresh);
        MemoryStats stats = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        GuestMemory truth = await guest.ReadMemoryAsync(Token);
        Assert.Equal((ulong)truth.Total, stats.AvailableKiB);
        Assert.InRange((double)stats.Used!.Value.KiB, (truth.Total - truth.Available) * 0.8, (truth.Total - truth.Available) * 1.2);

        _ = await guest.CommandAsync("unload", cancellationToken: Token);
        await UntilReasonAsync(domain, MemoryStatsReason.DriverNotLoaded);
    }

    private static Task UntilReasonAsync(Domain domain, MemoryStatsReason reason) =>
        Deadline.UntilAsync(Deadline.Default, $"reason {reason}",
            async token => (await domain.GetMemoryStatsAsync(cancellationToken: token)).Reason == reason, Token);

    private static Task<CommandResult> BallastAsync(LinuxGuest guest, params string[] arguments) =>
        BallastProgram.RunAsync(Token, ["-c", $"qmp://{guest.MonitorPath}?timeout=20s", .. arguments]);

    private static async Task<Dictionary<string, ulong>> SampleUntilAsync(
        LinuxGuest guest, OracleMonitor oracle, Func<Dictionary<string, ulong>, bool> reached)
    {
        Dictionary<string, ulong> sample = [];
        await Deadline.UntilAsync(TimeSpan.FromSeconds(60), "the guest's memory to move", async _ =>
        {
            sample = await EqualSampleAsync(guest, oracle);
            return reached(sample);
        }, Token);
        return sample;
    }

    /// <summary>One run of dommemstat, each number of which was compared with guest-stats of the same last-update.</summary>
    private static async Task<Dictionary<string, ulong>> EqualSampleAsync(LinuxGuest guest, OracleMonitor oracle)
    {
        List<KeyValuePair<string, ulong>> ours = [];
        OracleStats before = await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, Token);
        await Deadline.UntilAsync(TimeSpan.FromSeconds(60), "two samples of one report", async token =>
        {
            CommandResult result = await BallastAsync(guest, "dommemstat", "linux");
            Assert.Equal((0, ""), (result.ExitCode, result.Errors));
            ours = BallastProgram.ParseStats(result.Output);
            OracleStats after = await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, token);
            bool isOneReport = before.LastUpdate == after.LastUpdate && Keys.All(key => before[key.Key] == after[key.Key]);
            before = after;
            return isOneReport;
        }, Token);

        Assert.Equal(
            ["actual", "swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available", "usable", "last_update",
                "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail", "rss"],
            ours.Select(entry => entry.Key));
        Dictionary<string, ulong> sample = new(ours);
        Assert.Equal((ulong)before.LastUpdate, sample["last_update"]);
        Assert.All(Keys, key => Assert.Equal(before[key.Key] / key.Divisor, sample[key.Label]));
        return sample;
    }
}
