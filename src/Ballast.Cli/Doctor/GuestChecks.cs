using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Doctor;

/// <summary>What is wrong with one guest.</summary>
internal static class GuestChecks
{
    // Less is not worth anybody's time.
    private const ulong WorthKiB = 256 * 1024, StepKiB = 64 * 1024;

    // Guests fill what they have with caches, which is no fault.
    private const ulong MuchMore = 4;

    // Firmware, kernel and its drivers take so long at most; a guest that is stuck then is found a minute later.
    private static readonly TimeSpan BootTime = TimeSpan.FromSeconds(60);

    /// <param name="line">The guest.</param>
    /// <param name="qemu">Its process; null where it is not on this host.</param>
    /// <param name="state">What it does instead of running, where it is paused.</param>
    public static IEnumerable<Verdict> Run(MemoryLine line, LocalQemu? qemu, DomainStateInfo? state)
    {
        if (Collection(line, qemu, state) is { } collection)
            yield return collection;
        if (IsOff(line, qemu, state) is { } off)
            yield return off;
        if (Shortage(line) is { } shortage)
            yield return shortage;
        bool isFixed = false;
        foreach (Verdict backing in Backing(line, qemu))
        {
            isFixed = true;
            yield return backing;
        }

        if (!isFixed && Slack(line) is { } slack)
            yield return slack;
    }

    /// <summary>Why the numbers are not current.</summary>
    private static Verdict? Collection(MemoryLine line, LocalQemu? qemu, DomainStateInfo? state)
    {
        MemoryStats stats = line.Stats;
        string name = line.Domain.Name, age = stats.Age is { } old ? $"; its last report is {MemoryRemark.Duration(old)} old" : "";
        if (stats.Reason == MemoryStatsReason.Fresh)
        {
            return line.HasBalloonMoved ? new(Severity.Note, name, "balloon moved", $"its balloon has moved since its last report{(stats.Age is { } reported ? $", {MemoryRemark.Duration(reported)} ago" : "")}: what it uses of its memory is not known",
                new("look again when it has reported")) : null;
        }

        // An older report than that is none of a system that boots.
        if (stats is { Reason: MemoryStatsReason.NeverReported, Age: { } last } && last < BootTime + stats.Period.GetValueOrDefault())
        {
            return new(Severity.Note, name, stats.Reason.Label(), $"was reset and has not reported since; its last report is {MemoryRemark.Duration(last)} old, so it may still boot",
                new("look again in a minute"));
        }

        if (stats is { Reason: MemoryStatsReason.DriverNotLoaded or MemoryStatsReason.NeverReported, Age: null } && qemu?.Age is { } run && run < BootTime)
        {
            return new(Severity.Note, name, stats.Reason.Label(), $"has not reported yet; its QEMU started {MemoryRemark.Duration(run)} ago, so it may still boot",
                new("look again in a minute"));
        }

        Severity severity = stats.Reason switch
        {
            MemoryStatsReason.MonitorBusy or MemoryStatsReason.MonitorHung or MemoryStatsReason.PermissionDenied or MemoryStatsReason.ConnectionLost
                or MemoryStatsReason.NoMonitor or MemoryStatsReason.SocketNotFound or MemoryStatsReason.NotTrusted => Severity.Error,
            _ => Severity.Warning,
        };
        string which = stats.Inconsistencies == MemoryStatsInconsistency.None ? "" : $" ({stats.Inconsistencies.Label()})";
        string detail = stats.Detail is null ? "" : $" ({stats.Detail})";
        string why = stats.Reason == MemoryStatsReason.Paused && new Standstill(stats.PauseCause, state).Why is { } known ? $" ({known})" : "";
        return new(severity, name, stats.Reason.Label(), $"{stats.Reason.Label()}{why}{which}{age}{detail}", Remedies.For(line, qemu, state));
    }

    /// <summary>Nobody asks it, which it would suffer from as soon as what is worse is mended.</summary>
    private static Verdict? IsOff(MemoryLine line, LocalQemu? qemu, DomainStateInfo? state) =>
        !(line.Stats.Reason == MemoryStatsReason.Paused && new Standstill(line.Stats.PauseCause, state).IsLeaving) && line.Stats.Period == TimeSpan.Zero && line.Stats.Reason is MemoryStatsReason.Paused or MemoryStatsReason.DriverNotLoaded
            or MemoryStatsReason.NeverReported or MemoryStatsReason.RejectedValue or MemoryStatsReason.DriverWithoutService
            ? new(Severity.Warning, line.Domain.Name, MemoryStatsReason.PollingOff.Label(), MemoryStatsReason.PollingOff.Label(), Remedies.PollingOff(line.Domain, qemu))
            : null;

