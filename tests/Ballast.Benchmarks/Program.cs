using Ballast.Benchmarks.Daemons;
using Ballast.Benchmarks.Micro;

namespace Ballast.Benchmarks;

internal static class Program
{
    private static readonly (string Name, Func<Report, Task> Run)[] All =
    [
        ("call", CallBenchmark.RunAsync),
        ("callers", CallersBenchmark.RunAsync),
        ("crowd", CrowdBenchmark.RunAsync),
        ("refresh", RefreshBenchmark.RunAsync),
        ("fleet", FleetBenchmark.RunAsync),
        ("startup", StartupBenchmark.RunAsync),
        ("cli", CommandLineBenchmark.RunAsync),
        ("libvirt", LibvirtBenchmark.RunAsync),
        ("owner", OwnerBenchmark.RunAsync),
        ("before", BeforeBenchmark.RunAsync),
        ("before:call", BeforeCallBenchmark.RunAsync),
        ("balance", BalanceBenchmark.RunAsync),
        ("policy:round", RoundBenchmark.RunAsync),
        ("policy:seeds", PolicyBenchmark.RunAsync),
        ("policy:families", FamilyBenchmark.RunAsync),
        ("micro", MicroBenchmark.RunAsync),
        ("daemon:call", CallComparison.RunAsync),
        ("daemon:rpc", RpcComparison.RunAsync),
        ("daemon:idle", IdleComparison.RunAsync),
        ("daemon:stopped", StoppedComparison.RunAsync),
        ("daemon:crowd", CrowdComparison.RunAsync),
        ("daemon:memory", MemoryComparison.RunAsync),
        ("daemon:remote", RemoteComparison.RunAsync),
        ("daemon:siege", SiegeBenchmark.RunAsync),
    ];

    public static async Task<int> Main(string[] arguments)
    {
        (string name, string? output) = arguments switch
        {
            [var only] => (only, null),
            [var first, "--output", var file] => (first, file),
            _ => ("", null),
        };
        // "daemon" is all of daemon:…, which is no part of "all": it starts hundreds of QEMUs, as "cli" does. Nor is "owner", which takes minutes,
        // "before", which needs an earlier build, "balance" and "policy:…", which are no part of the API, or "micro", whose figures are no comparison
        // with a peer's.
        var chosen = All.Where(benchmark => name == "all"
            ? benchmark.Name is not ("cli" or "owner" or "before" or "before:call" or "balance" or "micro") && !benchmark.Name.StartsWith("daemon:", StringComparison.Ordinal)
                && !benchmark.Name.StartsWith("policy:", StringComparison.Ordinal)
            : benchmark.Name == name || benchmark.Name.StartsWith(name + ':', StringComparison.Ordinal)).ToArray();
        if (chosen.Length == 0)
        {
            Console.Error.WriteLine($"usage: Ballast.Benchmarks all|daemon|policy|{string.Join('|', All.Select(benchmark => benchmark.Name))} [--output FILE]");
            return 2;
        }

        Report report = new();
        await report.DescribeHostAsync(name, output);
        foreach (var (_, run) in chosen)
            await run(report);
        if (output is not null)
            await File.WriteAllTextAsync(output, report.ToString());
        return 0;
    }
}
