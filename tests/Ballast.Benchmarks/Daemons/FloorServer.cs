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
        Daemon = new("a loop in C", $"qemu+unix:///system?socket={directory.File("sock")}", process.Pid);
    }

    public Daemon Daemon { get; }

    public static async Task<FloorServer> StartAsync()
    {
        PrivateDirectory directory = new();
        string program = directory.File("floor");
        CommandResult built = await ChildProcess.RunAsync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program, SourcePath()]);
        if (built.ExitCode != 0)
            throw new InvalidOperationException($"gcc: {built.Errors}");
        ChildProcess process = await ChildProcess.StartAsync(program, [directory.File("sock")]);
        await Deadline.UntilAsync(Deadline.Default, "the loop in C", _ => Task.FromResult(File.Exists(directory.File("sock"))), CancellationToken.None);
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
