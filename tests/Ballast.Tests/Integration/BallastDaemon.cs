using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A ballastd of our own, as it ships, on sockets in a private directory.</summary>
internal sealed class BallastDaemon : IAsyncDisposable
{
    private readonly PrivateDirectory _directory;
    private readonly ChildProcess _process;

    private BallastDaemon(PrivateDirectory directory, ChildProcess process)
    {
        _directory = directory;
        _process = process;
    }

    public static string Program =>
        Environment.GetEnvironmentVariable("BALLAST_DAEMON") is { Length: > 0 } path
            ? path
            : throw new InvalidOperationException("BALLAST_DAEMON does not name the native daemon: run ./build and set it, or run ./test.");

    public string SocketPath => _directory.File("sock");

    public string ReadOnlySocketPath => _directory.File("sock-ro");

    public string Uri => $"qemu+unix:///system?socket={SocketPath}";

    public string ReadOnlyUri => $"qemu+unix:///system?socket={ReadOnlySocketPath}";

    public int Pid => _process.Pid;

    public string Errors => _process.Errors;

    /// <summary>Waits until it has logged something: what it does is seen before what it says of it is read.</summary>
    public Task LogsAsync(string text, CancellationToken cancellationToken) => Deadline.UntilAsync(
        Deadline.Default, $"'{text}' in the log", _ => Task.FromResult(Errors.Contains(text, StringComparison.Ordinal)), cancellationToken);

    public static Task<BallastDaemon> StartAsync(CancellationToken cancellationToken, params string[] arguments) =>
        StartThroughAsync([], cancellationToken, arguments);

    /// <param name="through">A command that becomes the daemon, as <c>prlimit --nofile=100</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="arguments">The daemon's.</param>
    public static async Task<BallastDaemon> StartThroughAsync(string[] through, CancellationToken cancellationToken, params string[] arguments)
    {
        PrivateDirectory directory = new();
        File.WriteAllText(directory.File("none.conf"), "");
        string[] command = [.. through, Program, "--config", directory.File("none.conf"), "--socket", directory.File("sock"), .. ExclusiveCollection.WithoutOthers(arguments)];
        ChildProcess process = await ChildProcess.StartAsync(command[0], command[1..]);
        BallastDaemon daemon = new(directory, process);
        await Deadline.UntilAsync(Deadline.Default, "sockets of ballastd", async token =>
        {
            if (process.HasExited)
            {
                await process.WaitForExitAsync(token);
                throw new InvalidOperationException($"ballastd exited with status {process.ExitCode}: {process.Errors}");
            }

            // It says so when both are open to those who may enter.
            return process.Errors.Contains("listens on", StringComparison.Ordinal);
        }, cancellationToken);
        return daemon;
    }

    public Task<CommandResult> VirshAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        ChildProcess.RunAsync(
            "virsh", ["-c", Uri, .. arguments], new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: cancellationToken);

    /// <summary>Tells it to end, and waits.</summary>
    public async Task<int> TerminateAsync(CancellationToken cancellationToken)
    {
        ChildProcess.Terminate(_process.Pid);
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Freezes it, and returns when all its threads stand still.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _process.StopAsync(cancellationToken);

    public void Continue() => _process.Continue();

    public void Signal(int signal) => _process.Signal(signal);

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }
}
