using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Simulated hosts that ballastd's configuration names.</summary>
[Trait("needs", "virsh")]
public sealed class DaemonTestHostTests : IDisposable
{
    private const string Host =
        "<node><domain type='test'><name>web</name><memory>1024</memory><os><type>hvm</type></os></domain></node>";

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Clients_open_the_files_that_are_named_and_no_other()
    {
        string named = await WriteAsync("na med.xml", Host), other = await WriteAsync("other.xml", Host);
        string config = await WriteAsync("ballastd.conf", $"test = [\"{named}\"]\n");
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", config);
        CommandResult result = await VirshAsync(daemon, named.Replace(" ", "%20", StringComparison.Ordinal), "destroy web; start web; domstate web");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.EndsWith("running", result.Output.Trim(), StringComparison.Ordinal);
        Assert.Contains("no connection driver available", (await VirshAsync(daemon, other, "list")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Virsh_is_told_of_changed_metadata_as_libvirt_tells_it()
    {
        string named = await WriteAsync("host.xml", Host), config = await WriteAsync("ballastd.conf", $"test = [\"{named}\"]\n");
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--config", config);
        await using Connection connection = await Connection.OpenAsync($"test+unix://{named}?socket={daemon.SocketPath}", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("web", Token);
        Task<CommandResult> listening = VirshAsync(daemon, named, "event --event metadata-change --timeout 60");
        while (!listening.IsCompleted)
        {
            await domain.SetMetadataAsync(DomainMetadataType.Element, "<role/>", "x", "urn:x", cancellationToken: Token);
            await Task.WhenAny(listening, Task.Delay(50, Token));
        }

        Assert.Equal("event 'metadata-change' for domain 'web': type element, uri urn:x\nevents received: 1\n", (await listening).Output.TrimStart());
    }

    [Theory]
    [InlineData("<nope/>", "expecting root element of 'node'")]
    [InlineData("no XML", "host.xml:1")]
    [InlineData(null, "failed to parse xml document")]
    public async Task A_file_that_is_no_host_keeps_the_daemon_from_starting_and_the_check_says_so(string? text, string why)
    {
        string file = text is null ? _directory.File("host.xml") : await WriteAsync("host.xml", text);
        string config = await WriteAsync("ballastd.conf", $"test = [\"{file}\"]\n");
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--check", "--config", config, "--socket", _directory.File("sock")), 1, why);
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--config", config, "--socket", _directory.File("sock")), 1, why);
    }

    private async Task<string> WriteAsync(string name, string text)
    {
        string file = _directory.File(name);
        await File.WriteAllTextAsync(file, text, Token);
        return file;
    }

    private static Task<CommandResult> VirshAsync(BallastDaemon daemon, string path, string commands) => ChildProcess.RunAsync(
        "virsh", ["-q", "-c", $"test+unix://{path}?socket={daemon.SocketPath}", commands],
        new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: Token);
}
