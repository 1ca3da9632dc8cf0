using System.Diagnostics;
using System.Globalization;
using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>A ballastd of our own, whose second socket everybody reaches.</summary>
internal sealed class SiegedDaemon : IAsyncDisposable
{
    // When it does not end at all.
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(30);

    private readonly PrivateDirectory _directory;
    private readonly ChildProcess _process;

    private SiegedDaemon(PrivateDirectory directory, ChildProcess process)
    {
        _directory = directory;
        _process = process;
    }

    public string Uri => $"qemu+unix:///system?socket={_directory.File("sock")}";

    public string ReadOnlySocketPath => _directory.File("sock-ro");

    public static async Task<SiegedDaemon> StartAsync(string monitors)
    {
        PrivateDirectory directory = new();
        PrivateDirectory.ToEverybody(directory.Path);
        ChildProcess process = await ChildProcess.StartAsync(
            Environment.GetEnvironmentVariable("BALLAST_DAEMON")!, ["--config", "/dev/null", "--socket", directory.File("sock"), "--qmp", monitors]);
        await Deadline.UntilAsync(
            Deadline.Default, "ballastd", _ => Task.FromResult(process.Errors.Contains("listens on", StringComparison.Ordinal)), CancellationToken.None);
        return new SiegedDaemon(directory, process);
    }

    public DaemonSize Look()
    {
        const int resident = 1;
        long pages = long.Parse(File.ReadAllText($"/proc/{_process.Pid}/statm").Split(' ')[resident], CultureInfo.InvariantCulture);
        return new DaemonSize(pages * Environment.SystemPageSize >> 20, Directory.EnumerateFileSystemEntries($"/proc/{_process.Pid}/fd").Count());
    }

    /// <summary>Seconds until it has ended.</summary>
    public async Task<double> TerminateAsync()
    {
        long start = Stopwatch.GetTimestamp();
        ChildProcess.Terminate(_process.Pid);
        try
        {
            await _process.WaitForExitAsync(LongestEnd);
        }
        catch (TimeoutException)
        {
            // It is told as it is.
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }
}
