using Ballast.Balance;
using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>One guard, and guests of 4 GiB at most.</summary>
public abstract class BalloonGuardTest
{
    protected const double Maximum = 4096;

    protected BalloonGuard Guard { get; } = new();

    /// <summary>The time of the next decision, in seconds.</summary>
    protected double Now { get; set; }

    protected static (double? Target, GuardRule? Rule) Bound(GuardDecision decision) => (decision.Target, decision.BoundBy);

    protected static GuardedGuest Guest(double balloon, double? used, double resident = 500, string name = "guest") => new()
    {
        State = new GuestState
        {
            Name = name,
            Maximum = Maximum,
            Minimum = 256,
            Balloon = balloon,
            LastWish = balloon,
            Resident = resident,
            Report = null,
        },
        IsCertain = used is not null,
        Used = used,
        DeflatesOnOom = true,
    };

    protected GuardedGuest Claimant(double balloon, double age = 0)
    {
        GuardedGuest guest = Guest(balloon, used: 3000, resident: 1000);
        return guest with { State = guest.State with { Report = new GuestReport(Now - age, balloon, balloon, 0, balloon - 3000, 0, 0, 0, 0) } };
    }

    protected GuardDecision Decide(GuardedGuest guest, double wish) =>
        Assert.Single(Guard.Decide(new HostState(1_000_000, 0, 0, 0, Now, 10), [guest], [new BalloonWish(wish, "A wish.")]));
}
