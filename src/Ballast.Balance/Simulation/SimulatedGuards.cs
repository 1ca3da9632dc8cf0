using Ballast.Balance.Guards;
using Ballast.Balance.Policies.Needs;

namespace Ballast.Balance.Simulation;

/// <summary>The guards that stand before real balloons, before simulated ones: they look each second.</summary>
internal sealed class SimulatedGuards(GuardLimits limits, Scenario scenario, SimulatedGuest[] guests)
{
    private readonly BalloonGuard _guard = new(limits);

    /// <summary>Sets the guests' targets.</summary>
    /// <param name="time">The second that is over.</param>
    /// <param name="wishes">What the policy wished last.</param>
    /// <param name="look">What is known of a guest, and of the place at which it stands.</param>
    public void Decide(double time, IReadOnlyList<BalloonWish> wishes, Func<SimulatedGuest, int, GuestState> look)
    {
        HostState host = new(scenario.Memory, scenario.Overhead, scenario.Reserve, Free: 0, time, Period: 1);
        GuardedGuest[] seen = new GuardedGuest[guests.Length];
        for (int i = 0; i < seen.Length; i++)
            seen[i] = See(look(guests[i], i), guests[i].Scenario, time);
        IReadOnlyList<GuardDecision> decisions = _guard.Decide(host, seen, wishes);
        for (int i = 0; i < seen.Length; i++)
            guests[i].Target = decisions[i].Target ?? guests[i].Target;
    }

    private static GuardedGuest See(GuestState state, GuestScenario guest, double time) => new()
    {
        State = state,
        IsCertain = state.Report is { } report && !BallastConstants.IsStale(time - report.Time),
        Used = state.Report is { } last ? last.Actual - Sizes.Clamp(last.Usable, 0, last.Actual) : null,

        // A guest whose MemTotal stays is one that has it, or Windows.
        DeflatesOnOom = guest.TotalStays,
    };
}
