using System.Text.Json;
using Ballast.Drivers.Remote;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The ssh that we start beside the one that virsh starts, and what its words do in a shell.</summary>
[Collection(SshTests.Shared)]
[Trait("needs", "virsh")]
[Trait("oracle", "libvirt 9.0")]
public sealed class SshCommandTests : IDisposable
{
    // Writes down its words, and runs the last of them as the other host's shell would, with programs that write down theirs.
    private const string FakeSsh = """
        #!/bin/sh
        for word; do printf '%s\0' "$word"; last=$word; done >"$DIR/words"
        PATH=$DIR/far /bin/sh -c "$last" >/dev/null 2>&1
        exit 255
        """;

    private const string FakeHelper = """
        #!/bin/sh
        [ "$1" = -q ] && exit 1
        { printf '%s' "${0##*/}"; printf ' [%s]' "$@"; echo; } >"$DIR/ran"
        """;

    private readonly PrivateDirectory _directory = new();

    public SshCommandTests()
    {
        _ = Directory.CreateDirectory(_directory.File("far"));
        Write("ssh", FakeSsh);
        Write("other-ssh", FakeSsh);
        foreach (string helper in (string[])["virt-ssh-helper", "nc", "my nc"])
            Write($"far/{helper}", FakeHelper);
        foreach (string name in (string[])["sh", "grep", "which", "id"])
            _ = File.CreateSymbolicLink(_directory.File($"far/{name}"), $"/usr/bin/{name}");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("qemu+ssh://h/system")]
    [InlineData("qemu+ssh:///system")]
    [InlineData("qemu+ssh://u@h:22/system")]
    [InlineData("qemu+ssh://h:0/system")]
    [InlineData("qemu+ssh://user%40dom@h/system")]
    [InlineData("qemu+ssh://dom%5Cu%23~@h/system")]
    [InlineData("qemu+ssh://h/system?no_sanity=1")]
    [InlineData("qemu+ssh://h/system", true)]
    [InlineData("qemu+ssh://h/session")]
    [InlineData("qemu+ssh://[::1]:22/system")]
    [InlineData("qemu+ssh://[fe80::1%25eth0]/system")]
    [InlineData("qemu+ssh://[fe80::1%eth0]/system")]
    [InlineData("qemu+ssh://u@h:22/system?proxy=auto")]
    [InlineData("qemu+ssh://u@h:22/system?proxy=native")]
    [InlineData("qemu+ssh://u@h:22/system?proxy=native", true)]
    [InlineData("qemu+ssh://u@h:22/system?proxy=netcat")]
    [InlineData("qemu+ssh://u@h:22/system?proxy=netcat", true)]
    [InlineData("qemu+ssh://h/session?proxy=netcat")]
    [InlineData("qemu+ssh://h/system?proxy=netcat&netcat=DIR/far/my%20nc")]
    [InlineData("qemu+ssh://h/system?keyfile=/a/key%20file")]
    [InlineData("qemu+ssh://h/system?no_verify=1")]
    [InlineData("qemu+ssh://h/system?no_tty=1")]
    [InlineData("qemu+ssh://h/system?no_tty=0&no_verify=0")]
    [InlineData("qemu+ssh://u@h:22/system?no_tty=1&no_verify=1&keyfile=/k")]
    [InlineData("qemu+ssh://h/system?command=DIR/other-ssh")]
    [InlineData("qemu+ssh://h/system?socket=/a/socket")]
    [InlineData("qemu+ssh://h/system?socket=/a/socket&proxy=netcat")]
    [InlineData("qemu+ssh://h/system?mode=legacy")]
    [InlineData("qemu+ssh://h/system?mode=auto")]
    [InlineData("qemu+ssh://h/system?name=test:///default")]
    [InlineData("test+ssh://h/default")]
    [InlineData("qemu+ssh://h/system?auth=polkit")]
    public async Task Is_started_as_virsh_starts_it(string uri, bool isReadOnly = false)
    {
        uri = uri.Replace("DIR", _directory.Path, StringComparison.Ordinal);
        string theirs = await RunAsync("virsh", uri, isReadOnly), ours = await RunAsync(BallastProgram.Path, uri, isReadOnly);

        // The daemon of the other host, as far as nobody told where it is, is first looked for at ballastd's places and at those
        // of libvirt's daemon for QEMU; where none is, it is the last.
        Assert.Equal(theirs, ours);
    }

