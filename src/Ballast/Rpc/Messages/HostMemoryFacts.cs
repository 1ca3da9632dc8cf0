namespace Ballast.Rpc.Messages;

/// <summary>The host's side of memory as numbered facts, so that later versions can add to them: an older one skips those.</summary>
internal static class HostMemoryFacts
{
    // The numbers of what stands in one message; sizes in KiB, shares in millionths, times in milliseconds.
    private const int Reason = 1, Total = 2, Free = 3, Available = 4, SwapTotal = 5, SwapFree = 6, HostMerged = 7, Some = 10, Full = 20,
        HasGroup = 30, GroupMax = 31, GroupHigh = 32, GroupCurrent = 33, GroupUnreclaimable = 34, GroupUnknown = 35,
        Swapped = 40, Locked = 41, Pinned = 42, HugePages = 43, Merged = 44, FreePages = 45, Deflates = 46, Run = 47;

    // The limit that is set so many levels above a group has this and twice the levels, and what is held there the number after it.
    private const int GroupLimits = 100, MaxLevels = 32;

    private const double Millionths = 1_000_000;

    public static NumberedFact[] Of(HostMemory host)
    {
        FactList facts = new();
        facts.Add(Reason, (ulong)host.Reason);
        facts.Add(Total, host.TotalKiB);
        facts.Add(Free, host.FreeKiB);
        facts.Add(Available, host.AvailableKiB);
        facts.Add(SwapTotal, host.SwapTotalKiB);
        facts.Add(SwapFree, host.SwapFreeKiB);
        facts.Add(HostMerged, host.MergedKiB);
        Add(facts, Some, host.SomePressure);
        Add(facts, Full, host.FullPressure);
        Add(facts, host.Group);
        return facts.ToArray();
    }

    public static NumberedFact[] Of(ProcessMemory process)
    {
        FactList facts = new();
        facts.Add(Reason, (ulong)process.Reason);
        facts.Add(Swapped, process.SwappedKiB);
        facts.Add(Locked, process.LockedKiB);
        facts.Add(Pinned, process.PinnedKiB);
        facts.Add(HugePages, process.HugePagesKiB);
        facts.Add(Merged, process.MergedKiB);
        facts.Add(FreePages, Flag(process.ReportsFreePages));
        facts.Add(Deflates, Flag(process.DeflatesOnOom));
        facts.Add(Run, process.RunTime is { } run ? (ulong)Math.Max(0, run.TotalMilliseconds) : null);
        Add(facts, process.Group);
        return facts.ToArray();
    }

    public static HostMemory ToHost(NumberedFact[] facts)
    {
        KnownFacts read = new(facts);
        return new HostMemory
        {
            Reason = ToReason(read),
            TotalKiB = read[Total],
            FreeKiB = read[Free],
            AvailableKiB = read[Available],
            SwapTotalKiB = read[SwapTotal],
            SwapFreeKiB = read[SwapFree],
            MergedKiB = read[HostMerged],
            SomePressure = ToPressure(read, Some),
            FullPressure = ToPressure(read, Full),
            Group = ToGroup(read),
        };
    }

    public static ProcessMemory ToProcess(NumberedFact[] facts, string? group)
    {
        KnownFacts read = new(facts);
        return new ProcessMemory
        {
            Reason = ToReason(read),
            SwappedKiB = read[Swapped],
            LockedKiB = read[Locked],
            PinnedKiB = read[Pinned],
            HugePagesKiB = read[HugePages],
            MergedKiB = read[Merged],
            ReportsFreePages = Flag(read[FreePages]),
            DeflatesOnOom = Flag(read[Deflates]),
            RunTime = Time(read[Run]),
            GroupPath = group,
            Group = ToGroup(read),
        };
    }

