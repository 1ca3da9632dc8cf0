using System.Globalization;
using Ballast.Cli.Memory;

namespace Ballast.Cli.Doctor;

/// <summary>What is wrong with the host.</summary>
internal static class HostChecks
{
    private const double ShortShare = 0.05, HighPressure = 10;

    public static IEnumerable<Verdict> Run(ProcFiles proc, IReadOnlyList<MemoryLine> lines)
    {
        ulong reclaimable = lines.Aggregate(0ul, (sum, line) => sum + (line.ReclaimableKiB ?? 0));
        Remedy remedy = new(reclaimable > 0
            ? $"guests could give back {HumanSize.Of(reclaimable, SizeUnit.Human)}: `ballast memory --sort reclaimable` shows which; `ballast setmem` takes it"
            : "stop or move guests; no guest with current numbers could give memory back");
        if (proc.Memory("MemAvailable") is { } available && proc.Memory("MemTotal") is { } total && available < total * ShortShare)
        {
            yield return new(Severity.Error, Verdict.Host, "host memory",
                $"only {HumanSize.Of(available, SizeUnit.Human)} of {HumanSize.Of(total, SizeUnit.Human)} memory is available", remedy);
        }

        if (proc.Pressure() is { } share && share >= HighPressure)
        {
            yield return new(Severity.Warning, Verdict.Host, "host pressure",
                string.Create(CultureInfo.InvariantCulture, $"programs waited for memory in {share:0} % of the last minute (/proc/pressure/memory)"), remedy);
        }

        if (proc.IsStrict() && lines.Count > 0)
        {
            yield return new(Severity.Note, Verdict.Host, "overcommit",
                "vm.overcommit_memory is 2: a QEMU may fail to start or to grow although memory is free",
                new("set it to 0 if guests may use more memory than the host has", "sysctl vm.overcommit_memory=0"));
        }
    }
}
