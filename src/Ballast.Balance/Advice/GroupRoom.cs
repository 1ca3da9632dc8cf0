using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>What the memory limits of QEMUs' control groups leave their guests. A limit counts for all guests below it together.</summary>
internal sealed class GroupRoom
{
    private const double KiB = 1024;

    // What groups were seen to hold beside their guests. Guests grow, so what was held in all tells nothing later.
    private Dictionary<string, double> _overheads = [];

    /// <summary>
    /// Notes, for each guest, what the limits that it shares leave all that share them. Of whom no limit was ever read, nobody knows what
    /// they leave it: no more than it has had. Call it once per look.
    /// </summary>
    /// <param name="budget">What guests share. The limits that it stands for count once, as the budget.</param>
    /// <param name="guests">All guests that share it, with their sizes.</param>
    public void Share(BudgetSetting budget, GuestFacts[] guests)
    {
        Dictionary<string, Limit> limits = new(StringComparer.Ordinal);
        foreach (GuestFacts guest in guests)
            Read(budget, guest, limits);
        ShareAll(guests, limits);
        for (int i = 0; i < guests.Length; i++)
        {
            if (guests[i] is { AreLimitsUnknown: true, AreLimitsOld: false } guest)
                guests[i] = guest with { Limits = [.. guest.Limits, new MemoryLimit($"{guest.Uuid} unknown", Math.Max(guest.SizeKiB ?? 0, guest.LargestSizeKiB ?? 0) / KiB) { IsUnknown = true }] };
        }
    }

    private void ShareAll(GuestFacts[] guests, Dictionary<string, Limit> limits)
    {
        Limit[][] shared = [.. guests.Select(guest => GroupLevels.Of(guest.Uuid, guest.GroupPath).Select(limits.GetValueOrDefault).OfType<Limit>().ToArray())];
        for (int i = 0; i < guests.Length; i++)
        {
            foreach (Limit limit in shared[i])
                limit.Members.Add(guests[i]);
        }

        _overheads = limits.ToDictionary(one => one.Key, one => one.Value.Overhead(_overheads.GetValueOrDefault(one.Key)));
        Dictionary<Limit, MemoryLimit> left = limits.ToDictionary(one => one.Value, one => one.Value.Left(one.Key, _overheads[one.Key]));
        for (int i = 0; i < guests.Length; i++)
        {
            if (shared[i].Length > 0)
                guests[i] = guests[i] with { Limits = [.. shared[i].Select(limit => left[limit])] };
        }
    }

    /// <summary>Guests as a policy is to see them: their maximum is what they could have if all that share a limit with them gave what they can.</summary>
    public static GuestState[] Bound(IReadOnlyList<GuardedGuest> guests)
    {
        GuestState[] states = [.. guests.Select(guest => guest.State)];
        foreach ((MemoryLimit limit, List<int> members) in MemoryLimit.Share(Enumerable.Range(0, guests.Count), i => guests[i].Limits))
        {
            double minima = Sizes.Sum(members, i => guests[i].State.Minimum);
            foreach (int i in members)
            {
                double most = Math.Max(states[i].Balloon, limit.Leaves - (minima - guests[i].State.Minimum));
                if (most < states[i].Maximum)
                    states[i] = states[i] with { Maximum = most, Minimum = Math.Min(states[i].Minimum, most) };
            }
        }

        return states;
    }

    private static void Read(BudgetSetting budget, GuestFacts guest, Dictionary<string, Limit> limits)
    {
        if (guest.NearestLimit is null)
            return;
        string[] levels = [.. GroupLevels.Of(guest.Uuid, guest.GroupPath)];
        for (MemoryGroupLimit? limit = guest.NearestLimit; limit is not null; limit = limit.Next)
        {
            if (limit.Levels < 0 || limit.Levels >= levels.Length || HostBudget.StandsFor(budget, levels[limit.Levels]))
                continue;
            if (!limits.TryGetValue(levels[limit.Levels], out Limit? known))
                limits[levels[limit.Levels]] = known = new Limit();
            known.Read(limit);
        }
    }

    // Guests' groups are read one after the other: what was read on the careful side counts.
    private sealed class Limit
    {
        private ulong _limit = ulong.MaxValue;
        private ulong? _held;

        public List<GuestFacts> Members { get; } = [];

        public void Read(MemoryGroupLimit limit)
        {
            _limit = Math.Min(_limit, limit.LimitKiB);
            _held = limit.UnreclaimableKiB > _held || _held is null ? limit.UnreclaimableKiB : _held;
        }

        public double Overhead(double last) => _held is null ? Math.Max(last, HostBudget.Overhead(null, Members)) : HostBudget.Overhead(_held / KiB, Members);

        public MemoryLimit Left(string group, double overhead) => new(group, HostBudget.LeftBy(_limit / KiB, overhead, Members));
    }
}
