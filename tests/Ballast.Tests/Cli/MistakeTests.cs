using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Ballast.Cli.Commands;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>What new users type wrong is answered with what is wrong and what to do.</summary>
public sealed partial class MistakeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("-c /run/vm.sock list", "did you mean qmp:///run/vm.sock")]
    [InlineData("-c /run/libvirt/libvirt-sock list", "did you mean qemu+unix:///system?socket=/run/libvirt/libvirt-sock")]
    [InlineData("-c qmp://run/vm.sock list", "did you mean qmp:///run/vm.sock")]
    [InlineData("-c unix:/run/vm.sock list", "did you mean qmp:///run/vm.sock")]
    [InlineData("-c qemu://system list", "did you mean qemu:///system")]
    [InlineData("-c test://default list", "did you mean test:///default")]
    [InlineData("-c kvm:///system list", "did you mean qemu:///system")]
    [InlineData("-c qemu://127.0.0.1:1/system?pkipath=/not/there list", "Cannot read CA certificate '/not/there/cacert.pem': No such file or directory")]
    [InlineData("-c qemu+tls://[::1]/system?tls_priority=SECURE256 list", "leave it out (TLS 1.2 and 1.3), or set CipherString and MinProtocol in openssl.cnf")]
    [InlineData("-c qemu+libssh://host/system list", "use ssh, which runs the system's ssh with its keys and settings")]
    [InlineData("-c qemu+libssh2://host/system list", "use ssh, which runs the system's ssh with its keys and settings")]
    [InlineData("-c qemu+ext://host/system list", "use ssh with the parameter command=")]
    [InlineData("-c qemu+tcp://127.0.0.1:1/system list", "unable to connect to server at '127.0.0.1:1': Connection refused")]
    [InlineData("-c qemu+ssh://host/system?command=/not/there list", "'/not/there' is not installed here: install ssh")]
    [InlineData("ssh-helper", "a URI or a socket is missing. See ballast ssh-helper --help.")]
    [InlineData("ssh-helper --reedonly qemu:///system", "unexpected '--reedonly'")]
    [InlineData("ssh-helper qemu:///system test:///default", "unexpected 'test:///default'")]
    [InlineData("ssh-helper qemu", "URI 'qemu' does not include a driver name")]
    [InlineData("ssh-helper -- -h", "URI '-h' does not include a driver name")]
    [InlineData("ssh-helper --probe -- -h", "URI '-h' does not include a driver name")]
    [InlineData("ssh-helper -- --", "URI '--' does not include a driver name")]
    [InlineData("ssh-helper --", "a URI or a socket is missing. See ballast ssh-helper --help.")]
    [InlineData("ssh-helper -- qemu:///system --probe", "unexpected '--probe'")]
    [InlineData("ssh-helper /not/there", "Failed to connect socket to '/not/there': No such file or directory")]
    [InlineData("-c qmp:///nowhere/vm.sock list", "-qmp unix:PATH,server=on,wait=off")]
    [InlineData("-c qmp:///etc/passwd list", "it is not a socket")]
    [InlineData("-c qmp:relative.sock list", "qmp:///ABSOLUTE/PATH")]
    [InlineData("-c qmp:///x?timeuot=3 list", "unknown parameter 'timeuot'")]
    [InlineData("-c qmp:///x?timeout=soon list", "timeout")]
    [InlineData("-c test:///fleet?domains=many list", "domains")]
    [InlineData("-c test:///default domemstat test", "did you mean 'dommemstat'?")]
    [InlineData("-c test:///default dommenstat test", "did you mean 'dommemstat'?")]
    [InlineData("-c test:///default lst", "did you mean 'list'?")]
    [InlineData("-c test:///default Setmem test 1G", "did you mean 'setmem'?")]
    [InlineData("-c test:///default dommemstat", "requires <domain> option")]
    [InlineData("-c test:///default dommemstat tset", "did you mean 'test'?")]
    [InlineData("-c test:///default dommemstat TEST", "did you mean 'test'?")]
    [InlineData("-c test:///default dommemstat test --refesh", "did you mean '--refresh'?")]
    [InlineData("-c test:///default dommemstat test --perod 5", "did you mean '--period'?")]
    [InlineData("-c test:///default dommemstat test --period five", "Numeric value 'five' for <period>")]
    [InlineData("-c test:///default dommemstat test --period -1", "Invalid collection period value '-1'")]
    [InlineData("-c test:///default dommemstat test other", "unexpected data 'other'")]
    [InlineData("-c test:///default dommemstat test --all", "mutually exclusive")]
    [InlineData("-c test:///default dommemstat test --live --current", "mutually exclusive")]
    [InlineData("-c test:///default setmem test 1", "it needs 1024 MiB")]
    [InlineData("-c test:///default setmem test 1GG", "malformed or out of range")]
    [InlineData("-c test:///default setmem test 9G", "--force sets it anyway|cannot set memory higher than max memory")]
    [InlineData("-c test:///default setmem test", "requires --size option")]
    [InlineData("-c test:///default setmem test 1500M --timeout 5", "option --timeout is for --wait")]
    [InlineData("--conect test:///default list", "did you mean --connect?")]
    [InlineData("-c", "requires an argument")]
    [InlineData("-z list", "unsupported option '-z'. See --help.")]
    [InlineData("-c test:///default memory -c test:///fleet", "hint: options such as -c stand before the command: ballast -c URI memory\n")]
    [InlineData("list --connect test:///default", "hint: options such as -c stand before the command: ballast -c URI list\n")]
    [InlineData("-c test:///default list -q", "hint: options such as -q stand before the command: ballast -q list\n")]
    [InlineData("--json -c test:///default memory", "hint: --json stands behind the command: ballast memory --json\n")]
    [InlineData("-c test:///flet list", "hint: there is no file '/flet'; did you mean test:///fleet?\n")]
    [InlineData("-c test:///nowhere list", "hint: there is no file '/nowhere'; test:///default and test:///fleet need none\n")]
    [InlineData("-c localhost list", "hint: a host is named as in qemu+ssh://localhost/system; this host's daemon is qemu:///system\n")]
    [InlineData("-c foo:///x list", "hint: known are qmp:///, ")]
    [InlineData("-c test:///default help memry", "hint: did you mean 'memory'?\n")]
    [InlineData("-c test:///default shell", "error: without a command, ballast is a shell\n")]
    [InlineData("-c test:///default Alert test", "error: did you mean 'watch', with --until?\n")]
    [InlineData("-c test:///default holder test", "error: did you mean 'doctor'?\n")]
    [InlineData("-c test:///default help completion", "hint: completion files for bash, zsh and fish are in share/; see ballast(1)\n")]
    [InlineData("-c test:///default balance", "hint: action is one of: advise, log, record, replay, simulate\n")]
    [InlineData("-c test:///default event lifecycle", "hint: of all domains: event --event lifecycle\n")]
    [InlineData("-c test:///default event test", "hint: write: event test EVENT, or event test --all\n")]
    [InlineData("-c test:///default event", "hint: write --event EVENT or --all\n")]
    [InlineData("-c test:///default event test balloon-chang", "hint: did you mean 'balloon-change'?\n")]
    [InlineData("-r -c test:///default setmem test 1500M", "hint: the connection is read-only (-r, or connect --readonly)")]
    [InlineData("-c test:///default setmem test 1500 MiB", "hint: write a size and its unit in one word: 1500MiB\n")]
    [InlineData("-c test:///default setmem test 0", "hint: no domain can have a size of 0")]
    public async Task Is_answered_with_what_to_do(string line, string answer)
    {
        Outcome outcome = await CliRun.BallastAsync(line.Split(' '), open: null, cancellationToken: Token);

        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("error: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(answer.Split('|'), text => outcome.Error.Contains(text, StringComparison.Ordinal));

        // virsh says no such thing.
        if (answer.StartsWith("hint: ", StringComparison.Ordinal))
            Assert.DoesNotContain("hint: ", (await CliRun.BallastAsync(line.Split(' '), open: null, isVirsh: true, cancellationToken: Token)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_words_for_a_command_are_no_command_and_lead_to_one()
    {
        string[] commands = [.. CommandTable.All.Select(command => command.Name)];
        Assert.Distinct(OtherWords.Words);
        Assert.All(OtherWords.Words, word =>
        {
            Assert.DoesNotContain(word, commands);
            Assert.Null(OutOfScope.Explain(word));
            Assert.All(Quoted().Matches(OtherWords.Explain(word)!), match => Assert.Contains(match.Groups[1].Value, commands));
        });
        Assert.Null(OtherWords.Explain("nosuch"));
    }

    [Fact]
    public async Task A_name_that_was_copied_as_it_is_shown_is_answered_with_its_UUID()
    {
        FakeDomain odd = new("red\e[31m\tname\u202e", 7) { Facts = new() { Entries = [], PeriodSeconds = 0, IsRunning = true } };
        FakeDriver driver = new(odd);
        Outcome outcome = await CliRun.BallastAsync(driver, "domstate", @"red\x1b[31m\x09name\xe2\x80\xae");
        Assert.Equal(1, outcome.ExitCode);
        Assert.EndsWith($"\nerror: its name has characters that are only shown like this: use its UUID, {odd.Identity.Uuid}\n", outcome.Error, StringComparison.Ordinal);

        // So do the commands that are told.
        Outcome doctor = await CliRun.BallastAsync(driver, "doctor");
        Assert.Contains($" dommemstat {odd.Identity.Uuid} ", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_that_is_named_as_a_monitor_is_told_from_one()
    {
        using PrivateDirectory directory = new();
        using Socket listener = Listen(directory.File("daemon"));
        Outcome outcome = await CliRun.BallastAsync(["-c", $"qmp://{directory.File("daemon")}?timeout=0.2s", "list"], open: null, cancellationToken: Token);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains($"hint: if it is a daemon's socket: -c 'qemu+unix:///system?socket={directory.File("daemon")}'\n", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_asks_for_a_daemons_version_is_told_whether_there_is_one()
    {
        Outcome outcome = await CliRun.BallastAsync("-c", "test:///default", "version", "--daemon");
        Assert.Equal((0, "hint: asked: simulated guests, in this process\n"), (outcome.ExitCode, outcome.Error));
        outcome = await CliRun.BallastAsync(new FakeDriver(), "version", "--daemon");
        Assert.StartsWith($"hint: asked: ballastd {Ballast.Cli.CliProgram.Version}, which answered in ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("", (await CliRun.VirshAtTerminalAsync(new FakeDriver(), "version", "--daemon")).Error);
    }

    [Fact]
    public async Task A_monitor_for_people_is_told_from_one_for_programs()
    {
        using PrivateDirectory directory = new();
        using Socket listener = Listen(directory.File("hmp"));
        Task serving = GreetAsync(listener, "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ");

        Outcome outcome = await CliRun.BallastAsync(["-c", $"qmp://{directory.File("hmp")}", "list"], open: null, cancellationToken: Token);

        Assert.Contains("it is QEMU's monitor for people (HMP)", outcome.Error, StringComparison.Ordinal);
        await serving;
    }

    [Fact]
    public async Task A_monitor_that_is_named_as_a_daemon_is_told_from_one()
    {
        using PrivateDirectory directory = new();
        using Socket listener = Listen(directory.File("qmp"));
        Task serving = GreetAsync(listener, """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}""" + "\r\n");

        Outcome outcome = await CliRun.BallastAsync(
            ["-c", $"qemu+unix:///system?socket={directory.File("qmp")}", "list"], open: null, cancellationToken: Token);

        await serving;
        Assert.Contains("it is a QEMU's monitor, not a daemon: ask it as qmp:///PATH", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_without_monitors_says_what_was_looked_for()
    {
        using PrivateDirectory directory = new();
        string uri = $"qmp://{directory.File(".")}";
        Outcome people = await CliRun.BallastAsync(["-c", uri, "list"], open: null, isTerminal: true, cancellationToken: Token);
        Outcome named = await CliRun.BallastAsync(["-c", uri, "dommemstat", "vm"], open: null, cancellationToken: Token);
        Outcome program = await CliRun.BallastAsync(["-c", uri, "list"], open: null, cancellationToken: Token);

        string looked = string.Create(CultureInfo.InvariantCulture, $"no QEMU's monitor was found at {uri}");
        Assert.StartsWith(looked, people.Error, StringComparison.Ordinal);
        Assert.Contains(looked, named.Error, StringComparison.Ordinal);
        Assert.StartsWith(looked, program.Error, StringComparison.Ordinal);
        Assert.Equal("", (await CliRun.BallastAsync(["-c", uri, "list"], open: null, isVirsh: true, cancellationToken: Token)).Error);
    }

    private static Socket Listen(string path)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        return listener;
    }

    private static async Task GreetAsync(Socket listener, string text)
    {
        using Socket client = await listener.AcceptAsync(Token);
        _ = await client.SendAsync(Encoding.UTF8.GetBytes(text), Token);
        _ = await client.ReceiveAsync(new byte[1], Token);
    }

    [Theory]
    [InlineData("balance simulate nope.json", "cannot read nope.json: there is no such file")]
    [InlineData("balance replay nope", "cannot read nope: there is no such file")]
    [InlineData("balance log nope/nope", "cannot read nope/nope: there is no such directory")]
    [InlineData("balance simulate /usr", "cannot read /usr: it is a directory")]
    [InlineData("balance replay /usr", "cannot read /usr: it is a directory")]
    [InlineData("balance log /usr", "cannot read /usr: it is a directory")]
    [InlineData("balance record /nonexistent/x", "cannot write /nonexistent/x: there is no such directory")]
    [InlineData("-c test:///nope.xml list", "there is no file '/nope.xml'; test:///default and test:///fleet need none")]
    [InlineData("-c test:///usr list", "'/usr' is a directory")]
    public async Task A_file_that_cannot_be_read_is_told_alike_everywhere(string line, string text)
    {
        Outcome outcome = await CliRun.BallastAsync(line.Contains("-c ", StringComparison.Ordinal) ? line.Split(' ') : ["-c", "test:///default", .. line.Split(' ')]);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output.Trim('\n')));
        Assert.Contains($": {text}\n", outcome.Error, StringComparison.Ordinal);
    }

    [GeneratedRegex("'([a-z]+)[^']*'")]
    private static partial Regex Quoted();
}
