namespace Ballast.Balance.Simulation;

/// <summary>Knows what each guest will need until the next decision. It makes all short by the same share, and hands out no reserve.</summary>
internal sealed class OraclePolicy(IReadOnlyList<SimulatedGuest> simulated) : IBalloonPolicy
{
    private const double Fill = 0.96, Spare = 16;

    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        (double Least, double All)[] needs = [.. simulated.Select(guest => Need(guest, host))];
        double budget = host.Memory - host.Overhead - host.Reserve;
        double least = Sizes.Sum(needs, need => need.Least), all = Sizes.Sum(needs, need => need.All);
        double? share = all <= budget ? 1 : least <= budget ? (budget - least) / (all - least) : null;
        return
        [
            .. needs.Select(need => new BalloonWish(
                share is { } some ? need.Least + (some * (need.All - need.Least)) : need.Least * budget / least, "It will need that.")),
        ];
    }

    private static (double Least, double All) Need(SimulatedGuest guest, HostState host)
    {
        double anonymous = 0, hot = 0;
        for (int ahead = 0; ahead <= host.Period; ahead++)
        {
            double now = guest.Anonymous(host.Time + ahead), files = guest.Hot(host.Time + ahead);
            (anonymous, hot) = ahead == 0 ? (now, files) : (Math.Max(anonymous, now), Math.Max(hot, files));
        }

        return (Size(anonymous), Size(anonymous + hot));

        double Size(double need) => Sizes.Clamp((need / Fill) + Spare, guest.Scenario.Minimum, guest.Scenario.Maximum);
    }
}
