using System.Globalization;
using System.Runtime.CompilerServices;
using Ballast.Guests;

namespace Ballast.Benchmarks.Daemons;

/// <summary>Memory: of a daemon that answers bulk calls in a loop, and of a C program that holds idle connections.</summary>
internal static class MemoryComparison
{
    private const int Domains = 200, First = 1000, Last = 2000, Runs = 5;
    private const double MostPeakMb = 40, MostKib = 8;

    private static readonly TimeSpan BulkTime = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(Report report)
    {
        report.Section("daemon:memory", $"{Domains} domains in bulk calls, one after the other; and C programs with up to {Last} idle connections");
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        await using (DaemonPair pair = await DaemonPair.StartAsync(Domains))
            await PeaksAsync(report, pair);
        await using (DaemonPair pair = await DaemonPair.StartAsync(domains: 1))
            await SlopesAsync(report, pair);
    }

    private static async Task PeaksAsync(Report report, DaemonPair pair)
    {
        List<string> rows = [];
        foreach (Daemon daemon in (Daemon[])[pair.Libvirtd, pair.Ours])
        {
            await using IDaemonClient client = await daemon.OpenAsync(ClientKind.CLibrary);
            int calls = 0;
            for (long end = Environment.TickCount64 + (long)BulkTime.TotalMilliseconds; Environment.TickCount64 < end; calls++)
                _ = await client.CountBalloonStatsAsync();
            rows.Add(Report.Text($"{daemon.Name} | {calls} | {daemon.PeakResidentKib * 1024 / 1e6:0.0} | {(daemon == pair.Ours ? MostPeakMb : null):0}"));
        }

        report.Rows($"balloon statistics of {Domains} domains in a loop of {BulkTime.TotalSeconds:0} s, libvirt's C library | calls | highest resident memory, MB | wanted, at most", [.. rows]);
    }

    private static async Task SlopesAsync(Report report, DaemonPair pair)
    {
        using PrivateDirectory directory = new();
        string program = directory.File("connections");
        CommandResult built = await ChildProcess.RunAsync(
            "gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SourcePath(), "-lvirt", "-ldl"]);
        if (built.ExitCode != 0)
            throw new InvalidOperationException($"gcc: {built.Errors}");
        string ours = Path.Combine(Environment.GetEnvironmentVariable("BALLAST_NATIVE") ?? "", "abi");
        List<double>[] slopes = [[], []];
        for (int run = 0; run < Runs; run++)
        {
            slopes[0].Add(await SlopeAsync(program, pair.Ours.Uri, libraries: null));
            slopes[1].Add(await SlopeAsync(program, pair.Ours.Uri, ours));
        }

        report.Rows(
            $"an idle connection in a C program: growth of its resident memory from {First} to {Last}, median of {Runs} | KiB a connection | wanted, at most",
            Report.Text($"libvirt's C library | {Samples.MedianOf(slopes[0]):0.00} | "),
            Report.Text($"ours | {Samples.MedianOf(slopes[1]):0.00} | {MostKib:0}"));
    }

    private static async Task<double> SlopeAsync(string program, string uri, string? libraries)
    {
        CommandResult result = await ChildProcess.RunAsync(
            program, [uri, $"{First}", $"{Last}"], libraries is null ? null : new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = libraries });
        string[] words = result.Output.Split(' ', StringSplitOptions.TrimEntries);
        if (result.ExitCode != 0 || words.Length != 3 || (libraries is not null && !words[0].StartsWith(libraries, StringComparison.Ordinal)))
            throw new InvalidOperationException($"{program}: {result.Output}{result.Errors}");
        return (double)(Number(words[2]) - Number(words[1])) / (Last - First);
    }

    private static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);

    private static string SourcePath([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../floor/connections.c"));
}
