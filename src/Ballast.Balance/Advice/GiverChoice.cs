using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>
/// Chooses who gives. Takes only as much as somebody needs: the cheapest first, then what gives the host most, with some preference for
/// who was to give last, then by name.
/// </summary>
internal static class GiverChoice
{
    // Who was to give stays the one to give, unless another gives the host so many times as much, at no more risk: reports of guests
    // that do nothing waver by a few percent.
    private const double StaysGiver = 1.25;

    public static void Choose(HostState host, AdviceDraft[] drafts)
    {
        // What the guest of another group gives makes no room in a full one.
        (MemoryLimit Limit, List<AdviceDraft> Members)[] groups = [.. MemoryLimit.Share(drafts, draft => draft.Track.Guarded!.Limits)];
        foreach ((MemoryLimit limit, List<AdviceDraft> members) in groups)
            Reach(limit, members);
        foreach ((MemoryLimit limit, List<AdviceDraft> members) in groups)
            ChooseIn(limit, members);

        double budget = Math.Max(0, host.Memory - host.Overhead - host.Reserve);
        double spare = budget - Sizes.Sum(drafts, draft => draft.Track.Counted), lacking = Sizes.Sum(drafts, draft => draft.Lacking);
        Take(drafts, Math.Max(0, lacking - spare - Sizes.Sum(drafts, draft => draft.Taken)), isForGroup: false);

        // Where nobody gives now, who gave last is remembered.
        if (!drafts.Any(draft => draft.IsTaken))
            return;
        foreach (AdviceDraft draft in drafts)
            draft.Track.IsGiver = draft.IsTaken;
    }

    // Balloons may exceed a limit by more than its guests could ever give. Whoever gave then would give for nobody, and lose what the
    // limit would not let it grow back by.
    private static void Reach(MemoryLimit limit, List<AdviceDraft> members)
    {
        double gives = Sizes.Sum(members, draft => draft.GivesInAll), reach = Math.Max(0, Room(limit, members) + gives);
        double lacking = Sizes.Sum(members, draft => draft.Lacking), share = reach < lacking ? reach / lacking : 1;
        foreach (AdviceDraft draft in members)
        {
            // Where nobody gives, what is there is not scattered.
            if (reach < GuestAdviceLimits.Least || (gives <= 0 && share < 1 && share * draft.Lacking < GuestAdviceLimits.Least))
                draft.Fill(limit);
            draft.Limit(reach < GuestAdviceLimits.Least ? 0 : share);
        }
    }

    // Nobody has to give where nobody lacks anything: a limit that balloons exceed holds while their guests do not use all they may.
    private static void ChooseIn(MemoryLimit limit, List<AdviceDraft> members)
    {
        double room = Room(limit, members), lacking = Sizes.Sum(members, draft => draft.Lacking), free = room + Sizes.Sum(members, draft => draft.Taken);

        // What is there is left where it is less than a change; so that it becomes one, somebody gives as much.
        double needed = lacking - free;
        if (lacking > 0 && needed > 0)
            Take(members, free < GuestAdviceLimits.Least ? Math.Max(needed, GuestAdviceLimits.Least) : needed, isForGroup: true);
        double left = Math.Max(0, room + Sizes.Sum(members, draft => draft.Taken)), share = left < lacking ? left / lacking : 1;
        foreach (AdviceDraft draft in members)
            draft.Limit(share);
    }

    private static double Room(MemoryLimit limit, List<AdviceDraft> members) => limit.Leaves - Sizes.Sum(members, draft => draft.Track.Counted);

    private static void Take(IReadOnlyCollection<AdviceDraft> drafts, double needed, bool isForGroup)
    {
        if (needed < GuestAdviceLimits.Least)
            return;
        foreach (AdviceDraft draft in drafts.Where(draft => draft.MayGive(isForGroup)).OrderBy(draft => draft.RiskOf(isForGroup))
            .ThenByDescending(draft => draft.Returns(isForGroup) * (draft.Track.IsGiver ? StaysGiver : 1))
            .ThenBy(draft => draft.Track.Seen.Domain.Name, StringComparer.Ordinal))
        {
            if (needed < GuestAdviceLimits.Least)
                break;
            needed -= draft.Take(needed, isForGroup);
        }
    }
}
