using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>A guest whose memory the host does not get back is told to be one, whatever room there is to give it back.</summary>
public sealed class NothingReturnedTests
{
    // With room for all of it, for some, for next to nothing and for none.
    [Theory]
    [InlineData(2304)]
    [InlineData(100)]
    [InlineData(8)]
    [InlineData(-92)]
    public void That_the_host_got_nothing_back_is_said_whatever_room_there_is(int room)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest kept = new("kept") { Unused = 700 }, other = new("other") { Used = 700 };
        advisor.Learn(See(0, kept, other), 0);
        Assert.Equal(768, Assert.Single(advisor.Advise(See(10, kept, other), 10).Guests, guest => guest.Guest.Domain.Name == "kept").Target);

        // Followed, and the host holds all that it did.
        (kept, other) = (kept with { Balloon = 768 }, other with { Balloon = (ulong)(4096 - 768 - room), Maximum = 8192 });
        HostAdvice advice = advisor.Advise(See(20, kept, other), 20);
        for (double time = 30; time <= 80; time += 10)
            advice = advisor.Advise(See(time, kept, other), time);
        GuestAdvice found = Assert.Single(advice.Guests, guest => guest.Guest.Domain.Name == "kept");
        Assert.Equal((room >= 16 ? AdviceKind.Give : AdviceKind.Leave, GuardRule.NothingReturned), (found.Kind, found.BoundBy));
        Assert.Contains("The host got nothing back from its balloon", found.Reason, StringComparison.Ordinal);
    }
}
