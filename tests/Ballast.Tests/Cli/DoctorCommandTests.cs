using System.Text.Json;
using Ballast.Guests;
using Ballast.Tests.Documentation;

namespace Ballast.Tests.Cli;

/// <summary>What is wrong, and what to do.</summary>
public sealed class DoctorCommandTests : IDisposable
{
    private const ulong Now = 1_700_000_000, MiB = 1024;
    private const string Healthy = "MemTotal:       16000000 kB\nMemAvailable:    9000000 kB\n";

    private readonly PrivateDirectory _directory = new();

    public DoctorCommandTests()
    {
        Write("meminfo", Healthy);
        Write("pressure/memory", "some avg10=0.00 avg60=0.12 avg300=0.00 total=1\nfull avg10=0.00 avg60=50.00 avg300=0.00 total=1\n");
        Write("sys/vm/overcommit_memory", "0\n");
    }

    public void Dispose() => _directory.Dispose();

    public static TheoryData<MemoryStatsReason, string> Reasons => new(
        Enum.GetValues<MemoryStatsReason>().Except([MemoryStatsReason.Fresh, MemoryStatsReason.Inconsistent, MemoryStatsReason.RejectedValue, MemoryStatsReason.UnsupportedByDaemon])
            .Select(reason => (reason, reason is MemoryStatsReason.MonitorBusy or MemoryStatsReason.MonitorHung or MemoryStatsReason.PermissionDenied
                or MemoryStatsReason.ConnectionLost or MemoryStatsReason.NoMonitor or MemoryStatsReason.SocketNotFound or MemoryStatsReason.NotTrusted ? "error" : "warning")));

    [Fact]
    public async Task Healthy_guests_on_a_healthy_host_have_one_line()
    {
        FakeDomain[] guests =
        [
            Guest("a", 1, used: 100), Guest("full-of-cache", 2, used: 500), Guest("b", 3, used: 850), Guest("shrunk", 4, used: 300, actual: 900),
            Guest("swapped-long-ago", 5, used: 300, swapOut: 5000),
        ];
        Outcome outcome = await RunAsync(new FakeDriver(guests));
        Assert.Equal(new Outcome(0, "Nothing is wrong: 5 guests, fake:///\n\n", ""), outcome);
        Assert.Equal("[]\n\n", (await RunAsync(new FakeDriver(guests), "--json")).Output);
        Assert.Contains("Nothing is wrong: 1 guest,", (await RunAsync(new FakeDriver(guests), "a")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task Whatever_keeps_numbers_from_being_current_is_named_with_its_remedy(MemoryStatsReason reason, string severity)
    {
        FakeDomain guest = Guest("ill", 1, used: null) with { Facts = Facts(reason) };
        Outcome outcome = await RunAsync(new FakeDriver(Guest("well", 2, used: 100), guest));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith($"{severity}: ill: {reason.Label()}", outcome.Output, StringComparison.Ordinal);
        string remedy = reason == MemoryStatsReason.Paused
            ? "resume it: ballast -c fake:/// resume ill"
            : reason.Remedy("ill").Replace("dommemstat ", "ballast -c fake:/// dommemstat ", StringComparison.Ordinal);
        Assert.Contains($"\n    {remedy}", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("well", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_was_ballooned_too_far_is_given_some_back()
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("db", 1, used: 1000, actual: 1124)));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal("warning: db: uses 98 % of 1.0G; the balloon holds 924M\n    give some back: ballast -c fake:/// setmem db 1408MiB\n\n", outcome.Output);

        // What it has nothing to get back from is short of memory as such; a name is quoted as a shell reads it.
        outcome = await RunAsync(new FakeDriver(Guest("d b", 1, used: 1000, actual: 2048)));
        Assert.StartsWith("warning: d b: uses 98 % of 1.0G, and the balloon holds nothing", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("setmem 'd b' 1408MiB", (await RunAsync(new FakeDriver(Guest("d b", 1, used: 1000)))).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("VmLck", 1000, "is locked", "mem-lock=off")]
    [InlineData("VmPin", 1000, "passed-through device", "do not balloon")]
    [InlineData("HugetlbPages", 1000, "huge pages", "hugetlbfs")]
    [InlineData("VmSwap", 300, "the host has swapped out 300M", "--sort reclaimable")]
    public async Task Memory_that_cannot_be_ballooned_is_named(string field, ulong mib, string text, string remedy)
    {
        Write("1/status", $"Name:\tqemu-system-x86\n{field}:\t  {mib * MiB} kB\n");
        Outcome outcome = await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("warning: vm: ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(text, outcome.Output, StringComparison.Ordinal);
        Assert.Contains(remedy, outcome.Output, StringComparison.Ordinal);

        // An id that is another program's process says nothing of the guest.
        Write("1/status", $"Name:\tsystemd\n{field}:\t  {mib * MiB} kB\n");
        Assert.Equal(0, (await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)))).ExitCode);
        Write("1/status", $"Name:\tqemu-system-x86\n{field}:\t  8 kB\n");
        Assert.Equal(0, (await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)))).ExitCode);
    }

