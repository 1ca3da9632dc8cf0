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
        foreach ((MemoryLimit limit, List<AdviceDraft> members) in MemoryLimit.Share(drafts, draft => draft.Track.Guarded!.Limits))
            ChooseIn(limit, members);

        double budget = Math.Max(0, host.Memory - host.Overhead - host.Reserve);
        double spare = budget - Sizes.Sum(drafts, draft => draft.Track.Balloon), lacking = Sizes.Sum(drafts, draft => draft.Lacking);
        Take(drafts, Math.Max(0, lacking - spare - Sizes.Sum(drafts, draft => draft.Taken)), isForGroup: false);

        // Where nobody gives now, who gave last is remembered.
        if (!drafts.Any(draft => draft.IsTaken))
            return;
        foreach (AdviceDraft draft in drafts)
            draft.Track.IsGiver = draft.IsTaken;
    }

    // Nobody has to give where nobody lacks anything: a limit that balloons exceed holds while their guests do not use all they may.
    private static void ChooseIn(MemoryLimit limit, List<AdviceDraft> members)
    {
        double room = limit.Leaves - Sizes.Sum(members, draft => draft.Track.Balloon), lacking = Sizes.Sum(members, draft => draft.Lacking);
        if (lacking > 0)
            Take(members, lacking - room - Sizes.Sum(members, draft => draft.Taken), isForGroup: true);
        double taken = Sizes.Sum(members, draft => draft.Taken), left = Math.Max(0, room + taken), share = left < lacking ? left / lacking : 1;
        foreach (AdviceDraft draft in members)
            draft.Limit(limit, share, isFull: taken <= 0 && (left < GuestAdviceLimits.Least || (share < 1 && share * draft.Lacking < GuestAdviceLimits.Least)));
    }

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
