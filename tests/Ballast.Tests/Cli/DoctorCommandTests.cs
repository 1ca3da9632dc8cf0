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
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"\ANothing is wrong: 5 guests, fake:///; asked: ballastd \S+, which answered in [0-9.]+ ms\n\n\z", outcome.Output);
        JsonElement asked = Assert.Single(JsonDocument.Parse((await RunAsync(new FakeDriver(guests), "--json")).Output).RootElement.EnumerateArray());
        Assert.Equal(("note", "connection", "asked"), (asked.GetProperty("severity").GetString(), asked.GetProperty("subject").GetString(), asked.GetProperty("check").GetString()));
        Assert.StartsWith("ballastd ", asked.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Contains("Nothing is wrong: 1 guest,", (await RunAsync(new FakeDriver(guests), "a")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task Whatever_keeps_numbers_from_being_current_is_named_with_its_remedy(MemoryStatsReason reason, string severity)
    {
        FakeDomain guest = Guest("ill", 1, used: null) with
        {
            Facts = Facts(reason),
            State = new(reason == MemoryStatsReason.Paused ? DomainState.Paused : DomainState.Running, 1),
        };
        Outcome outcome = await RunAsync(new FakeDriver(Guest("well", 2, used: 100), guest));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith($"{severity}: ill: {reason.Label()}", outcome.Output, StringComparison.Ordinal);
        string remedy = reason switch
        {
            MemoryStatsReason.Paused => "Resume it: ballast -c fake:/// resume ill",
            MemoryStatsReason.MonitorBusy => "Stop the other program, ask it instead, or start QEMU with another monitor: -qmp unix:PATH,server=on,wait=off",
            MemoryStatsReason.PollingOff => "Set a collection period: ballast -c fake:/// dommemstat ill --period 2",
            MemoryStatsReason.Stale => "The guest may be stuck or very busy. Request a report; only if none comes, look at its console, and reset it last. To request one: ballast -c fake:/// dommemstat ill --refresh",
            _ => reason.Remedy("ill"),
        };
        Assert.Contains($"\n    {remedy}", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("well", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_was_ballooned_too_far_is_given_some_back()
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("db", 1, used: 1000, actual: 1124)));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith(
            "warning: db: uses 98 % of 1.0G; the balloon holds 924M\n    give some back: ballast -c fake:/// setmem db 1408MiB\n1 to mend: 1 guest, fake:///; asked: ballastd ", outcome.Output, StringComparison.Ordinal);

        // What it has nothing to get back from is short of memory as such; a name is quoted as a shell reads it.
        outcome = await RunAsync(new FakeDriver(Guest("d b", 1, used: 1000, actual: 2048)));
        Assert.StartsWith("warning: d b: uses 98 % of 1.0G, and the balloon holds nothing", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("setmem '=eq' 1408MiB", (await RunAsync(new FakeDriver(Guest("=eq", 1, used: 1000)))).Output, StringComparison.Ordinal);
        Assert.Contains("setmem 'd b' 1408MiB", (await RunAsync(new FakeDriver(Guest("d b", 1, used: 1000)))).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    public async Task At_a_terminal_lines_are_broken_and_commands_are_not(int columns)
    {
        FakeDomain stale = Guest("a-guest-with-a-long-name", 1, used: null) with { Facts = Facts(MemoryStatsReason.Stale) };
        string output = (await CliRun.BallastAsync(
            ["doctor"], (uri, options, _) => new(new Connection(new FakeDriver(stale), uri ?? "fake:///", options)), isTerminal: true, columns: columns,
            procPath: _directory.File("proc"), cancellationToken: TestContext.Current.CancellationToken)).Output;
        const string command = "    ballast -c fake:/// dommemstat a-guest-with-a-long-name --refresh";
        string[] lines = output.Split('\n');
        Assert.Contains(command, lines);
        Assert.All(lines, line => Assert.True(line.Length <= columns || line == command, line));
    }

    [Fact]
    public async Task A_place_without_monitors_is_not_well()
    {
        string uri = $"qmp://{_directory.Path}";
        Outcome outcome = await RunAtAsync(new FakeDriver(), uri);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Error));
        Assert.StartsWith($"warning: connection: no QEMU's monitor socket was found at {_directory.Path}\n    name the monitor socket", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("asked: QEMU's monitor, without a daemon\n", outcome.Output, StringComparison.Ordinal);
        outcome = await RunAtAsync(new FakeDriver(), "qmp:///");
        Assert.Equal((0, "Nothing is wrong: no guest runs, qmp:///; asked: this host's QEMUs, without a daemon\n\n"), (outcome.ExitCode, outcome.Output));
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

        // An id that is not this domain's here says nothing of the guest, whatever runs under it.
        foreach (FakeDriver here in (FakeDriver[])[new(), new(Guest("vm10", 1, used: 100))])
            Assert.Equal(0, (await RunWithAsync(new FakeDriver(Guest("vm", 1, used: 100)), ["doctor"], here)).ExitCode);

        // How its process is called says nothing either.
        Write("1/status", $"Name:\tvm\n{field}:\t  {mib * MiB} kB\n");
        Assert.Equal(1, (await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)))).ExitCode);
        Write("1/status", $"Name:\tqemu-system-x86\n{field}:\t  8 kB\n");
        Assert.Equal(0, (await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)))).ExitCode);
    }

    [Fact]
    public async Task What_the_host_holds_beyond_what_is_used_is_a_note()
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("vm", 1, used: 100, resident: 1100)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: vm: the host holds 1.1G of it and it uses 100M: 868M could be given back", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\n    take 676M of it, and leave it some for caches: ballast -c fake:/// setmem vm 448MiB\nNothing is wrong", outcome.Output, StringComparison.Ordinal);
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
        Assert.Contains("\n    QEMU is stopped by a signal: kill -CONT 1\n", outcome.Output, StringComparison.Ordinal);
        Write("1/status", "Name:\tqemu-system-x86\nState:\tt (tracing stop)\nTracerPid:\t77\n");
        outcome = await RunAsync(new FakeDriver(Guest("my vm; id", 1, used: null) with { Facts = Facts(MemoryStatsReason.MonitorHung) }));
        Assert.Contains("\n    QEMU is stopped by a debugger, process 77: continue it there, or quit the debugger\n", outcome.Output, StringComparison.Ordinal);
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
        Assert.Equal(["error: hung", "warning: two", "warning: two", "note: lazy", "3 to mend: 3 guests, fake"], lines.Select(line => string.Join(':', line.Split(':')[..2])));

        JsonElement[] found = [.. JsonDocument.Parse((await RunAsync(driver, "--json")).Output).RootElement.EnumerateArray()];
        Assert.Equal(["severity", "subject", "check", "text", "remedy", "command"], found[0].EnumerateObject().Select(member => member.Name));
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

    [Theory]
    [InlineData(DomainState.Paused, 1, "user)", "Resume it: ballast -c fake:/// resume ill")]
    [InlineData(DomainState.Paused, 5, "I/O error)", "then resume it: ballast -c fake:/// resume ill")]
    [InlineData(DomainState.Paused, 2, "migrating)", "wait until that is over")]
    [InlineData(DomainState.PMSuspended, 0, "pmsuspended", "wake it up: ballast -c fake:/// dompmwakeup ill")]
    [InlineData(DomainState.Crashed, 1, "crashed: panicked", "start it again: ballast -c fake:/// reset ill && ballast -c fake:/// resume ill")]
    [InlineData(DomainState.Shutdown, 0, "in shutdown", "start it again: ballast -c fake:/// reset ill && ballast -c fake:/// resume ill")]
    public async Task What_does_not_run_is_made_to_run_as_its_state_asks_for(DomainState state, int reason, string text, string remedy)
    {
        FakeDomain ill = Guest("ill", 1, used: null) with { Facts = Facts(MemoryStatsReason.Paused), State = new(state, reason) };
        string[] lines = (await RunAsync(new FakeDriver(ill))).Output.Split('\n');
        Assert.StartsWith($"warning: ill: paused ({text}", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(remedy, lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PauseCause.Migrated, DomainState.Paused, 2, "migrated)", "moved to another host, or into a file: end this one, do not resume it")]
    [InlineData(PauseCause.Migrated, DomainState.NoState, 0, "migrated)", "moved to another host, or into a file: end this one, do not resume it")]
    [InlineData(PauseCause.Migrating, DomainState.Paused, 2, "migrating)", "wait until that is over")]
    [InlineData(PauseCause.Migrating, DomainState.NoState, 0, "migrating)", "wait until that is over")]
    [InlineData(PauseCause.Waiting, DomainState.Paused, 2, "arrived by migration)", "once it no longer runs there: ballast -c fake:/// resume ill")]
    [InlineData(PauseCause.Restoring, DomainState.Paused, 0, "restoring)", "wait until that is over")]
    [InlineData(PauseCause.Unknown, DomainState.Paused, 3, "saving)", "wait until that is over")]
    [InlineData(PauseCause.Unknown, DomainState.Paused, 9, "creating snapshot)", "wait until that is over")]
    [InlineData(PauseCause.Unknown, DomainState.Paused, 11, "starting up)", "wait until that is over")]
    [InlineData(PauseCause.Unknown, DomainState.Paused, 13, "post-copy failed)", "do not resume it")]
    [InlineData(PauseCause.InternalError, DomainState.Paused, 0, "internal error)", "then reset and resume it: ballast -c fake:/// reset ill && ballast -c fake:/// resume ill")]
    [InlineData(PauseCause.Debugging, DomainState.Paused, 0, "debugger)", "continue it there")]
    [InlineData(PauseCause.Replicating, DomainState.Paused, 0, "replicating)", "wait until that is over")]
    [InlineData(PauseCause.Waiting, DomainState.Paused, 0, "unknown)", "Resume it: ballast -c fake:/// resume ill")]
    [InlineData(PauseCause.Waiting, DomainState.Paused, 6, "watchdog)", "Resume it: ballast -c fake:/// resume ill")]
    [InlineData(PauseCause.Waiting, DomainState.PMSuspended, 0, "pmsuspended", "ballast -c fake:/// dompmwakeup ill")]
    [InlineData(PauseCause.Unknown, DomainState.Paused, 0, "unknown)", "Look with `domstate --reason` and at its console, before you resume it")]
    [InlineData(PauseCause.Unknown, DomainState.NoState, 0, "", "Look with `domstate --reason` and at its console, before you resume it")]
    [InlineData(PauseCause.Waiting, DomainState.NoState, 0, "", "Look with `domstate --reason` and at its console, before you resume it")]
    [InlineData(PauseCause.Waiting, DomainState.Running, 5, "running: unpaused)", "It runs by now: look again")]
    public async Task What_QEMU_tells_beyond_its_state_decides_the_remedy(PauseCause cause, DomainState state, int reason, string text, string remedy)
    {
        FakeDomain ill = Guest("ill", 1, used: null) with
        {
            Facts = Facts(MemoryStatsReason.Paused) with { PauseCause = cause, PeriodSeconds = 0 },
            State = new(state, reason),
        };
        string[] lines = (await RunAsync(new FakeDriver(ill))).Output.Split('\n');
        Assert.StartsWith(text.Length == 0 ? "warning: ill: paused;" : $"warning: ill: paused ({text}", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(remedy, lines[1], StringComparison.Ordinal);

        // What is on its way elsewhere is set there.
        bool isLeaving = cause is PauseCause.Migrated or PauseCause.Migrating || reason == 13;
        Assert.Equal(!isLeaving, lines.Contains("warning: ill: polling off"));
    }

    [Fact]
    public async Task A_state_that_cannot_be_read_is_not_resumed_blindly()
    {
        FakeDriver driver = new(Guest("ill", 1, used: null) with { Facts = Facts(MemoryStatsReason.Paused) }) { MayTellStates = false };
        string[] lines = (await RunAsync(driver)).Output.Split('\n');
        Assert.EndsWith("Look with `domstate --reason` and at its console, before you resume it", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData(" 1")]
    [InlineData("+1")]
    [InlineData("00000001-0000-0000-0102-030405060703")]
    [InlineData("-1")]
    [InlineData("--refresh")]
    [InlineData("d b")]
    [InlineData("it's")]
    public async Task A_printed_command_means_the_guest_that_it_was_printed_for(string name)
    {
        FakeDomain other = Guest("one", 1, used: 100);
        foreach (MemoryStatsReason reason in (MemoryStatsReason[])[MemoryStatsReason.PollingOff, MemoryStatsReason.Paused])
        {
            FakeDriver driver = new(other, Guest(name, 2, used: null) with { Facts = Facts(reason), State = new(reason == MemoryStatsReason.Paused ? DomainState.PMSuspended : DomainState.Running, 0) });
            JsonElement found = JsonDocument.Parse((await RunAsync(driver, "--json")).Output).RootElement[0];
            Assert.Equal(name, found.GetProperty("subject").GetString());
            await PasteAsync(driver, found.GetProperty("command").GetString()!);
            Assert.Equal(reason == MemoryStatsReason.Paused ? $"wake {name}" : $"period {name} 2 Live", Assert.Single(Changes(driver)));
        }

        FakeDriver shrunk = new(other, Guest(name, 2, used: 1000));
        await PasteAsync(shrunk, JsonDocument.Parse((await RunAsync(shrunk, "--json")).Output).RootElement[0].GetProperty("command").GetString()!);
        Assert.StartsWith($"memory {name} ", Assert.Single(Changes(shrunk)), StringComparison.Ordinal);

        // Remarks tell a command without the program and the connection.
        FakeDriver off = new(other, Guest(name, 2, used: null) with { Facts = Facts(MemoryStatsReason.PollingOff) });
        string uuid = new FakeDomain(name, 2).Identity.Uuid.ToString();
        foreach (string[] arguments in (string[][])[["dommemstat", uuid], ["dommemstat", uuid, "--json"]])
        {
            Outcome outcome = await CliRun.BallastAtTerminalAsync(off, arguments);
            const string begin = "Set a collection period: ";
            string text = arguments.Length == 3 ? JsonDocument.Parse(outcome.Output).RootElement.GetProperty("remedy").GetString()! : outcome.Error + outcome.Output;
            await PasteAsync(off, $"ballast -c fake:/// {text[(text.IndexOf(begin, StringComparison.Ordinal) + begin.Length)..].Split('\n')[0]}");
        }

        Assert.Equal([$"period {name} 2 Live", $"period {name} 2 Live"], Changes(off));
    }

    [Fact]
    public async Task A_guest_that_nobody_asks_is_told_so_whatever_else_it_has()
    {
        FakeDomain ill = Guest("ill", 1, used: null) with { Facts = Facts(MemoryStatsReason.Paused) with { PeriodSeconds = 0 } };
        string[] lines = (await RunAsync(new FakeDriver(ill))).Output.Split('\n');
        Assert.Equal(("warning: ill: polling off", "    Set a collection period: ballast -c fake:/// dommemstat ill --period 2"), (lines[2], lines[3]));
    }

    [Fact]
    public async Task A_guest_that_boots_is_no_failure_until_it_takes_too_long()
    {
        FakeDomain young = Guest("young", 1, used: null) with { Facts = new() { Entries = [], PeriodSeconds = 60, IsRunning = true, DriverNotLoaded = true } };
        Write("uptime", "1000.00 1900.00\n");
        Write("1/status", "Name:\tqemu-system-x86\n");
        Write("1/stat", $"1 (qemu ) x) S {string.Concat(Enumerable.Repeat("0 ", 18))}99000 0\n");
        Outcome outcome = await RunAsync(new FakeDriver(young));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: young: has not reported yet; its QEMU started 10 s ago, so it may still boot\n    look again in a minute\n", outcome.Output, StringComparison.Ordinal);

        // What reported before has booted.
        outcome = await RunAsync(new FakeDriver(young with { Facts = young.Facts with { Entries = Old } }));
        Assert.StartsWith("warning: young: driver not loaded", outcome.Output, StringComparison.Ordinal);
        Write("1/stat", $"1 (qemu ) x) S {string.Concat(Enumerable.Repeat("0 ", 18))}90000 0\n");
        Assert.StartsWith("warning: young: driver not loaded", (await RunAsync(new FakeDriver(young))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_was_reset_is_no_failure_until_it_takes_too_long()
    {
        FakeDomain guest = Guest("reset", 1, used: 100);
        FakeDomain Reset(ulong age) => guest with
        {
            Facts = guest.Facts with { Entries = [.. guest.Facts.Entries.Where(entry => entry.Tag != MemoryStatTag.LastUpdate), new(MemoryStatTag.LastUpdate, Now - age)], PeriodSeconds = 10, IsFromBeforeReset = true },
        };
        Outcome outcome = await RunAsync(new FakeDriver(Reset(5)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: reset: was reset and has not reported since; its last report is 5 s old, so it may still boot\n    look again in a minute\n", outcome.Output, StringComparison.Ordinal);
        Assert.StartsWith("warning: reset: never reported", (await RunAsync(new FakeDriver(Reset(75)))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_balloon_that_moved_since_the_report_it_says_no_more_than_that()
    {
        FakeDomain guest = Guest("moved", 1, used: 950);
        Assert.Equal(1, (await RunAsync(new FakeDriver(guest))).ExitCode);
        MemoryStatsFacts grown = guest.Facts with { ActualAtReportKiB = guest.Sample.ActualKiB / 2, PeriodSeconds = 30 };
        Outcome outcome = await RunAsync(new FakeDriver(guest with { Facts = grown }));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: moved: its balloon has moved since its last report", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("setmem", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_whose_next_report_is_due_is_looked_at_again()
    {
        FakeDomain guest = Guest("resumed", 1, used: 100);
        MemoryStatsFacts old = Facts(MemoryStatsReason.Stale) with { PeriodSeconds = 1 };
        guest.Coming.Enqueue(() => old);
        Assert.StartsWith("Nothing is wrong", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
        guest.Coming.Enqueue(() => old);
        guest.Coming.Enqueue(() => old);
        Assert.StartsWith("warning: resumed: stale", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_guest_has_is_without_the_balloon_that_it_counts()
    {
        // 2 GiB less a balloon of 1024 MiB, of which it uses 900.
        MemoryStat[] entries =
        [
            new(MemoryStatTag.ActualBalloon, 1024 * MiB), new(MemoryStatTag.Available, 2000 * MiB), new(MemoryStatTag.Usable, 76 * MiB),
            new(MemoryStatTag.LastUpdate, Now - 1), new(MemoryStatTag.Rss, 1024 * MiB),
        ];
        FakeDomain guest = Guest("deflates", 1, used: null) with { Facts = new() { Entries = entries, PeriodSeconds = 2, IsRunning = true, BalloonInUsedKiB = 1024 * MiB } };
        Outcome outcome = await RunAsync(new FakeDriver(guest));
        Assert.StartsWith("warning: deflates: uses 92 % of 976M; the balloon holds 1.0G", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_libvirt_starts_is_mended_in_its_XML()
    {
        FakeDomain guest = Guest("lv", 1, used: 100);
        Write("1/status", "Name:\tqemu-system-x86\nVmLck:\t  1048576 kB\n");
        Write("1/cmdline", "qemu\0-chardev\0socket,id=charmonitor,fd=31\0");
        Assert.Contains("take <locked/> out of <memoryBacking>", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
        string busy = (await RunAsync(new FakeDriver(guest with { Facts = Facts(MemoryStatsReason.MonitorBusy) }))).Output;
        Assert.Contains("<qemu:arg value='unix:PATH,server=on,wait=off'/>", busy, StringComparison.Ordinal);

        // Whoever holds it is to be asked, whose QEMU it may be.
        const string detail = "resource busy: QEMU monitor '/m' is held by ballastd (process 7), a daemon: ask it, -c 'qemu+unix:///system?socket=/s'";
        FakeDriver held = new(guest with { Facts = Facts(MemoryStatsReason.MonitorBusy) with { Detail = detail } });
        Assert.Contains("Ask the daemon that holds its monitor: ballast -c 'qemu+unix:///system?socket=/s' doctor lv\n", (await RunAsync(held)).Output, StringComparison.Ordinal);
        Assert.Equal("ballast -c 'qemu+unix:///system?socket=/s' doctor lv",
            JsonDocument.Parse((await RunAsync(held, "--json")).Output).RootElement[0].GetProperty("command").GetString());
    }

    [Theory]
    [InlineData("qemu:///system", true)]
    [InlineData("qemu+ssh://other/system", false)]
    public async Task The_processes_of_this_host_say_nothing_of_another(string uri, bool isHere)
    {
        // A daemon may count its domains: the process is another one's then.
        Write("meminfo", "MemTotal:       16000000 kB\nMemAvailable:     200000 kB\n");
        Write("1/status", "Name:\tqemu-system-x86\nVmLck:\t  1048576 kB\n");
        Write("1/cmdline", "qemu\0-name\0guest=web\0");
        FakeDriver driver = new(Guest("web", 1, used: 100), Guest("db", 1, used: 100));
        string output = (await RunWithAsync(driver, ["-c", uri, "doctor"], new FakeDriver(Guest("web", 1, used: 100)))).Output;
        Assert.Equal(isHere, output.Contains("error: host", StringComparison.Ordinal));
        Assert.Equal(isHere, output.Contains("warning: web", StringComparison.Ordinal));
        Assert.DoesNotContain("warning: db", output, StringComparison.Ordinal);
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

    private static IEnumerable<string> Changes(FakeDriver driver) => driver.Changes.Where(change => !change.StartsWith("stats ", StringComparison.Ordinal));

    /// <summary>Runs a printed command, its words taken apart by a shell.</summary>
    private async Task PasteAsync(FakeDriver driver, string command)
    {
        Outcome words = await CliRun.ProcessAsync("sh", ["-ec", $"ballast() {{ printf '%s\\0' \"$@\"; }}; {command}"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(0, words.ExitCode);
        Outcome outcome = await RunWithAsync(driver, words.Output.Split('\0')[..^1]);
        Assert.True(outcome.ExitCode == 0, $"{command}: {outcome}");
    }

    private Task<Outcome> RunAtAsync(FakeDriver driver, string uri) => RunWithAsync(driver, ["-c", uri, "doctor"]);

    private Task<Outcome> RunAsync(FakeDriver driver, params string[] arguments) => RunWithAsync(driver, ["doctor", .. arguments]);

    /// <param name="driver">The connection's.</param>
    /// <param name="arguments">The command.</param>
    /// <param name="here">What runs on this host; null: the connection's domains do.</param>
    private Task<Outcome> RunWithAsync(FakeDriver driver, string[] arguments, FakeDriver? here = null) => CliRun.BallastAsync(
        arguments, (uri, options, _) => new(new Connection(uri == "qmp:///" ? here ?? driver : driver, uri ?? "fake:///", options)),
        procPath: _directory.File("proc"), cancellationToken: TestContext.Current.CancellationToken);
}