    [Fact]
    public async Task What_the_host_holds_beyond_what_is_used_is_a_note()
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("vm", 1, used: 100, resident: 1100)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: vm: the host holds 1.1G of it and it uses 100M: 868M could be given back", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\n    ballast -c fake:/// setmem vm 704MiB gives 420M of it back; caches are worth something to the guest\nNothing is wrong", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_has_less_than_setmem_would_leave_it_was_ballooned_too_far()
    {
        // It uses three quarters of what it has left: 225 of 300 MiB, of a balloon of 320.
        FakeDomain guest = new("forced", 1)
        {
            Facts = new()
            {
                Entries =
                [
                    new(MemoryStatTag.ActualBalloon, 320 * MiB), new(MemoryStatTag.Available, 300 * MiB), new(MemoryStatTag.Usable, 25 * MiB),
                    new(MemoryStatTag.LastUpdate, Now - 1), new(MemoryStatTag.Rss, 400 * MiB),
                ],
                PeriodSeconds = 2,
                IsRunning = true,
            },
            Statistics = [TypedParameter.ULLong("balloon.maximum", 2048 * MiB)],
        };
        Outcome outcome = await RunAsync(new FakeDriver(guest));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("warning: forced: uses 92 % of 300M; the balloon holds", outcome.Output, StringComparison.Ordinal);
        MemoryStat[] entries = guest.Facts.Entries;
        entries[2] = new(MemoryStatTag.Usable, 31 * MiB);
        Assert.StartsWith("warning: forced: uses 90 % of 300M; the balloon holds", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
        entries[1] = new(MemoryStatTag.Available, 150 * MiB);
        Assert.StartsWith("warning: forced: uses 79 % of 150M; the balloon holds", (await RunAsync(new FakeDriver(guest with { Facts = guest.Facts with { Entries = [new(MemoryStatTag.ActualBalloon, 170 * MiB), .. entries[1..]] } }))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_can_be_pasted_and_a_stopped_QEMU_is_named()
    {
        Write("1/status", "Name:\tqemu-system-x86\nState:\tT (stopped)\n");
        Outcome outcome = await RunAsync(new FakeDriver(Guest("my vm; id", 1, used: null) with { Facts = Facts(MemoryStatsReason.MonitorHung) }));
        Assert.Contains("\n    QEMU is stopped by a signal or a debugger: kill -CONT 1\n", outcome.Output, StringComparison.Ordinal);
        outcome = await RunAsync(new FakeDriver(Guest("my vm; id", 1, used: null) with { Facts = Facts(MemoryStatsReason.PollingOff) }));
        Assert.Contains("ballast -c fake:/// dommemstat 'my vm; id' --period 2\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_host_is_looked_at_too()
    {
        FakeDriver driver = new(Guest("vm", 1, used: 600));
        Write("meminfo", "MemTotal:       16000000 kB\nMemAvailable:     200000 kB\n");
        Outcome outcome = await RunAsync(driver);
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("error: host: only 195M of 15G memory is available\n    guests could give back 292M", outcome.Output, StringComparison.Ordinal);

        Write("meminfo", Healthy);
        Write("pressure/memory", "some avg10=0.00 avg60=31.50 avg300=0.00 total=1\n");
        Assert.StartsWith("warning: host: programs waited for memory in 32 %", (await RunAsync(driver)).Output, StringComparison.Ordinal);
        File.Delete(_directory.File("proc/pressure/memory"));
        Write("sys/vm/overcommit_memory", "2\n");
        outcome = await RunAsync(driver);
        Assert.StartsWith("note: host: vm.overcommit_memory is 2", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, outcome.ExitCode);
    }

    [Fact]
    public async Task The_worst_comes_first_and_each_illness_is_named()
    {
        Write("2/status", "Name:\tqemu-system-x86\nVmLck:\t  1048576 kB\n");
        FakeDriver driver = new(
            Guest("hung", 1, used: null) with { Facts = Facts(MemoryStatsReason.MonitorHung) },
            Guest("two", 2, used: 1000), Guest("lazy", 3, used: 100, resident: 1100));
        string[] lines = [.. (await RunAsync(driver)).Output.Split('\n').Where(line => line.Length > 0 && line[0] != ' ')];
        Assert.Equal(["error: hung", "warning: two", "warning: two", "note: lazy"], lines.Select(line => string.Join(':', line.Split(':')[..2])));

        JsonElement[] found = [.. JsonDocument.Parse((await RunAsync(driver, "--json")).Output).RootElement.EnumerateArray()];
        Assert.Equal(["severity", "subject", "check", "text", "remedy"], found[0].EnumerateObject().Select(member => member.Name));
        string documented = DocumentedCode.Text("docs/cli-json.md");
        Assert.All(found, one => Assert.Contains($"`{one.GetProperty("check").GetString()}`", documented, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_daemon_that_cannot_tell_is_one_finding_and_no_guests_fault()
    {
        FakeDriver driver = new(
            Guest("a", 1, used: null) with { Facts = Facts(MemoryStatsReason.UnsupportedByDaemon) },
            Guest("b", 2, used: null) with { Facts = Facts(MemoryStatsReason.UnsupportedByDaemon) });
        string output = (await RunAsync(driver)).Output;
        Assert.StartsWith("warning: connection: the daemon speaks only libvirt's protocol", output, StringComparison.Ordinal);
        Assert.DoesNotContain("warning: a", output, StringComparison.Ordinal);
    }

    private static MemoryStat[] Old =>
        [new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, 500 * MiB), new(MemoryStatTag.LastUpdate, Now - 700)];

    private static MemoryStatsFacts Facts(MemoryStatsReason reason) => reason switch
    {
        MemoryStatsReason.Stale => new() { Entries = Old, PeriodSeconds = 2, IsRunning = true },
        MemoryStatsReason.PollingOff => new() { Entries = Old, PeriodSeconds = 0, IsRunning = true },
        MemoryStatsReason.Paused => new() { Entries = Old, PeriodSeconds = 2, IsRunning = false },
        MemoryStatsReason.NeverReported => new() { Entries = [], PeriodSeconds = 2, IsRunning = true },
        _ => new() { Entries = [], PeriodSeconds = 2, IsRunning = true, Obstacle = reason },
    };

    private static FakeDomain Guest(string name, int id, ulong? used, ulong actual = 1124, ulong resident = 1024, ulong? swapOut = null)
    {
        List<MemoryStat> entries = [];
        if (swapOut is { } swapped)
            entries.AddRange([new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, swapped)]);
        if (used is { } taken)
            entries.AddRange([new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, (1024 - taken) * MiB), new(MemoryStatTag.LastUpdate, Now - 1)]);

        // Of what is not looked for here the host holds no more than it should.
        ulong rss = used is { } uses && resident == 1024 ? Math.Min(1024, uses * 3) : resident;
        entries.AddRange([new(MemoryStatTag.ActualBalloon, actual * MiB), new(MemoryStatTag.Rss, rss * MiB)]);
        return new FakeDomain(name, id)
        {
            Facts = new() { Entries = [.. entries], PeriodSeconds = 2, IsRunning = true },
            Statistics = [TypedParameter.ULLong("balloon.maximum", 2048 * MiB)],
        };
    }

    private void Write(string file, string text)
    {
        string path = _directory.File($"proc/{file}");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private Task<Outcome> RunAsync(FakeDriver driver, params string[] arguments) => CliRun.BallastAsync(
        ["doctor", .. arguments], (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)),
        procPath: _directory.File("proc"), cancellationToken: TestContext.Current.CancellationToken);
}
