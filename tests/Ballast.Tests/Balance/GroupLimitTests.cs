using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>Guests whose QEMU has a control group of its own with a limit: beyond it, the kernel kills QEMU.</summary>
public sealed class GroupLimitTests
{
    // What the group holds beside the guest's memory counts, and at least 64 MiB.
    [Theory]
    [InlineData(1200, 0, 1136)]
    [InlineData(1200, 200, 1000)]
    [InlineData(1200, 324, 876)]
    [InlineData(900, 0, 836)]
    public void No_guest_is_advised_to_grow_beyond_its_own_groups_limit(int limit, int beside, int most)
    {
        AdviceGuest needy = new("needy") { Balloon = 800, Maximum = 2048, Resident = 800, Used = 790, Unused = 4 };
        Assert.InRange(Grown(needy, guest => guest.Process), 1200, 2048);
        Assert.InRange(Grown(needy, guest => Limited((ulong)limit, guest.Balloon!.Value + (ulong)beside)), most - 1, most);

        static double Grown(AdviceGuest guest, Func<AdviceGuest, ProcessMemory> process)
        {
            guest = guest with { Process = process(guest) };
            Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 6000 * KiB));
            advisor.Learn(See(0, guest), 0);
            for (double time = 10; time <= 200; time += 10)
            {
                GuestAdvice advice = Assert.Single(advisor.Advise(See(time, guest), time).Guests);
                if (advice.Target is { } target)
                    guest = guest with { Balloon = (ulong)target, Resident = (ulong)target, Used = (ulong)target - 10 };
                guest = guest with { Process = process(guest) };
            }

            return guest.Balloon!.Value;
        }
    }

    [Fact]
    public void Who_is_as_large_as_its_group_allows_and_short_is_told_so_and_nobody_gives_for_it()
    {
        AdviceGuest limited = new("limited") { Balloon = 836, Maximum = 2048, Resident = 836, Used = 830, Unused = 2, Process = Limited(900, 0) };
        AdviceGuest idle = new("idle");
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1900 * KiB));
        advisor.Learn(See(0, limited, idle), 0);
        HostAdvice advice = advisor.Advise(See(10, limited, idle), 10);
        GuestAdvice told = Assert.Single(advice.Guests, guest => guest.Guest.Domain.Name == "limited");
        Assert.Equal((true, GuardRule.Budget, "The memory limit of its QEMU's own control group leaves it 836 MiB."), (told.IsShort, told.BoundBy, told.Bound));
        Assert.DoesNotContain(advice.Guests, guest => guest.Kind == AdviceKind.Take);
    }

    [Fact]
    public void A_guest_whose_balloon_is_beyond_that_limit_already_grows_no_further()
    {
        AdviceGuest beyond = new("beyond") { Balloon = 1000, Maximum = 2048, Resident = 300, Used = 990, Unused = 2, Process = Limited(900, 0) };
        HostAdvice advice = Advise(new BudgetSetting(SizeKiB: 6000 * KiB), beyond);
        Assert.Null(Assert.Single(advice.Guests).Target);
    }

    [Theory]
    [InlineData("/vm", "/vm", 2000, 1860, 1872)]
    [InlineData("/vm", "/vm", 1650, 1600, 1600)]
    [InlineData("/vm/a", "/vm/b", 2000, 2400, 4096)]
    public void Guests_whose_QEMUs_are_in_one_group_share_what_it_leaves(string group, string other, int limit, int least, int most)
    {
        AdviceGuest[] guests =
        [
            .. new[] { "needy", "needy-too" }.Select(name => new AdviceGuest(name) { Balloon = 800, Maximum = 2048, Resident = 800, Used = 790, Unused = 4 }),
        ];
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 6000 * KiB));
        for (double time = 0; time <= 200; time += 10)
        {
            ulong held = group == other ? guests[0].Balloon!.Value + guests[1].Balloon!.Value : guests[0].Balloon!.Value;
            guests =
            [
                guests[0] with { Process = Limited((ulong)limit, held) with { GroupPath = group } },
                guests[1] with { Process = Limited((ulong)limit, group == other ? held : guests[1].Balloon!.Value) with { GroupPath = other } },
            ];
            HostAdvice advice = advisor.Advise(See(time, guests), time);
            guests = [.. guests.Select(guest => advice.Guests.Single(one => one.Guest.Domain.Name == guest.Name).Target is { } target
                ? guest with { Balloon = (ulong)target, Resident = (ulong)target, Used = (ulong)target - 10 }
                : guest)];
        }

        Assert.InRange(guests[0].Balloon!.Value + guests[1].Balloon!.Value, (ulong)least, (ulong)most);
    }

    [Theory]
    [InlineData(800, 936, 936)]
    [InlineData(500, 700, 1000)]
    [InlineData(null, 936, 936)]
    [InlineData(1500, 1048, 824)]
    public void What_others_are_left_goes_by_no_more_than_a_guest_can_have(int? told, int left, int othersLeft)
    {
        // The other one has 800 MiB; the group holds 1600 and may hold 2000.
        ProcessMemory process = Limited(2000, 1600);
        AdviceGuest other = new("other") { Balloon = 800, Resident = 800, Process = process }, guest = other with { Name = "guest-one", Balloon = (ulong?)told };
        Assert.Equal([(ulong)left * KiB, (ulong)othersLeft * KiB], GuestFacts.OfAll(See(0, guest, other).Guests).Select(facts => facts.LeftByGroupKiB!.Value));
    }

    [Theory]
    [InlineData("vm")]
    [InlineData("/sys/fs/cgroup/vm/")]
    public void In_a_group_that_is_the_budget_and_full_one_gives_for_another(string named)
    {
        // The group holds 1600 MiB, and what QEMUs need beside that.
        ProcessMemory process = Limited(1810, 1728);
        AdviceGuest needy = new("needy") { Balloon = 800, Maximum = 2048, Resident = 864, Used = 790, Unused = 4, Process = process };
        AdviceGuest idle = new("idle") { Balloon = 800, Maximum = 2048, Resident = 864, Used = 100, Process = process };
        Advisor advisor = new(budget: new BudgetSetting(ControlGroup: named));
        HostAdvice advice = new[] { 0.0, 10 }.Select(time =>
            advisor.Advise(See(time, needy, idle) with { Memory = Host with { Group = process.Group } }, time)).Last();
        Assert.Equal([("idle", AdviceKind.Take), ("needy", AdviceKind.Wait)], advice.Guests.Select(guest => (guest.Guest.Domain.Name, guest.Kind)).Order());
    }

    private static ProcessMemory Limited(ulong limit, ulong held) =>
        new AdviceGuest("any").Process with { GroupPath = "/vm", Group = new MemoryGroup(limit * KiB, null, held * KiB) { UnreclaimableKiB = held * KiB } };
}
