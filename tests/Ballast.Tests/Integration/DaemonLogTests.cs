using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The daemon's log tells each change in one line: of guests, and who had what done to them.</summary>
[Trait("needs", "qemu")]
public sealed class DaemonLogTests : IDisposable
{
    private const string Time = @"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z ";

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Socket => _directory.File("sock");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Guests_that_come_fall_silent_are_back_and_go_are_told()
    {
        await using ChildProcess daemon = await StartAsync();
        await using QemuProcess qemu = await QemuAsync("odd\u001b[31m\nname");
        string who = $@"Domain 'odd\x1b[31m\x0aname' ";
        await LineAsync(daemon, $"{Regex.Escape(who)}\\([0-9a-f-]{{36}}, process {qemu.Pid}\\) is found$");

        await qemu.StopAsync(Token);
        await using Connection client = await OpenAsync();
        Domain domain = (await client.ListDomainsAsync(cancellationToken: Token))[0];
        _ = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.GetPeriodAsync(Token));
        await LineAsync(daemon, $"warning: {Regex.Escape(who)}.* is silent");
        qemu.Continue();
        await LineAsync(daemon, $"{Regex.Escape(who)}.* is back");
        qemu.Kill();
        await LineAsync(daemon, $"{Regex.Escape(who)}.* is gone$");
    }

    [Fact]
    public async Task Who_changed_what_is_told_and_a_flood_is_not()
    {
        await using ChildProcess daemon = await StartAsync();
        await using QemuProcess qemu = await QemuAsync("vm1");
        await using Connection client = await OpenAsync();
        Domain domain = (await client.ListDomainsAsync(cancellationToken: Token))[0];
        await LineAsync(daemon, "is found$");
        await domain.SetMemoryAsync(50 * 1024, cancellationToken: Token);
        await domain.SetPeriodAsync(7, cancellationToken: Token);
        await domain.ResumeAsync(Token);
        string by = $@"\(process {Environment.ProcessId}\) of user [0-9]+ \([a-z0-9_-]+\): ";
        await LineAsync(daemon, $"{by}balloon size 51200 KiB of domain 'vm1' \\({domain.Uuid}\\)$");
        await LineAsync(daemon, $"{by}collection period 7 s of domain 'vm1' ");
        await LineAsync(daemon, $"{by}resume of domain 'vm1' ");

        // What was refused changed nothing.
        await using (Connection reader = await Connection.OpenAsync($"qemu+unix:///system?socket={Socket}-ro", cancellationToken: Token))
            _ = await Assert.ThrowsAsync<LibvirtException>(async () => await (await reader.ListDomainsAsync(cancellationToken: Token))[0].SetPeriodAsync(8, cancellationToken: Token));

        const int flood = 300, most = 25;
        for (int i = 0; i < flood; i++)
            await domain.SetPeriodAsync(100 + (i % 2), cancellationToken: Token);
        await domain.DestroyAsync(cancellationToken: Token);
        await LineAsync(daemon, $"{by}destroy of domain 'vm1' ");
        await LineAsync(daemon, "is gone$");
        string[] lines = daemon.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.All(lines, line => Assert.Matches(Time, line));
        Assert.InRange(lines.Count(line => line.Contains("collection period 1", StringComparison.Ordinal)), 1, most);
        Assert.DoesNotContain("period 8 s", daemon.Errors);
        Assert.Contains("lines about changes were left out", daemon.Errors);
    }

    [Fact]
    public async Task For_the_journal_a_line_has_a_level_and_no_time()
    {
        string[] command =
        [
            "sh", "-c", "exec 2>\"$1\"; JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$0\" --config /dev/null --socket \"$2\"",
            BallastDaemon.Program, _directory.File("log"), Socket,
        ];
        await using ChildProcess daemon = await ChildProcess.StartAsync(command[0], command[1..]);
        await Deadline.UntilAsync(Deadline.Default, "a line", async token =>
            File.Exists(_directory.File("log")) && (await File.ReadAllTextAsync(_directory.File("log"), token)).StartsWith("<6>ballastd ", StringComparison.Ordinal), Token);
    }

    [Fact]
    public async Task On_a_full_disk_it_goes_on_and_tells_later_how_many_lines_are_lost()
    {
        Directory.CreateDirectory(_directory.File("qemus"));
        const string script = "head -c 64k /dev/zero >/run/else 2>/run/log; exec \"$0\" --config /dev/null --socket \"$1\" --qmp \"$2\" 2>>/run/log";
        string[] command = DaemonRun.InOwnRun(script, "size=16k");
        await using ChildProcess daemon = await ChildProcess.StartAsync(command[0], [.. command[1..], Socket, _directory.File("qemus")]);
        await Deadline.UntilAsync(Deadline.Default, "a daemon", _ => Task.FromResult(
            File.Exists(Socket) || (daemon.HasExited ? throw new InvalidOperationException(daemon.Errors) : false)), Token);
        string run = $"/proc/{daemon.Pid}/root/run";
        await using (Connection client = await Connection.OpenAsync($"qemu+unix:///system?socket={Socket}", cancellationToken: Token))
            Assert.Empty(await client.ListDomainsAsync(cancellationToken: Token));
        daemon.HangUp();
        await using (Connection client = await Connection.OpenAsync($"qemu+unix:///system?socket={Socket}", cancellationToken: Token))
            Assert.Empty(await client.ListDomainsAsync(cancellationToken: Token));
        Assert.DoesNotContain("listens on", await File.ReadAllTextAsync($"{run}/log", Token), StringComparison.Ordinal);

        File.Delete($"{run}/else");
        await Deadline.UntilAsync(Deadline.Default, "a line", async token =>
        {
            daemon.HangUp();
            string[] lines = await File.ReadAllLinesAsync($"{run}/log", token);
            int told = Array.FindIndex(lines, line => Regex.IsMatch(line, "^[0-9]+ lines before this one did not fit into the log$"));
            return told >= 0 && told + 1 < lines.Length && Regex.IsMatch(lines[told + 1], Time);
        }, Token);
        await DaemonRun.EndAsync(daemon, Token);
    }

    private Task<ChildProcess> StartAsync()
    {
        Directory.CreateDirectory(_directory.File("qemus"));
        return DaemonRun.StartAsync(Token, "--socket", Socket, "--qmp", _directory.File("qemus"));
    }

    private async Task<QemuProcess> QemuAsync(string name)
    {
        QemuProcess qemu = await QemuProcess.StartPcAsync(["-device", "virtio-balloon-pci,id=balloon0", "-name", name.Replace(",", ",,", StringComparison.Ordinal)], monitors: 1, Token);
        File.CreateSymbolicLink(_directory.File("qemus/vm.sock"), qemu.MonitorPaths[0]);
        return qemu;
    }

    private async Task<Connection> OpenAsync()
    {
        Connection connection = await Connection.OpenAsync($"qemu+unix:///system?socket={Socket}", cancellationToken: Token);
        await Deadline.UntilAsync(Deadline.Default, "a domain", async token => (await connection.ListDomainsAsync(cancellationToken: token)).Count > 0, Token);
        return connection;
    }

    private static Task LineAsync(ChildProcess daemon, string pattern) => Deadline.UntilAsync(
        Deadline.Default, $"a line '{pattern}'", _ => Task.FromResult(daemon.Errors.Split('\n').Any(line => Regex.IsMatch(line.TrimEnd(), pattern))), Token);
}
