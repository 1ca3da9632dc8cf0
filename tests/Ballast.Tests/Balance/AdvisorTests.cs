using Ballast.Balance;
using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>Advice about guests that are made up: who gives, and who is given.</summary>
public sealed class AdvisorTests
{
    // Its host has booted, and ids are counted from 1 again: nobody moved the balloon of the one before.
    [Theory]
    [InlineData(3700, 1)]
    [InlineData(30, 0)]
    public void Another_process_with_a_guests_id_is_another_guest(int ran, int outcomes)
    {
        AdviceGuest guest = new("guest") { Unused = 700 };
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 800 * KiB));
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(AdviceKind.Take, Assert.Single(advisor.Advise(See(10, guest), 10).Guests).Kind);
        guest = guest with { Balloon = 300, Used = 100, Process = guest.Process with { RunTime = TimeSpan.FromSeconds(ran) } };
        HostAdvice later = advisor.Advise(See(110, guest), 110);
        Assert.Equal(outcomes, later.Outcomes.Count);
        Assert.All(later.Outcomes, outcome => Assert.False(outcome.IsFollowed));
    }

    [Fact]
    public void Who_is_full_of_cache_gives_as_much_as_who_is_short_needs_and_then_that_one_is_given_it()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 2048 * KiB));
        AdviceGuest idle = new("idle"), busy = new("busy-one") { Used = 900, Unused = 4, Balloon = 1024, Maximum = 2048 };
        advisor.Learn(See(0, idle, busy), 0);
        busy = busy with { Used = 1015, SwapOut = 300, Faults = 5000 };
        HostAdvice advice = advisor.Advise(See(10, idle, busy), 10);
        GuestAdvice taken = Assert.Single(advice.Guests, one => one.Kind == AdviceKind.Take);
        Assert.Equal(("idle", AdviceRisk.Medium), (taken.Guest.Domain.Name, taken.Risk));
        GuestAdvice wait = Assert.Single(advice.Guests, one => one.Kind == AdviceKind.Wait);
        Assert.InRange(taken.Balloon!.Value - taken.Target!.Value, 16, 256);
        Assert.InRange(wait.Short, 16, 1024);

        // Followed by hand: the next look says so, and gives what was freed.
        ulong target = (ulong)taken.Target.Value;
        idle = idle with { Balloon = target, Resident = target };
        advice = advisor.Advise(See(20, idle, busy with { SwapOut = 320 }), 20);
        AdviceOutcome outcome = Assert.Single(advice.Outcomes);
        Assert.True(outcome.IsFollowed);
        Assert.Equal($"Its balloon went from 1024 MiB to {target} MiB, as advised. The host holds {1024 - target} MiB less of it.", outcome.Text);
        GuestAdvice given = Assert.Single(advice.Guests, one => one.Kind == AdviceKind.Give);
        Assert.Equal("busy-one", given.Guest.Domain.Name);
        Assert.InRange(given.Target!.Value, 1024 + 16, 2048 - target);

        // And later, what it cost.
        advice = advisor.Advise(See(45, idle, busy with { SwapOut = 320 }), 45);
        Assert.Contains(advice.Outcomes, one => one.Text == $"It has had {target} MiB for 25 s: it has not swapped and read from disk 0 times.");
    }

    [Fact]
    public void Who_is_to_give_does_not_change_by_noise_but_by_what_matters()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 3072 * KiB));
        AdviceGuest busy = new("busy-one") { Used = 1015, Unused = 4, Maximum = 2048 };
        advisor.Learn(Look(0, 900, 900), 0);
        Assert.Equal(Enumerable.Repeat("one", 8), Enumerable.Range(1, 8).Select(round => Giver(round, 910, round % 2 == 1 ? 900ul : 920)));

        // Of the one there is hardly anything to get any more; and then it is the other that stays.
        Assert.Equal("other", Giver(9, 830, 910));
        Assert.Equal("other", Giver(10, 910, 900));

        string Giver(int round, ulong one, ulong other) =>
            Assert.Single(advisor.Advise(Look(10 * round, one, other), 10 * round).Guests, advice => advice.Kind == AdviceKind.Take).Guest.Domain.Name;

        SeenHost Look(double time, ulong one, ulong other) => See(
            time, new AdviceGuest("one") { Resident = one }, new AdviceGuest("other") { Resident = other }, busy with { SwapOut = (ulong)time });
    }

    [Fact]
    public void Where_nobody_is_short_nothing_is_taken_but_it_is_said_what_could_be()
    {
        HostAdvice advice = Advise(new BudgetSetting(SizeKiB: 4096 * KiB), new AdviceGuest("cached"), new AdviceGuest("free-one") { Unused = 800 });
        Assert.Equal([AdviceKind.Could, AdviceKind.Could], advice.Guests.Select(one => one.Kind));
        Assert.Equal((0, 0), (advice.Gain, advice.Short));
        Assert.All(advice.Guests, one => Assert.Equal(GuardRule.Speed, one.BoundBy));
        Assert.Equal(
            [("cached", AdviceRisk.Medium), ("free-one", AdviceRisk.Low)],
            advice.Guests.Select(one => (one.Guest.Domain.Name, one.Risk)).OrderBy(one => one.Name));

        // Of 1024 MiB with 200 in use, the policy leaves these and 60 for files, which is more than the floor.
        Assert.All(advice.Guests, one => Assert.Equal((768.0, 256.0, 764.0), (one.Target!.Value, one.Gain, Math.Round(one.PossibleGain))));
    }

    [Fact]
    public void What_the_host_does_not_hold_it_does_not_get_back()
    {
        AdviceGuest untouched = new("untouched") { Unused = 800, Resident = 300 };
        Assert.Equal((0.0, true), Gain(untouched));
        ProcessMemory known = untouched.Process;
        Assert.Equal((256.0, false), Gain(untouched with { Process = known with { SwappedKiB = 100 * KiB } }));
        Assert.Equal((256.0, false), Gain(untouched with { Process = known with { MergedKiB = 100 * KiB } }));
        Assert.Equal((256.0, false), Gain(untouched with { Process = known with { ReportsFreePages = true } }));
        Assert.Equal((256.0, false), Gain(untouched with { Process = new ProcessMemory { Reason = MemoryStatsReason.UnsupportedByDaemon } }));

        static (double, bool) Gain(AdviceGuest guest)
        {
            GuestAdvice advice = Assert.Single(Advise(new BudgetSetting(SizeKiB: 4096 * KiB), guest).Guests);
            return (advice.Gain, advice.IsGainCertain);
        }
    }

    [Theory]
    [InlineData(330, AdviceKind.Keep)]
    [InlineData(340, AdviceKind.Could)]
    public void What_nobody_needs_is_told_where_the_host_would_get_back_a_tenth_of_it(int resident, AdviceKind kind)
    {
        // Step by step it would move by 764 MiB, to 260.
        AdviceGuest untouched = new("untouched") { Unused = 800, Resident = (ulong)resident };
        HostAdvice advice = Advise(new BudgetSetting(SizeKiB: 4096 * KiB), untouched);
        Assert.Equal(kind, Assert.Single(advice.Guests).Kind);
        Assert.Equal(kind == AdviceKind.Keep ? 0 : 80, Math.Round(advice.PossibleGain));

        // Where somebody needs it, it makes room, whatever the host holds of it.
        advice = Advise(new BudgetSetting(SizeKiB: 2048 * KiB), untouched, new AdviceGuest("needy") { Used = 1020, Unused = 2, Maximum = 2048 });
        Assert.Equal(AdviceKind.Take, Assert.Single(advice.Guests, one => one.Guest.Domain.Name == "untouched").Kind);
    }

    [Fact]
    public void What_setmem_refuses_is_not_advised()
    {
        // Its kernel sees 250 MiB and uses nearly all of them; most of that it has reserved and never touched.
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 400 * KiB));
        AdviceGuest reserved = new("reserved") { Balloon = 256, Maximum = 256, Resident = 75, Used = 196, Unused = 50 };
        AdviceGuest needy = new("needy") { Balloon = 256, Maximum = 512, Resident = 256, Used = 250, Unused = 2 };
        for (double time = 0; time <= 60; time += 10)
        {
            GuestAdvice taken = Assert.Single(advisor.Advise(See(time, reserved, needy), time).Guests, guest => guest.Guest.Domain.Name == "reserved");
            if (taken.Kind != AdviceKind.Take)
                continue;
            Assert.Equal((228.0, GuardRule.Floor), (taken.Target, taken.BoundBy));
            Assert.Equal("By its report it needs 196 MiB: it keeps that and 32 MiB to spare.", taken.Bound);
            return;
        }

        Assert.Fail("Nothing was ever taken.");
    }

    [Theory]
    [InlineData(800, 1000, AdviceKind.Wait)]
    [InlineData(1000, 1000, AdviceKind.Take)]
    [InlineData(1000, 600, AdviceKind.Take)]
    public void Who_is_short_gives_nothing_and_what_a_guest_needs_is_not_taken_at_low_risk(double balloon, double needed, AdviceKind kind)
    {
        AdviceGuest guest = new("guest") { Used = 100, Unused = 700, Balloon = (ulong)balloon, Resident = (ulong)balloon };
        GuestTrack track = new();
        See(track, guest, 0);
        See(track, guest, 10);

        // The policy gives it less than it needs, as others need more.
        AdviceDraft draft = new(track, new BalloonWish(balloon - 100, "It needs much.") { Needed = needed }, new GuardDecision(balloon - 100, null, ""), 0, default);
        Assert.Equal(kind == AdviceKind.Take, draft.MayGive(isForGroup: false));
        if (draft.MayGive(isForGroup: false))
            _ = draft.Take(100, isForGroup: false);
        GuestAdvice advice = draft.Make();
        Assert.Equal((kind, Math.Max(0, needed - balloon)), (advice.Kind, advice.Short));
        if (kind == AdviceKind.Take)
            Assert.Equal(needed > balloon - 100 ? AdviceRisk.Medium : AdviceRisk.Low, advice.Risk);
    }

    [Fact]
    public void Others_give_for_who_is_short_now_though_it_has_what_the_policy_thinks_it_needs()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 2048 * KiB));
        AdviceGuest idle = new("idle"), full = new("full-one") { Used = 930, Unused = 90, Maximum = 2048 };
        HostAdvice advice = advisor.Advise(See(0, idle, full), 0);
        for (double time = 10; time <= 30; time += 10)
            advice = advisor.Advise(See(time, idle, full), time);
        GuestAdvice wait = Assert.Single(advice.Guests, one => one.Kind == AdviceKind.Wait);
        Assert.Equal(("full-one", true, 0.0), (wait.Guest.Domain.Name, wait.IsShort, wait.Short));
        GuestAdvice taken = Assert.Single(advice.Guests, one => one.Kind == AdviceKind.Take);
        Assert.Equal("idle", taken.Guest.Domain.Name);
        Assert.InRange(taken.Target!.Value, 768, 1024 - 16);

        // It is looked at soon.
        Assert.Equal(2, advisor.Period);
    }

    [Theory]
    [InlineData(930, 1200, 1000, 176, AdviceKind.Wait)]
    [InlineData(930, 1200, 1124, 100, AdviceKind.Wait)]
    [InlineData(930, 9999, 1000, 1024, AdviceKind.Wait)]
    [InlineData(930, 1030, 1000, 32, AdviceKind.Wait)]
    [InlineData(930, 1200, 1030, 32, AdviceKind.Wait)]
    [InlineData(930, 900, 900, 0, AdviceKind.Keep)]
    [InlineData(500, 1200, 1000, 0, AdviceKind.Keep)]
    public void Who_is_short_wants_what_it_lacks_or_what_the_policy_would_give_it(ulong used, double target, double needed, double wants, AdviceKind kind)
    {
        GuestTrack track = new();
        AdviceGuest guest = new("guest") { Used = used, Maximum = 2048 };
        See(track, guest, 0);
        See(track, guest, 10);
        AdviceDraft draft = new(track, new BalloonWish(target, "It is full.") { Needed = needed }, new GuardDecision(null, GuardRule.Budget, "Nothing is left."), 1024, default);
        Assert.Equal((wants, kind), (draft.Wants, draft.Make().Kind));
    }

    // What it lacks is less than a change is worth; that it is short is not.
    [Theory]
    [InlineData(2048, 2048, AdviceKind.Wait)]
    [InlineData(2048, 2148, AdviceKind.Give)]
    [InlineData(1034, 2048, AdviceKind.Keep)]
    public void Who_is_short_by_little_gets_a_margin_and_who_keeps_what_is_too_little_is_told_why(ulong maximum, ulong budget, AdviceKind kind)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: budget * KiB));
        AdviceGuest idle = new("idle"), full = new("full-one") { Used = 970, Unused = 40, Maximum = maximum };
        HostAdvice advice = advisor.Advise(See(0, idle, full), 0);
        for (double time = 10; time <= 30; time += 10)
            advice = advisor.Advise(See(time, idle, full), time);
        GuestAdvice told = Assert.Single(advice.Guests, one => one.Guest.Domain.Name == "full-one");
        Assert.Equal((kind, true), (told.Kind, told.IsShort));
        Assert.Equal(kind == AdviceKind.Wait ? 1 : 0, advice.Guests.Count(one => one is { Kind: AdviceKind.Take, Target: <= 1024 - 32 }));
        if (kind == AdviceKind.Give)
            Assert.InRange(told.Target!.Value, 1024 + 32, 2048);
        if (kind == AdviceKind.Keep)
            Assert.Equal("It is as large as its maximum lets it be: it needs a larger one, or less to do.", told.Reason);
    }

    [Theory]
    [InlineData(900, GuardRule.Floor, null)]
    [InlineData(900, GuardRule.UncertainNumbers, null)]
    [InlineData(900, GuardRule.Speed, null)]
    [InlineData(null, GuardRule.Floor, null)]
    [InlineData(null, GuardRule.Budget, GuardRule.Budget)]
    [InlineData(null, GuardRule.Speed, GuardRule.Speed)]
    public void Who_has_to_wait_is_told_no_guard_that_keeps_it_from_shrinking(int? target, GuardRule rule, GuardRule? told)
    {
        GuestTrack track = new();
        See(track, new AdviceGuest("guest") { Maximum = 2048 }, 0);
        GuestAdvice advice = new AdviceDraft(track, new BalloonWish(900, "It needs much.") { Needed = 1200 }, new GuardDecision(target, rule, "Bound."), 0, default).Make();
        Assert.Equal((AdviceKind.Wait, told, told is null ? "" : "Bound."), (advice.Kind, advice.BoundBy, advice.Bound));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(4096)]
    public void What_could_be_gained_can_be_step_by_step_and_comes_back_to_who_needs_it(int? budget)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: (ulong?)budget * KiB));
        AdviceGuest idle = new("idle") { Used = 100, Unused = 800 }, other = new("other") { Used = 100, Unused = 800 };
        advisor.Learn(See(0, idle, other), 0);
        double promised = Idle(advisor.Advise(See(60, idle, other), 60)).PossibleGain;
        for (double time = 120; time <= 1200; time += 60)
        {
            GuestAdvice advice = Idle(advisor.Advise(See(time, idle, other), time));
            Assert.Contains(advice.Kind, (AdviceKind[])[AdviceKind.Could, AdviceKind.Keep]);
            if (advice.Target is { } target)
                idle = idle with { Balloon = (ulong)target, Resident = (ulong)target };
        }

        Assert.InRange(1024 - idle.Balloon!.Value, promised - 20, promised + 20);
        idle = idle with { Used = idle.Balloon.Value - 5, Unused = 2 };
        Assert.Equal(AdviceKind.Give, Idle(advisor.Advise(See(1260, idle, other), 1260)).Kind);

        static GuestAdvice Idle(HostAdvice advice) => Assert.Single(advice.Guests, guest => guest.Guest.Domain.Name == "idle");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(40)]
    public void What_a_guest_will_need_is_that_until_the_next_look(double seconds)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 8192 * KiB)) { FixedPeriod = seconds };
        GuestAdvice? advice = null;
        for (int look = 0; look < 4; look++)
        {
            // It grows by 6 MiB a second.
            double time = look * seconds;
            advice = Assert.Single(advisor.Advise(See(time, new AdviceGuest("grows") { Used = 200 + (ulong)(6 * time), Maximum = 4096, Balloon = 2048, Resident = 2048 }), time).Guests);
        }

        double needs = 200 + (6 * 3 * seconds) + 60;
        Assert.Contains($"It needs {needs:F0} MiB, and will need {needs + (6 * seconds):F0} MiB soon", advice!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_free_goes_to_who_needs_it_whatever_reserve_the_others_would_get()
    {
        const ulong room = 100;
        AdviceGuest needy = new("needy") { Used = 1015, Unused = 4, Maximum = 4096 }, idle = new("idle");
        AdviceGuest[] ready =
            [.. Enumerable.Range(11, 3).Select(length => new AdviceGuest(new string('r', length)) { Balloon = 400, Resident = 400, Used = 300, Maximum = 2048 })];
        AdviceGuest[] guests = [needy, idle, .. ready];
        ulong budget = guests.Aggregate(room, (sum, guest) => sum + guest.Balloon!.Value);

        // The policy wishes them more than they have, and knows that they do not need it.
        GuestTrack[] tracks = [.. guests.Select(_ => new GuestTrack())];
        IBalloonPolicy policy = BalloonPolicies.Create(BalloonPolicies.Ours);
        IReadOnlyList<BalloonWish> wishes = [];
        foreach (double time in (double[])[0, 10])
        {
            for (int i = 0; i < guests.Length; i++)
                See(tracks[i], guests[i], time);
            wishes = policy.Decide(new HostState(budget, 0, 0, room, time, 10), [.. tracks.Select(track => track.Guarded!.State)]);
        }

        Assert.All(wishes.Skip(2), wish => Assert.True(wish.Target > 400 + 16 && wish.Kept < 400, $"{wish}"));
        GuestAdvice given = Assert.Single(Advise(new BudgetSetting(SizeKiB: budget * KiB), guests).Guests, one => one.Kind == AdviceKind.Give);
        Assert.Equal("needy", given.Guest.Domain.Name);
        Assert.InRange(given.Target!.Value, 1024 + room - 1, 1024 + room);
    }

    [Fact]
    public void Hosts_without_guests_and_guests_that_come_and_go_are_no_trouble()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 2048 * KiB));
        Assert.Empty(advisor.Advise(See(0), 0).Guests);
        Assert.Single(advisor.Advise(See(10, new AdviceGuest("one")), 10).Guests);
        HostAdvice gone = advisor.Advise(See(20), 20);
        Assert.Equal((0, 0.0, 0.0, 0.0), (gone.Guests.Count + gone.Outcomes.Count, gone.Balloons, gone.PossibleGain, gone.Short));
        Assert.Empty(advisor.Advise(See(30, new AdviceGuest("one") { Balloon = 300, Resident = 300 }), 30).Outcomes);
    }
}
