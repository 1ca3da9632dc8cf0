using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>What the tests of <c>doctor</c> have in common: a host in files, guests, and the command's run.</summary>
public abstract class DoctorTest : IDisposable
{
    private protected const ulong Now = 1_700_000_000, MiB = 1024;
    private protected const string Healthy = "MemTotal:       16000000 kB\nMemAvailable:    9000000 kB\n";

    private protected PrivateDirectory Root { get; } = new();

    protected DoctorTest()
    {
        Write("meminfo", Healthy);
        Write("pressure/memory", "some avg10=0.00 avg60=0.12 avg300=0.00 total=1\nfull avg10=0.00 avg60=50.00 avg300=0.00 total=1\n");
        Write("sys/vm/overcommit_memory", "0\n");
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Root.Dispose();
    }

    private protected static MemoryStat[] Old =>
        [new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, 500 * MiB), new(MemoryStatTag.LastUpdate, Now - 700)];

    private protected static MemoryStatsFacts Facts(MemoryStatsReason reason) => reason switch
    {
        MemoryStatsReason.Stale => new() { Entries = Old, PeriodSeconds = 2, IsRunning = true },
        MemoryStatsReason.PollingOff => new() { Entries = Old, PeriodSeconds = 0, IsRunning = true },
        MemoryStatsReason.Paused => new() { Entries = Old, PeriodSeconds = 2, IsRunning = false },
        MemoryStatsReason.NeverReported => new() { Entries = [], PeriodSeconds = 2, IsRunning = true },
        _ => new() { Entries = [], PeriodSeconds = 2, IsRunning = true, Obstacle = reason },
    };

    private protected static FakeDomain Guest(string name, int id, ulong? used, ulong actual = 1124, ulong resident = 1024, ulong? swapOut = null)
    {
        List<MemoryStat> entries = [];
        if (swapOut is { } swapped)
            entries.AddRange([new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, swapped)]);
        if (used is { } taken)
            entries.AddRange([new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, (1024 - taken) * MiB), new(MemoryStatTag.LastUpdate, Now - 1)]);

        // Of what is not looked for here the host holds no more than it should.
        ulong rss = used is { } uses && resident == 1024 ? Math.Min(1024, uses * 3) : resident;
        entries.AddRange([new(MemoryStatTag.ActualBalloon, actual * MiB), new(MemoryStatTag.Rss, rss * MiB)]);
        return new FakeDomain(name, id)
        {
            Facts = new() { Entries = [.. entries], PeriodSeconds = 2, IsRunning = true },
            Statistics = [TypedParameter.ULLong("balloon.maximum", 2048 * MiB)],
        };
    }

    private protected void Write(string file, string text)
    {
        string path = Root.File($"proc/{file}");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private protected Task<Outcome> RunAtAsync(FakeDriver driver, string uri) => RunWithAsync(driver, ["-c", uri, "doctor"]);

    private protected Task<Outcome> RunAsync(FakeDriver driver, params string[] arguments) => RunWithAsync(driver, ["doctor", .. arguments]);

    /// <param name="driver">The connection's.</param>
    /// <param name="arguments">The command.</param>
    /// <param name="here">What runs on this host; null: the connection's domains do.</param>
    private protected Task<Outcome> RunWithAsync(FakeDriver driver, string[] arguments, FakeDriver? here = null) => CliRun.BallastAsync(
        arguments, (uri, options, _) => new(new Connection(uri == "qmp:///" ? here ?? driver : driver, uri ?? "fake:///", options)),
        procPath: Root.File("proc"), cancellationToken: TestContext.Current.CancellationToken);
}
