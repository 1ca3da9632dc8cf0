using System.Diagnostics;
using System.Globalization;
using Ballast.Benchmarks.Daemons;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>The command line beside virsh on the same daemons, and what <c>top</c> costs.</summary>
internal static class CommandLineBenchmark
{
    private const int RoundCount = 40;
    private const int PeakRuns = 9;
    private const int ManyDomains = 100;
    private const int SimulatedDomains = 1000;

    private static readonly TimeSpan TopWarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TopRun = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(Report report)
    {
        report.Section("cli", "Whole commands, from start to end, ms, beside virsh on daemons that run already; peak memory in KiB");
        await MeasureTopAsync(report);
        if (DaemonPair.Obstacle is { } obstacle)
        {
            report.Note(obstacle);
            return;
        }

        await using DaemonPair pair = await DaemonPair.StartAsync(domains: 1);
        await pair.SettleAsync();
        foreach (Daemon daemon in (Daemon[])[pair.Libvirtd, pair.Ours])
        {
            Samples[] samples = await CompareAsync(report, $"`dommemstat` on {daemon.Name}",
                ("virsh", [Tools.Find("virsh"), "-c", daemon.Uri, "dommemstat", DaemonPair.FirstDomain]),
                ("ballast", [Tools.Ballast(), "-c", daemon.Uri, "dommemstat", DaemonPair.FirstDomain]));
            Goal(report, samples, 0.5);
        }

        await pair.GrowAsync(ManyDomains);
        await pair.SettleAsync();
        Samples[] many = await CompareAsync(report, $"`domstats --balloon` of {ManyDomains} domains",
            ("virsh on libvirtd", [Tools.Find("virsh"), "-c", pair.Libvirtd.Uri, "domstats", "--balloon"]),
            ("ballast on ballastd", [Tools.Ballast(), "-c", pair.Ours.Uri, "domstats", "--balloon"]));
        Goal(report, many, 1.0 / 3);
    }

    private static async Task<Samples[]> CompareAsync(Report report, string title, params (string Name, string[] Command)[] sides)
    {
        Dictionary<string, List<double>> processor = sides.ToDictionary(side => side.Name, _ => new List<double>());
        Samples[] samples = await Rounds.RunAsync(
            RoundCount, [.. sides.Select<(string Name, string[] Command), (string, Func<Task<double>>)>(side => (side.Name, () =>
            {
                (double elapsed, double used) = NativeProcess.Measure(side.Command);
                processor[side.Name].Add(used);
                return Task.FromResult(elapsed);
            }))]);
        report.Table(title, "ms", samples);
        report.Note($"Processor time of the program, median: {string.Join(", ", sides.Select(side => $"{side.Name} {Report.Number(Samples.MedianOf(processor[side.Name]))} ms"))}.");
        report.Note($"Peak memory: {string.Join(", ", sides.Select(side => $"{side.Name} {PeakKiB(side.Command)} KiB"))}.");
        return samples;
    }

    private static void Goal(Report report, Samples[] samples, double most)
    {
        double ratio = samples[1].RatioTo(samples[0]).Item1;
        report.Note(Report.Text($"ballast takes {ratio:0.00} of virsh's time; wanted: {most:0.00} at most{(ratio <= most ? "." : ", so it falls short.")}"));
    }

    private static long PeakKiB(string[] command) =>
        (long)Samples.MedianOf(Enumerable.Range(0, PeakRuns).Select(_ => (double)NativeProcess.PeakResidentKiB(command)));

    /// <summary>The processor time of a <c>top</c> at its usual pace, in a terminal of its own.</summary>
    private static async Task MeasureTopAsync(Report report)
    {
        string command = string.Create(
            CultureInfo.InvariantCulture, $"stty rows 50 cols 160; exec '{Tools.Ballast()}' -c 'test:///fleet?domains={SimulatedDomains}&seed=1' top");
        ProcessStartInfo info = new("script", ["-qec", command, "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["TERM"] = "xterm-256color" },
        };
        using Process terminal = Process.Start(info)!;
        Task<string> screen = terminal.StandardOutput.ReadToEndAsync();
        await Task.Delay(TopWarmUp);
        int pid = ChildOf(terminal.Id);
        (TimeSpan before, long start) = (ProcessorTime(pid), Stopwatch.GetTimestamp());
        await Task.Delay(TopRun);
        double share = (ProcessorTime(pid) - before) / Stopwatch.GetElapsedTime(start);
        await terminal.StandardInput.WriteAsync('q');
        await terminal.StandardInput.FlushAsync();
        await terminal.WaitForExitAsync().WaitAsync(Deadline.Default);
        if (!(await screen).Contains("guest", StringComparison.Ordinal))
            throw new InvalidOperationException("top showed no guests.");
        const double most = 0.2;
        report.Note(Report.Text(
            $"`top` on {SimulatedDomains} simulated domains, once a second: {share:0.000} of a processor, the simulation included; wanted: {most:0.0} at most{(share <= most ? "." : ", so it falls short.")}"));
    }

    private static int ChildOf(int pid) =>
        int.Parse(File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ')[0], CultureInfo.InvariantCulture);

    private static TimeSpan ProcessorTime(int pid)
    {
        using Process process = Process.GetProcessById(pid);
        return process.TotalProcessorTime;
    }
}
