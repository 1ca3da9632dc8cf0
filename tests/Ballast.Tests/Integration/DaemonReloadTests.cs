using System.Net.Sockets;
using System.Runtime.Versioning;
using Ballast.Guests;
using NetSocket = System.Net.Sockets.Socket;

namespace Ballast.Tests.Integration;

/// <summary>SIGHUP has the daemon read its configuration again, and never ends it; clients stay.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
[SupportedOSPlatform("linux")]
public sealed class DaemonReloadTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Socket => _directory.File("sock");

    private string Config => _directory.File("ballastd.conf");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_wrong_file_leaves_all_as_it_was_and_a_right_one_holds_without_a_lost_client()
    {
        await using ChildProcess daemon = await StartAsync("max_clients = 100\n");
        await using Connection client = await OpenAsync();

        await ReloadAsync(daemon, "max_clients = 2\n\nnonsense = 1\n", $"error: The configuration was not changed: {Config}:3: nonsense");
        await using (Connection second = await OpenAsync())
        await using (Connection third = await OpenAsync())
            _ = await third.ListDomainsAsync(cancellationToken: Token);

        await ReloadAsync(daemon, "max_clients = [", "The configuration was not changed");
        await ReloadAsync(daemon, "group = \"nobody-has-this\"\nmax_clients = 2\n", "there is no group 'nobody-has-this'");
        await ReloadAsync(daemon, "max_clients = 2\nmonitor_timeout = 7\nqmp = [\"/x\"]\n", "changed: max_clients");
        await DaemonRun.ForAsync(daemon, "Needs a restart to hold: qmp, monitor_timeout", Token);
        await using (Connection second = await OpenAsync())
            _ = await Assert.ThrowsAsync<LibvirtException>(async () => await OpenAsync());

        _ = await client.ListDomainsAsync(cancellationToken: Token);
        Assert.False(daemon.HasExited);
        await DaemonRun.EndAsync(daemon, Token);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task The_log_tells_of_monitors_where_it_is_wanted(int level, bool isTold)
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new(), Token);
        string place = $"qmp = [\"{guest.MonitorPath}\"]\n";
        await using ChildProcess daemon = await StartAsync($"{place}log_level = {level}\n");
        await using Connection client = await OpenAsync();
        _ = Assert.Single(await client.ListDomainsAsync(cancellationToken: Token));
        _ = Assert.Single(await client.GetAllMemoryStatsAsync(cancellationToken: Token));

        await ReloadAsync(daemon, $"{place}log_level = {3 - level}\n", "changed: log_level");

        Assert.Equal(isTold, daemon.Errors.Contains("Connected to monitor", StringComparison.Ordinal));
        await DaemonRun.EndAsync(daemon, Token);
    }

    [Fact]
    public async Task How_many_may_be_not_let_in_yet_holds_at_once_for_those_with_clients_too()
    {
        await using ChildProcess daemon = await StartAsync("max_anonymous_clients = 20\n");
        await using Connection client = await OpenAsync();
        List<NetSocket> clients = [];
        try
        {
            await ComeAsync(count: 4);

            // Four are there that say nothing, and only one may be from now on: the next one waits for all of them.
            await ReloadAsync(daemon, "max_anonymous_clients = 1\n", "changed: max_anonymous_clients");
            NetSocket next = await AskAsync();
            Assert.False(IsServed(next));
            clients[..3].ForEach(leaving => leaving.Dispose());
            Assert.False(IsServed(next));
            clients[3].Dispose();
            Assert.True(IsServed(next));

            await ReloadAsync(daemon, "max_anonymous_clients = 3\n", "changed: max_anonymous_clients");
            await ComeAsync(count: 2);
            Assert.True(IsServed(await AskAsync()));
            await ComeAsync(count: 1);
            Assert.False(IsServed(await AskAsync()));
        }
        finally
        {
            clients.ForEach(left => left.Dispose());
        }

        // Who came has a place, or waits for one, a moment later: nothing tells when.
        async Task ComeAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                NetSocket one = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                clients.Add(one);
                one.Connect(new UnixDomainSocketEndPoint(Socket));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(700), Token);
        }

        // Whoever asks how to prove who it is, is let in: nobody has to.
        async Task<NetSocket> AskAsync()
        {
            await ComeAsync(count: 1);
            clients[^1].Send([0, 0, 0, 28, 0x20, 0, 0x80, 0x86, 0, 0, 0, 1, 0, 0, 0, 66, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            return clients[^1];
        }

        static bool IsServed(NetSocket one) => one.Poll(TimeSpan.FromMilliseconds(700), SelectMode.SelectRead);
    }

    [Fact]
    public async Task Without_a_file_and_during_the_start_it_is_no_end()
    {
        for (int i = 0; i < 10; i++)
        {
            // Sent as soon as there is a handler for it: before it listens, and often.
            await using ChildProcess daemon = await ChildProcess.StartAsync(BallastDaemon.Program, ["--config", "/dev/null", "--socket", Socket]);
            await Deadline.UntilAsync(Deadline.Default, "a handler", _ => Task.FromResult(CatchesHangup(daemon.Pid)), Token, TimeSpan.FromMilliseconds(1));
            for (int signal = 0; signal < 5; signal++)
                daemon.HangUp();
            await DaemonRun.ForAsync(daemon, "listens on", Token);
            await DaemonRun.ForAsync(daemon, "nothing changed", Token);
            Task end = DaemonRun.EndAsync(daemon, Token);
            while (!end.IsCompleted)
                daemon.HangUp();
            await end;
        }
    }

    [Fact]
    public async Task Nor_is_it_before_there_is_a_handler()
    {
        // Its constructor runs before the runtime starts.
        string library = _directory.File("hangup.so");
        await File.WriteAllTextAsync(_directory.File("hangup.c"), """
            #include <signal.h>
            #include <unistd.h>
            __attribute__((constructor)) static void hang_up(void) { (void)kill(getpid(), SIGHUP); }
            """, Token);
        CommandResult built = await ChildProcess.RunAsync("gcc", ["-shared", "-fPIC", "-o", library, _directory.File("hangup.c")], cancellationToken: Token);
        Assert.Equal((0, ""), (built.ExitCode, built.Errors));
        await using ChildProcess daemon = await DaemonRun.StartCommandAsync(
            ["env", $"LD_PRELOAD={library}", BallastDaemon.Program, "--config", "/dev/null", "--socket", Socket], Token);
        await DaemonRun.ForAsync(daemon, "nothing changed", Token);
        await DaemonRun.EndAsync(daemon, Token);
    }

    [Fact]
    public async Task Another_group_gets_in_and_the_former_one_does_not()
    {
        await using ChildProcess daemon = await StartAsync("group = \"4\"\n");
        foreach ((string before, string after) in new[] { ("4", "5"), ("5", "6") })
        {
            Assert.Equal($"660 {before}", await ModeAsync());
            await ReloadAsync(daemon, $"group = \"{after}\"\n", "changed: group");
            Assert.Equal($"660 {after}", await ModeAsync());
        }

        await ReloadAsync(daemon, "", "changed: group");
        Assert.StartsWith("600 ", await ModeAsync());
    }

    [Fact]
    public async Task A_group_that_the_daemon_may_not_name_leaves_the_socket_as_it_was()
    {
        await File.WriteAllTextAsync(Config, "group = \"4\"\n", Token);
        CommandResult given = await ChildProcess.RunAsync("chown", ["-R", "60007", _directory.Path], cancellationToken: Token);
        Assert.Equal((0, ""), (given.ExitCode, given.Errors));
        await using ChildProcess daemon = await DaemonRun.StartCommandAsync(
            [
                "setpriv", "--reuid", "60007", "--regid", "60007", "--groups", "4", BallastDaemon.Program,
                "--config", Config, "--socket", Socket, "--qmp", _directory.File("qemus"),
            ], Token);
        Assert.Equal("660 4", await ModeAsync());
        await ReloadAsync(daemon, "group = \"0\"\n", $"The configuration was not changed: cannot give {Socket} to group 0: ");
        Assert.Equal("660 4", await ModeAsync());
    }

    [Fact]
    public async Task A_user_is_trusted_while_it_runs()
    {
        string runs = _directory.File("runs");
        Directory.CreateDirectory(runs);
        PrivateDirectory.ToEverybody(_directory.Path);
        Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["chown", "65534", runs], Token)).ExitCode);
        await using ChildProcess qemu = await ChildProcess.StartAsync("setpriv",
        [
            "--reuid=65534", "--regid=65534", "--clear-groups", "qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-nodefaults", "-M", "microvm,acpi=off",
            "-m", "64", "-S", "-qmp", $"unix:{runs}/q.sock,server=on,wait=off",
        ]);
        await Deadline.UntilAsync(Deadline.Default, "the monitor", _ => Task.FromResult(File.Exists($"{runs}/q.sock")), Token);
        await using ChildProcess daemon = await StartAsync("");
        await using Connection client = await OpenAsync();
        foreach (bool isTrusted in new[] { false, true })
        {
            if (isTrusted)
                await ReloadAsync(daemon, "trusted_users = [\"65534\"]\n", "changed: trusted_users");
            DomainState expected = isTrusted ? DomainState.Paused : DomainState.NoState;
            DomainState seen = (DomainState)(-1);
            await Deadline.UntilAsync(Deadline.Default, $"state {expected}", async token =>
            {
                Domain domain = await client.LookupByIdAsync(qemu.Pid, token);
                seen = await StateAsync(domain);
                return seen == expected;
            }, Token);
        }
    }

    private static async Task<DomainState> StateAsync(Domain domain)
    {
        try
        {
            return (await domain.GetStateAsync(Token)).State;
        }
        catch (LibvirtException)
        {
            return DomainState.NoState;
        }
    }

    private static bool CatchesHangup(int pid)
    {
        const ulong hangup = 1;
        string caught = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal))[7..].Trim();
        return (ulong.Parse(caught, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture) & hangup) != 0
            && File.ReadAllText($"/proc/{pid}/comm").StartsWith("ballastd", StringComparison.Ordinal);
    }

    private async Task<ChildProcess> StartAsync(string config)
    {
        await File.WriteAllTextAsync(Config, config, Token);
        return await DaemonRun.StartAsync(Token, "--config", Config, "--socket", Socket);
    }

    private async Task<Connection> OpenAsync() => await Connection.OpenAsync($"qemu+unix:///system?socket={Socket}", cancellationToken: Token);

    private async Task ReloadAsync(ChildProcess daemon, string config, string said)
    {
        await File.WriteAllTextAsync(Config, config, Token);
        int before = daemon.Errors.Length;
        daemon.HangUp();
        await Deadline.UntilAsync(Deadline.Default, said, _ => Task.FromResult(daemon.Errors[before..].Contains(said, StringComparison.Ordinal)), Token);
    }

    private async Task<string> ModeAsync() => (await DaemonRun.CommandToEndAsync(["stat", "-c", "%a %g", Socket], Token)).Output.Trim();
}
