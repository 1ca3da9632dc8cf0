using Ballast.Balance.Policies.Needs;

namespace Ballast.Balance.Policies;

/// <summary>
/// Ballast's own policy. A guest needs the memory that it cannot give back (its balloon's size less what it calls usable) and what it
/// has swapped out. The policy adds the growth of that need, files that the guest reads again, and past peaks. It compares the report
/// with what a guest cannot forge: its resident memory on the host, and its swapping. It hands out memory in ranks: minima, memory that
/// guests hold anyway, demand, growth, caches. It hands out most of the rest as a reserve. A guest above its share shrinks at once.
/// </summary>
public sealed class BallastPolicy : IBalloonPolicy
{
    private Dictionary<string, GuestHistory> _histories = [];

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        double budget = Math.Max(0, host.Memory - host.Overhead - host.Reserve);
        double spare = budget - Sizes.Sum(guests, guest => guest.Balloon);
        GuestHistory[] histories = Recall(guests);
        GuestNeed[] needs = [.. guests.Select((guest, i) => histories[i].Look(host, guest, spare))];
        bool isShort = spare < -BallastConstants.MovesLeast && host.Free < BallastConstants.ShortShare * host.Memory;
        double[] sizes = BudgetSharing.Share(budget, isShort, needs);
        BalloonWish[] wishes = new BalloonWish[guests.Count];
        for (int i = 0; i < wishes.Length; i++)
        {
            // A balloon that does not follow is counted at its size, and asked for its due all the same.
            double target = Math.Min(sizes[i], needs[i].MostWished);
            wishes[i] = new BalloonWish(target, WishReason.Of(needs[i], target)) { Needed = needs[i][NeedRank.Growth], Kept = needs[i][NeedRank.Kept] };
            histories[i].Wished(host, guests[i]);
        }

        return wishes;
    }

    /// <returns>The histories of those who are there; the others are forgotten.</returns>
    private GuestHistory[] Recall(IReadOnlyList<GuestState> guests)
    {
        GuestHistory[] histories = [.. guests.Select(guest => _histories.GetValueOrDefault(guest.Name) ?? new GuestHistory())];
        _histories = new Dictionary<string, GuestHistory>(guests.Count);
        for (int i = 0; i < histories.Length; i++)
            _histories[guests[i].Name] = histories[i];
        return histories;
    }
}
