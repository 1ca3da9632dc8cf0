using System.Text.Json;
using Ballast.Tests.Documentation;

namespace Ballast.Tests.Cli;

/// <summary>What <c>doctor</c> prints, and what it finds about the connection and the host.</summary>
public sealed class DoctorCommandTests : DoctorTest
{
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
    [InlineData(40)]
    [InlineData(80)]
    public async Task At_a_terminal_lines_are_broken_and_commands_are_not(int columns)
    {
        FakeDomain stale = Guest("a-guest-with-a-long-name", 1, used: null) with { Facts = Facts(MemoryStatsReason.Stale) };
        string output = (await CliRun.BallastAsync(
            ["doctor"], (uri, options, _) => new(new Connection(new FakeDriver(stale), uri ?? "fake:///", options)), isTerminal: true, columns: columns,
            procPath: Root.File("proc"), cancellationToken: TestContext.Current.CancellationToken)).Output;
        const string command = "    ballast -c fake:/// dommemstat a-guest-with-a-long-name --refresh";
        string[] lines = output.Split('\n');
        Assert.Contains(command, lines);
        Assert.All(lines, line => Assert.True(line.Length <= columns || line == command, line));
    }

    [Fact]
    public async Task A_place_without_monitors_is_not_well()
    {
        string uri = $"qmp://{Root.Path}";
        Outcome outcome = await RunAtAsync(new FakeDriver(), uri);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Error));
        Assert.StartsWith($"warning: connection: no QEMU's monitor socket was found at {Root.Path}\n    name the monitor socket", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("asked: QEMU's monitor, without a daemon\n", outcome.Output, StringComparison.Ordinal);
        outcome = await RunAtAsync(new FakeDriver(), "qmp:///");
        Assert.Equal((0, "Nothing is wrong: no guest runs, qmp:///; asked: this host's QEMUs, without a daemon\n\n"), (outcome.ExitCode, outcome.Output));
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
        File.Delete(Root.File("proc/pressure/memory"));
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
        Assert.Equal(["error: hung", "warning: two", "warning: two", "note: lazy", "3 to fix: 3 guests, fake"], lines.Select(line => string.Join(':', line.Split(':')[..2])));

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
}
