namespace Ballast.Balance.Policies;

/// <summary>
/// Gives each guest 1.3 times what it uses, including swap, and shares the rest in proportion. If there is too little for all, guests
/// that have more than that give first.
/// </summary>
public sealed class PreferredPolicy : IBalloonPolicy
{
    private const double Least = 200, Factor = 1.3, Spare = 50, LowestShare = 0.5;

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        double[] wants = [.. guests.Select(Want)];
        double left = host.Memory - host.Overhead - Spare - Sizes.Sum(guests, guest => guest.Balloon);
        int[] all = [.. Enumerable.Range(0, guests.Count)];
        double surplus = left - Sizes.Sum(all, i => wants[i] - guests[i].Balloon), total = Sizes.Sum(wants, want => want);
        if (surplus > 0)
        {
            return
            [
                .. all.Select(i => new BalloonWish(
                    Sizes.Clamp(wants[i] * (1 + (surplus / total)), guests[i].Minimum * LowestShare, guests[i].Maximum), "There is enough for all.")),
            ];
        }

        double gained = left + Sizes.Sum(all.Where(IsDonor), i => guests[i].Balloon - wants[i]);
        total = Sizes.Sum(all.Where(i => !IsDonor(i)), i => wants[i]);
        return
        [
            .. all.Select(i => IsDonor(i)
                ? new BalloonWish(wants[i], "Others need what it does not use.")
                : gained > 0
                    ? new BalloonWish(Math.Min(guests[i].Maximum, guests[i].Balloon + (wants[i] / total * gained)), "It needs more than it has.")
                    : BalloonWish.Same),
        ];

        bool IsDonor(int i) => wants[i] < guests[i].Balloon;
    }

    private static double Want(GuestState guest)
    {
        // Without a report, what it has.
        double used = guest.Report is { } report
            ? report.Actual - report.Unused - report.DiskCaches + (guest.Swapped ?? Math.Max(0, report.SwapOut - report.SwapIn))
            : guest.Balloon / Factor;
        return Sizes.Clamp(Math.Max(Least, Factor * used), Least, guest.Maximum);
    }
}
