using System.Runtime.CompilerServices;
using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>The least that a call can take: a loop in C (tests/floor) that sends answers which were ready.</summary>
internal sealed class FloorServer : IAsyncDisposable
{
    private readonly PrivateDirectory _directory;
    private readonly ChildProcess _process;

    private FloorServer(PrivateDirectory directory, ChildProcess process)
    {
        _directory = directory;
        _process = process;
        SocketPath = directory.File("sock");
        Daemon = new("a loop in C", $"qemu+unix:///system?socket={SocketPath}", process.Pid);
    }

    public Daemon Daemon { get; }

    public string SocketPath { get; }

    public static Task<FloorServer> StartAsync() => StartAsync([], []);

    /// <summary>One that listens on ports of loopback too, the second one of TLS. It needs OpenSSL's headers (libssl-dev).</summary>
    public static Task<FloorServer> StartAsync(int tcp, int tls, string pki) =>
        StartAsync(["-DWITH_TLS"], ["-lssl", "-lcrypto"], $"{tcp}", $"{tls}", $"{pki}/servercert.pem", $"{pki}/serverkey.pem");

    private static async Task<FloorServer> StartAsync(string[] options, string[] libraries, params string[] arguments)
    {
        PrivateDirectory directory = new();
        string program = directory.File("floor");
        CommandResult built = await ChildProcess.RunAsync(
            "gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", .. options, "-o", program, SourcePath(), .. libraries]);
        if (built.ExitCode != 0)
            throw new InvalidOperationException($"gcc: {built.Errors}");
        ChildProcess process = await ChildProcess.StartAsync(program, [directory.File("sock"), .. arguments]);
        await Deadline.UntilAsync(
            Deadline.Default, "the loop in C", _ => Task.FromResult(process.HasExited ? throw new InvalidOperationException(process.Errors) : File.Exists(directory.File("sock"))),
            CancellationToken.None);
        return new FloorServer(directory, process);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private static string SourcePath([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../floor/floor.c"));
}
