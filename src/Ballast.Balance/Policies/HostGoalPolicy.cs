namespace Ballast.Balance.Policies;

/// <summary>
/// Moves each balloon by at most 100 MiB per decision until the host's memory is 80 % full. Guests with much unused memory give first.
/// </summary>
public sealed class HostGoalPolicy : IBalloonPolicy
{
    private const double FullShare = 0.8, Enough = 10, MostChange = 100, RichShare = 0.25;

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        double?[] targets = new double?[guests.Count];
        double goal = (FullShare * host.Memory) - (host.Memory - host.Free);
        if (Math.Abs(goal) >= Enough)
        {
            int[] all = [.. Enumerable.Range(0, guests.Count)];
            int[] rich = [.. all.Where(i => (guests[i].Report?.Unused ?? 0) > RichShare * guests[i].Minimum && guests[i].Balloon >= guests[i].Minimum)];
            int[] poor = [.. all.Except(rich)];
            double rest = Change(guests, targets, goal > 0 ? poor : rich, goal);

            // Nothing could be done with those.
            if ((goal > 0 && rest >= goal) || (goal < 0 && rest <= goal))
                _ = Change(guests, targets, all, rest);
        }

        return [.. targets.Select(target => target is null ? BalloonWish.Same : new BalloonWish(target, "The host is to be 80 % full."))];
    }

    /// <returns>What is left of the goal.</returns>
    private static double Change(IReadOnlyList<GuestState> guests, double?[] targets, int[] some, double goal)
    {
        if (some.Length == 0)
            return goal;
        double spread = Sizes.Sum(some, i => guests[i].Balloon - guests[i].Minimum) + goal, rest = goal;
        foreach (int i in some)
        {
            GuestState guest = guests[i];
            double wanted = Sizes.Clamp(guest.Minimum + (spread / some.Length), guest.Minimum, guest.Maximum), target;
            if (goal > 0 && wanted > guest.Balloon)
                target = Math.Min(wanted, guest.Balloon + MostChange);
            else if (wanted < guest.Balloon)
                target = Math.Max(wanted, guest.Balloon - MostChange);
            else
                continue;
            targets[i] = target;
            rest -= target - guest.Balloon;
        }

        return rest;
    }
}