    private static void Add(FactList facts, int first, MemoryPressure? pressure)
    {
        if (pressure is not { } known)
            return;
        facts.Add(first, Share(known.Last10Seconds));
        facts.Add(first + 1, Share(known.Last60Seconds));
        facts.Add(first + 2, Share(known.Last300Seconds));
        facts.Add(first + 3, (ulong)Math.Max(0, known.Total.TotalMilliseconds));

        static ulong Share(double share) => (ulong)Math.Round(Math.Clamp(share, 0, 1) * Millionths);
    }

    private static void Add(FactList facts, MemoryGroup? group)
    {
        if (group is not { } known)
            return;
        facts.Add(HasGroup, 1);
        facts.Add(GroupMax, known.MaxKiB);
        facts.Add(GroupHigh, known.HighKiB);
        facts.Add(GroupCurrent, known.CurrentKiB);
        facts.Add(GroupUnreclaimable, known.UnreclaimableKiB);
        if (known.HasUnknownLimits)
            facts.Add(GroupUnknown, 1);
        for (MemoryGroupLimit? limit = known.NearestLimit; limit?.Levels < MaxLevels; limit = limit.Next)
        {
            facts.Add(GroupLimits + (2 * limit.Levels), limit.LimitKiB);
            facts.Add(GroupLimits + (2 * limit.Levels) + 1, limit.UnreclaimableKiB);
        }
    }

    private static MemoryPressure? ToPressure(KnownFacts facts, int first) =>
        facts[first] is { } ten && facts[first + 1] is { } sixty && facts[first + 2] is { } threeHundred && Time(facts[first + 3]) is { } total
            ? new MemoryPressure(Share(ten), Share(sixty), Share(threeHundred), total)
            : null;

    private static double Share(ulong millionths) => Math.Min(1, millionths / Millionths);

    private static MemoryGroup? ToGroup(KnownFacts facts) =>
        facts[HasGroup] is > 0
            ? new MemoryGroup(facts[GroupMax], facts[GroupHigh], facts[GroupCurrent])
            {
                UnreclaimableKiB = facts[GroupUnreclaimable],
                NearestLimit = ToLimits(facts),
                HasUnknownLimits = facts[GroupUnknown] is > 0,
            }
            : null;

    private static MemoryGroupLimit? ToLimits(KnownFacts facts)
    {
        MemoryGroupLimit? nearest = null;
        for (int levels = MaxLevels - 1; levels >= 0; levels--)
        {
            if (facts[GroupLimits + (2 * levels)] is { } limit)
                nearest = new MemoryGroupLimit(levels, limit, facts[GroupLimits + (2 * levels) + 1], nearest);
        }

        return nearest;
    }

    // Any that only a newer daemon knows is kept as its number.
    private static MemoryStatsReason ToReason(KnownFacts facts) =>
        facts[Reason] is { } number and <= int.MaxValue ? (MemoryStatsReason)(int)number : MemoryStatsReason.Fresh;

    // A daemon may say anything.
    private static TimeSpan? Time(ulong? milliseconds) =>
        milliseconds is { } known && known < TimeSpan.MaxValue.TotalMilliseconds ? TimeSpan.FromMilliseconds(known) : null;

    private static ulong? Flag(bool? value) => value is { } known ? known ? 1u : 0u : null;

    private static bool? Flag(ulong? number) => number is { } known ? known != 0 : null;

    private sealed class FactList
    {
        private readonly List<NumberedFact> _facts = [];

        public void Add(int fact, ulong? value)
        {
            if (value is { } known)
                _facts.Add(new NumberedFact { Fact = fact, Value = known });
        }

        public NumberedFact[] ToArray() => [.. _facts];
    }

    // However many facts a daemon tells of each domain, and in whatever order, they are gone through once. Of one that it tells again,
    // the first counts.
    private readonly ref struct KnownFacts
    {
        private readonly ulong?[] _known = new ulong?[GroupLimits + (2 * MaxLevels)];

        public KnownFacts(NumberedFact[] facts)
        {
            foreach (NumberedFact one in facts)
            {
                if ((uint)one.Fact < (uint)_known.Length)
                    _known[one.Fact] ??= one.Value;
            }
        }

        public ulong? this[int fact] => _known[fact];
    }
}
