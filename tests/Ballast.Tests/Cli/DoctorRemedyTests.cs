using System.Text.Json;

namespace Ballast.Tests.Cli;

/// <summary>The remedies that <c>doctor</c> prints if a guest's numbers are not current, as commands that can be pasted.</summary>
public sealed class DoctorRemedyTests : DoctorTest
{
    public static TheoryData<MemoryStatsReason, string> Reasons => new(
        Enum.GetValues<MemoryStatsReason>().Except([MemoryStatsReason.Fresh, MemoryStatsReason.Inconsistent, MemoryStatsReason.RejectedValue, MemoryStatsReason.UnsupportedByDaemon])
            .Select(reason => (reason, reason is MemoryStatsReason.MonitorBusy or MemoryStatsReason.MonitorHung or MemoryStatsReason.PermissionDenied
                or MemoryStatsReason.ConnectionLost or MemoryStatsReason.NoMonitor or MemoryStatsReason.SocketNotFound or MemoryStatsReason.NotTrusted ? "error" : "warning")));

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
    [InlineData(PauseCause.Waiting, DomainState.Running, 5, "running: unpaused)", "It is running now: try again")]
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

    private static IEnumerable<string> Changes(FakeDriver driver) => driver.Changes.Where(change => !change.StartsWith("stats ", StringComparison.Ordinal));

    /// <summary>Runs a printed command, its words taken apart by a shell.</summary>
    private async Task PasteAsync(FakeDriver driver, string command)
    {
        Outcome words = await CliRun.ProcessAsync("sh", ["-ec", $"ballast() {{ printf '%s\\0' \"$@\"; }}; {command}"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(0, words.ExitCode);
        Outcome outcome = await RunWithAsync(driver, words.Output.Split('\0')[..^1]);
        Assert.True(outcome.ExitCode == 0, $"{command}: {outcome}");
    }
}