    /// <summary>It has too little: the balloon took it, or it has no more to get.</summary>
    private static Verdict? Shortage(MemoryLine line)
    {
        if (!line.IsShort || line.Stats.ActualKiB is not { } actual)
            return null;
        bool swaps = line.Rates?.SwapOutKiB > 0;
        string uses = string.Create(CultureInfo.InvariantCulture, $"uses {line.UsedShare * 100:0} % of {Size(line.AvailableKiB)}")
            + (swaps ? $" and writes {Size((ulong)line.Rates!.SwapOutKiB.GetValueOrDefault())} a second to swap" : "");
        if (line.MaximumKiB is not { } maximum || !GuestShortage.IsShrunk(actual, maximum))
        {
            return new(Severity.Warning, line.Domain.Name, "short of memory", $"{uses}, and the balloon holds nothing that it could get back",
                new("give it more memory: a larger maximum (setmaxmem and a restart), or plug memory in"));
        }

        // A quarter more, which the balloon holds.
        ulong target = Math.Min(maximum, (actual + Math.Max(actual / 4, StepKiB) + StepKiB - 1) / StepKiB * StepKiB);
        return new(Severity.Warning, line.Domain.Name, "ballooned too far", $"{uses}; the balloon holds {Size(maximum - actual)}",
            new("give some back", SetMem(line.Domain, target)));
    }

    /// <summary>Memory that a balloon takes from the guest and the host does not get.</summary>
    private static IEnumerable<Verdict> Backing(MemoryLine line, LocalQemu? qemu)
    {
        if (qemu is null)
            yield break;
        foreach ((string field, string what, string remedy) in new[]
        {
            ("VmLck", "locked", qemu.IsOfLibvirt
                ? "take <locked/> out of <memoryBacking> in its XML, and restart it"
                : "start it without locked memory: -overcommit mem-lock=off"),
            ("VmPin", "pinned by a passed-through device", "do not balloon it: its devices need all of its memory"),
            ("HugetlbPages", "in huge pages of hugetlbfs", (qemu.IsOfLibvirt
                ? "take <hugepages/> out of <memoryBacking> in its XML, and restart it"
                : "start it without hugetlbfs pages") + " (transparent huge pages do as well), or do not balloon it"),
        })
        {
            if (qemu.Field(field) is { } kib and > 0 && kib >= (line.Stats.ActualKiB ?? 0) / 4)
            {
                yield return new(Severity.Warning, line.Domain.Name, "memory cannot be ballooned",
                    $"{Size(kib)} of its memory is {what}: the balloon gives the host nothing back", new(remedy));
            }
        }

        if (qemu.Field("VmSwap") is { } swapped and >= WorthKiB)
        {
            yield return new(Severity.Warning, line.Domain.Name, "swapped out", $"the host has swapped out {Size(swapped)} of it",
                new("the host is or was short of memory: take memory from guests that do not need it (`ballast memory --sort reclaimable`)"));
        }
    }

    /// <summary>The host holds much more of it than it uses.</summary>
    private static Verdict? Slack(MemoryLine line)
    {
        if (line.ReclaimableKiB is not { } slack || line.Stats is not { RssKiB: { } resident, Used: { } used, ActualKiB: { } actual }
            || slack < WorthKiB || Math.Min(actual, resident) / MuchMore < used.KiB || GuestShortage.FloorKiB(line.Stats) is not { } floor)
        {
            return null;
        }

        // Caches are worth something: it keeps much, but so that this is not found again.
        ulong target = (Math.Max(floor + WorthKiB, used.KiB * (MuchMore - 1)) - 1) / StepKiB * StepKiB;
        return target >= actual ? null : new(Severity.Note, line.Domain.Name, "holds more than it uses",
            $"the host holds {Size(resident)} of it and it uses {Size(used.KiB)}: {Size(slack)} could be given back, at the price of its caches",
            new($"take {Size(actual - target)} of it, and leave it some for caches", SetMem(line.Domain, target)));
    }

    private static string SetMem(Domain domain, ulong kib) =>
        ShellCommand.On(domain, "setmem", string.Create(CultureInfo.InvariantCulture, $"{kib / 1024}MiB"));

    private static string Size(ulong? kib) => HumanSize.Of(kib, SizeUnit.Human);
}
