using System.Globalization;
using Ballast.Cli.Commands;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Doctor;

/// <summary>What is wrong with one guest.</summary>
internal static class GuestChecks
{
    private const double FullShare = 0.9, Shrunk = 0.98;

    // Less is not worth anybody's time.
    private const ulong WorthKiB = 256 * 1024, StepKiB = 64 * 1024;

    // Guests fill what they have with caches, which is no fault.
    private const ulong MuchMore = 4;

    public static IEnumerable<Verdict> Run(MemoryLine line, ProcFiles proc)
    {
        if (Collection(line, proc) is { } collection)
            yield return collection;
        if (Shortage(line) is { } shortage)
            yield return shortage;
        bool isFixed = false;
        foreach (Verdict backing in Backing(line, proc))
        {
            isFixed = true;
            yield return backing;
        }

        if (!isFixed && Slack(line) is { } slack)
            yield return slack;
    }

    /// <summary>Why the numbers are not current.</summary>
    private static Verdict? Collection(MemoryLine line, ProcFiles proc)
    {
        MemoryStats stats = line.Stats;
        string name = line.Domain.Name, age = stats.Age is { } old ? $"; its last report is {MemoryRemark.Duration(old)} old" : "";
        Severity severity = stats.Reason switch
        {
            MemoryStatsReason.Fresh => Severity.Note,
            MemoryStatsReason.MonitorBusy or MemoryStatsReason.MonitorHung or MemoryStatsReason.PermissionDenied or MemoryStatsReason.ConnectionLost
                or MemoryStatsReason.NoMonitor or MemoryStatsReason.SocketNotFound or MemoryStatsReason.NotTrusted => Severity.Error,
            _ => Severity.Warning,
        };
        if (stats.Reason == MemoryStatsReason.Fresh)
            return null;
        string which = stats.Inconsistencies == MemoryStatsInconsistency.None ? "" : $" ({stats.Inconsistencies.Label()})";
        string detail = stats.Detail is null ? "" : $" ({stats.Detail})";
        string remedy = stats.Reason switch
        {
            MemoryStatsReason.Paused => $"resume it: {Command(line.Domain, "resume")}",
            MemoryStatsReason.MonitorHung when line.Domain.Id is { } pid && proc.IsStopped(pid) =>
                string.Create(CultureInfo.InvariantCulture, $"QEMU is stopped by a signal or a debugger: kill -CONT {pid}"),

            // The library's words name the command, not the program and the connection.
            _ => stats.Reason.Remedy(Quote(name)).Replace("dommemstat ", $"{Program(line.Domain)} dommemstat ", StringComparison.Ordinal),
        };
        return new(severity, name, stats.Reason.Label(), $"{stats.Reason.Label()}{which}{age}{detail}", remedy);
    }

    /// <summary>It has too little: the balloon took it, or it has no more to get.</summary>
    private static Verdict? Shortage(MemoryLine line)
    {
        bool swaps = line.Rates?.SwapOutKiB > 0;
        if (!line.IsSummed || line.Stats.ActualKiB is not { } actual)
            return null;

        // What setmem would refuse to set is too little, however it came to be.
        bool isBelowNeed = line.MaximumKiB is { } most && actual < most * Shrunk && actual < SetMemCheck.Floor(line.Stats);
        if (!(swaps || isBelowNeed || line.UsedShare >= FullShare))
            return null;
        string uses = string.Create(CultureInfo.InvariantCulture, $"uses {line.UsedShare * 100:0} % of {Size(line.Stats.AvailableKiB)}")
            + (swaps ? $" and writes {Size((ulong)line.Rates!.SwapOutKiB.GetValueOrDefault())} a second to swap" : "");
        if (line.MaximumKiB is not { } maximum || actual >= maximum * Shrunk)
        {
            return new(Severity.Warning, line.Domain.Name, "short of memory", $"{uses}, and the balloon holds nothing that it could get back",
                "give it more memory: a larger maximum (setmaxmem and a restart), or plug memory in");
        }

        // A quarter more, which the balloon holds.
        ulong target = Math.Min(maximum, (actual + Math.Max(actual / 4, StepKiB) + StepKiB - 1) / StepKiB * StepKiB);
        return new(Severity.Warning, line.Domain.Name, "ballooned too far", $"{uses}; the balloon holds {Size(maximum - actual)}",
            string.Create(CultureInfo.InvariantCulture, $"give some back: {Command(line.Domain, "setmem")} {target / 1024}MiB"));
    }

    /// <summary>Memory that a balloon takes from the guest and the host does not get.</summary>
    private static IEnumerable<Verdict> Backing(MemoryLine line, ProcFiles proc)
    {
        if (line.Domain.Id is not { } pid)
            yield break;
        foreach ((string field, string what, string remedy) in new[]
        {
            ("VmLck", "locked", "start it without locked memory (-overcommit mem-lock=off; libvirt: without <locked/>)"),
            ("VmPin", "pinned by a passed-through device", "do not balloon it: its devices need all of its memory"),
            ("HugetlbPages", "in huge pages of hugetlbfs", "start it without hugetlbfs pages (transparent huge pages do as well), or do not balloon it"),
        })
        {
            if (proc.OfQemu(pid, field) is { } kib and > 0 && kib >= (line.Stats.ActualKiB ?? 0) / 4)
            {
                yield return new(Severity.Warning, line.Domain.Name, "memory cannot be ballooned",
                    $"{Size(kib)} of its memory is {what}: the balloon gives the host nothing back", remedy);
            }
        }

        if (proc.OfQemu(pid, "VmSwap") is { } swapped and >= WorthKiB)
        {
            yield return new(Severity.Warning, line.Domain.Name, "swapped out", $"the host has swapped out {Size(swapped)} of it",
                "the host is or was short of memory: take memory from guests that do not need it (`ballast memory --sort reclaimable`)");
        }
    }

    /// <summary>The host holds much more of it than it uses.</summary>
    private static Verdict? Slack(MemoryLine line)
    {
        if (line.ReclaimableKiB is not { } slack || line.Stats is not { RssKiB: { } resident, Used: { } used, ActualKiB: { } actual }
            || slack < WorthKiB || resident / MuchMore < used.KiB || SetMemCheck.Floor(line.Stats) is not { } floor)
        {
            return null;
        }

        // Half of it: caches are worth something to the guest.
        ulong target = (Math.Max(floor, Math.Min(actual, resident) - (slack / 2)) + StepKiB - 1) / StepKiB * StepKiB;
        return target >= actual ? null : new(Severity.Note, line.Domain.Name, "holds more than it uses",
            $"the host holds {Size(resident)} of it and it uses {Size(used.KiB)}: {Size(slack)} could be given back, at the price of its caches",
            string.Create(CultureInfo.InvariantCulture, $"{Command(line.Domain, "setmem")} {target / 1024}MiB gives {Size(actual - target)} of it back; caches are worth something to the guest"));
    }

    private static string Program(Domain domain) => $"ballast -c {Quote(domain.Connection.Uri)}";

    /// <summary>A command on a domain, as a shell reads it.</summary>
    private static string Command(Domain domain, string command) => $"{Program(domain)} {command} {Quote(domain.Name)}";

    private static string Size(ulong? kib) => HumanSize.Of(kib, SizeUnit.Human);

    // As a shell reads it.
    private static string Quote(string name) =>
        name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' or ':' or '@' or '/' or '=' or ',') && name.Length > 0
            ? name
            : $"'{name.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
