using Ballast.Guests;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Ballast.Benchmarks.Micro;

/// <summary>BenchmarkDotNet's measurements of single steps, in this process: nothing is generated or built for them.</summary>
internal static class MicroBenchmark
{
    // Enough that what the runtime does beside the calls does not show in their bytes, whatever else the machine does.
    private const int CallsPerRound = 512;

    public static Task RunAsync(Report report)
    {
        report.Section("micro", "Single steps, and what a whole call leaves for the garbage collector in the process (BenchmarkDotNet, short runs)");
        Run<ParsingBenchmarks>(report, Job.ShortRun);
        Run<CallBenchmarks>(report, Job.ShortRun.WithInvocationCount(CallsPerRound));
        return Task.CompletedTask;
    }

    private static void Run<T>(Report report, Job job)
    {
        using PrivateDirectory place = new();
        AccumulationLogger log = new(), table = new();
        IConfig config = ManualConfig.CreateEmpty()
            .AddJob(job.WithToolchain(InProcessEmitToolchain.Instance))
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(log)
            .WithArtifactsPath(place.Path);
        Summary summary = BenchmarkRunner.Run<T>(config);
        if (summary.HasCriticalValidationErrors || summary.Reports.Length == 0 || summary.Reports.Any(one => !one.Success))
            throw new InvalidOperationException($"{typeof(T).Name} could not be measured: {log.GetLog()}");
        MarkdownExporter.GitHub.ExportToLog(summary, table);
        report.Note(table.GetLog().Trim());
    }
}