    [Theory]
    [InlineData("mode=direct")]
    [InlineData("proxy=bogus")]
    [InlineData("no_verify=x")]
    public async Task Is_not_started_where_virsh_starts_none(string parameter)
    {
        foreach (string program in (string[])["virsh", BallastProgram.Path])
            Assert.Equal("[]", (await RunAsync(program, $"qemu+ssh://h/system?{parameter}", isReadOnly: false)).Split('\n')[0]);
    }

    [Fact]
    public async Task A_path_is_one_word_whatever_is_in_it()
    {
        string ours = await RunAsync(BallastProgram.Path, "qemu+ssh://h/system?proxy=netcat&socket=/a%20b/'$(touch%20x)'%22%3Bc", isReadOnly: false);
        Assert.EndsWith("nc [-U] [/a b/'$(touch x)'\";c]\n", ours, StringComparison.Ordinal);
    }

    // sshd hands what it is told to the user's login shell. Each of its signs is beside every other character once.
    [Theory]
    [InlineData("sh")]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("csh")]
    [InlineData("tcsh")]
    public async Task A_path_is_one_word_to_every_login_shell(string shell)
    {
        string printable = string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)) + "üß日😀";
        string[] paths = [.. "\\'!\"$` %#~*?[{(;&|<>^=\u00fc".Select(sign => $"/{sign}{string.Join(sign, printable.EnumerateRunes())}{sign}"), "/x\\';touch pwned;:\\'", "/x!foo", "/\\", "/!"];
        foreach (string path in paths)
        {
            File.Delete(_directory.File("ran"));
            ConnectUri uri = ConnectUri.Parse($"qemu+ssh://h/system?proxy=netcat&socket={Uri.EscapeDataString(path)}");
            Dictionary<string, string> variables = new() { ["LC_ALL"] = "C", ["PATH"] = _directory.File("far"), ["HOME"] = _directory.Path };
            CommandResult result = await ChildProcess.RunAsync(
                $"/usr/bin/{shell}", ["-c", SshCommand.Of(uri, "qemu:///system", readOnly: false).Arguments[^1]], variables, cancellationToken: Token);
            Assert.True(File.Exists(_directory.File("ran")), result.Errors);
            Assert.Equal($"nc [-U] [{path}]\n", await File.ReadAllTextAsync(_directory.File("ran"), Token));
        }
    }

    [Fact]
    public async Task Nobody_is_asked_where_there_is_no_terminal()
    {
        foreach ((string[] through, bool asks) in ((string[], bool)[])[(["setsid", "--wait"], false), (["script", "--quiet", "--return", "--command"], true)])
        {
            File.Delete(_directory.File("words"));
            string[] words = [BallastProgram.Path, "-c", "qemu+ssh://h/system", "list"];
            Dictionary<string, string> variables = new() { ["PATH"] = $"{_directory.Path}:{Environment.GetEnvironmentVariable("PATH")}", ["SSH_ASKPASS"] = "" };
            _ = await ChildProcess.RunAsync(
                through[0], [.. through[1..], .. asks ? (string[])[string.Join(' ', words), "/dev/null"] : words], variables, cancellationToken: Token);
            Assert.Equal(!asks, (await File.ReadAllTextAsync(_directory.File("words"), Token)).Split('\0').Contains("BatchMode=yes"));
        }
    }

    public void Dispose() => _directory.Dispose();

    // The words but for the last, which is a program of each one's own; and what that did.
    private async Task<string> RunAsync(string program, string uri, bool isReadOnly)
    {
        File.Delete(_directory.File("words"));
        File.Delete(_directory.File("ran"));
        Dictionary<string, string> variables = new()
        {
            ["LC_ALL"] = "C",
            ["PATH"] = $"{_directory.Path}:{Environment.GetEnvironmentVariable("PATH")}",
            // Where nobody can be asked, we say so to ssh.
            ["SSH_ASKPASS"] = "/bin/false",
        };
        string[] words = [.. isReadOnly ? (string[])["-r"] : [], "-c", uri, "list"];
        CommandResult result = await ChildProcess.RunAsync(program, words, variables, cancellationToken: Token);
        Assert.NotEqual(0, result.ExitCode);
        string[] said = File.Exists(_directory.File("words")) ? (await File.ReadAllTextAsync(_directory.File("words"), Token)).TrimEnd('\0').Split('\0') : [];
        return $"{JsonSerializer.Serialize(said.SkipLast(1))}\n{(File.Exists(_directory.File("ran")) ? await File.ReadAllTextAsync(_directory.File("ran"), Token) : "")}";
    }

    private void Write(string name, string script) =>
        _ = _directory.Program(name, script.Replace("$DIR", _directory.Path, StringComparison.Ordinal));
}
