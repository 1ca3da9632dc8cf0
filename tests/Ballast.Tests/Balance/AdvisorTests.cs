using Ballast.Balance;
using Ballast.Balance.Advice;
using Ballast.Balance.Guards;

namespace Ballast.Tests.Balance;

/// <summary>Advice about guests that are made up: who gives, who is given, and who is left alone.</summary>
public sealed class AdvisorTests
{
    private const ulong KiB = 1024;

    private static readonly HostMemory Host = new() { Reason = MemoryStatsReason.Fresh, TotalKiB = 8192 * KiB, AvailableKiB = 4096 * KiB, SwapTotalKiB = 0, SwapFreeKiB = 0 };

    public static TheoryData<string, string> LeftAlone => new()
    {
        { "paused", "It is paused." },
        { "without a driver", "Its balloon driver is not loaded." },
        { "booting", "It was started a moment ago and has not reported yet." },
        { "reset", "It was reset and has not reported since." },
        { "stale", "Its last report is old, so nobody knows what it needs now." },
        { "lying", "Its numbers contradict each other (usable above available)." },
        { "polling off", "Nobody asks it for reports (polling off)." },
        { "locked", "Its memory is locked: its balloon would give the host nothing back." },
        { "passed through", "Its memory is pinned for a passed-through device: its balloon would give the host nothing back." },
        { "huge pages", "Its memory is in huge pages of hugetlbfs: its balloon would give the host nothing back." },
        { "migrating", "It moves to another host." },
        { "incomplete", "Its report is incomplete, so nobody knows what it uses." },
        { "silent monitor", "Its hypervisor cannot be asked (monitor hung)." },
        { "unknown size", "Its hypervisor cannot be asked (monitor hung)." },
    };

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

    [Theory]
    [MemberData(nameof(LeftAlone))]
    public void Who_cannot_be_advised_about_is_named_and_left_alone(string what, string reason)
    {
        AdviceGuest whole = new("odd-one");
        AdviceGuest odd = what switch
        {
            "paused" => whole with { IsRunning = false },
            "without a driver" => whole with { HasDriver = false },
            "booting" => whole with { With = Never, Process = whole.Process with { RunTime = TimeSpan.FromSeconds(5) } },
            "reset" => whole with { With = facts => facts with { IsFromBeforeReset = true }, Balloon = 1020 },
            "stale" => whole with { ReportedAt = 0 },
            "lying" => whole with { With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Usable), new(MemoryStatTag.Usable, 9999999)] } },
            "polling off" => whole with { With = facts => facts with { PeriodSeconds = 0 } },
            "locked" => whole with { Process = whole.Process with { LockedKiB = 1024 * KiB } },
            "passed through" => whole with { Process = whole.Process with { PinnedKiB = 1024 * KiB } },
            "huge pages" => whole with { Process = whole.Process with { HugePagesKiB = 1024 * KiB }, Resident = 60 },
            "migrating" => whole with { IsRunning = false, With = facts => facts with { PauseCause = PauseCause.Migrating } },
            "incomplete" => whole with { With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Available)] } },
            "unknown size" => whole with { Balloon = null, Maximum = null, With = Hung },
            _ => whole with { With = Hung },
        };

        // Somebody else is short.
        AdviceGuest needy = new("needy") { Used = 1020, Unused = 2, Maximum = 2048 };
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 2048 * KiB));
        advisor.Learn(See(90, odd, needy), 90);
        GuestAdvice advice = Assert.Single(advisor.Advise(See(100, odd, needy), 100).Guests, one => one.Guest.Domain.Name == "odd-one");
        Assert.Equal((AdviceKind.Leave, reason), (advice.Kind, advice.Reason));
        Assert.Equal((null, 0.0, 0.0), (advice.Target, advice.Gain, advice.PossibleGain));

        static MemoryStatsFacts Never(MemoryStatsFacts facts) => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag == MemoryStatTag.ActualBalloon)] };
        static MemoryStatsFacts Hung(MemoryStatsFacts facts) => facts with { Obstacle = MemoryStatsReason.MonitorHung };
    }

    [Fact]
    public void A_balloon_that_somebody_else_moves_is_left_alone_and_that_is_said()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest");
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(768, Assert.Single(advisor.Advise(See(10, guest), 10).Guests).Target);
        HostAdvice advice = advisor.Advise(See(20, guest with { Balloon = 500, Resident = 500 }), 20);
        Assert.Equal((AdviceKind.Leave, GuardRule.ForeignTarget), (Assert.Single(advice.Guests).Kind, advice.Guests[0].BoundBy));
        Assert.Equal((false, "Somebody else, or the guest itself, moved its balloon from 1024 MiB to 500 MiB, where 768 MiB was advised."),
            (Assert.Single(advice.Outcomes).IsFollowed, advice.Outcomes[0].Text));
    }

    [Fact]
    public void Who_follows_what_was_told_is_no_stranger_though_something_else_would_be_advised_by_now()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest") { Used = 620, Balloon = 900, Maximum = 900, Resident = 900 };
        advisor.Learn(See(0, guest), 0);
        HostAdvice advice = advisor.Consider(See(10, guest), 10);
        double told = Assert.Single(advice.Guests).Target!.Value;
        advisor.Tell(advice.Guests);

        // What its use grows by is told nobody, for longer than told advice holds that does not stand any more.
        for (double time = 20; time <= 200; time += 10)
            Assert.InRange(Assert.Single(advisor.Consider(See(time, guest with { Used = 660 }), time).Guests).Target!.Value, told + 20, 900);
        advice = advisor.Consider(See(210, guest with { Used = 660, Balloon = (ulong)told, Resident = (ulong)told }), 210);
        Assert.Equal((true, $"Its balloon went from 900 MiB to {told} MiB, as advised. The host holds {900 - told} MiB less of it."), (Assert.Single(advice.Outcomes).IsFollowed, advice.Outcomes[0].Text));
        Assert.NotEqual(AdviceKind.Leave, Assert.Single(advice.Guests).Kind);
    }

    [Fact]
    public void Who_was_told_nothing_of_a_guest_follows_no_advice()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest");
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(768, Assert.Single(advisor.Consider(See(10, guest), 10).Guests).Target);
        HostAdvice advice = advisor.Consider(See(20, guest with { Balloon = 768, Resident = 768 }), 20);
        Assert.Equal((AdviceKind.Leave, GuardRule.ForeignTarget), (Assert.Single(advice.Guests).Kind, advice.Guests[0].BoundBy));
        Assert.Empty(advice.Outcomes);
    }

    // Before it is known, during, and after.
    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(50)]
    public void A_report_that_contradicts_itself_moves_no_balloon(double odd)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1500 * KiB));
        AdviceGuest half = new("half") { Balloon = 512, Resident = 512, Maximum = 1024 }, other = new("other") { Balloon = 900, Resident = 900 };
        AdviceGuest contradicts = half with { With = facts => facts with { LeftByBalloonKiB = 512 * KiB, SeesOnlyWhatIsLeft = true, Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.Available), new(MemoryStatTag.Available, 520 * KiB)] } };
        for (double time = 0; time <= 100; time += 10)
        {
            HostAdvice advice = advisor.Advise(See(time, time == odd ? contradicts : half, other), time);
            GuestAdvice seen = Assert.Single(advice.Guests, guest => guest.Guest.Domain.Name == "half");
            Assert.Equal(time == odd, seen.Kind == AdviceKind.Leave);
            Assert.Empty(advice.Outcomes);
            if (time == 0)
                continue;
            Assert.Equal(512, seen.Balloon);
            Assert.DoesNotContain(advice.Guests, guest => guest.Kind == AdviceKind.Take);
        }
    }

    [Theory]
    [InlineData(800, 512, 800)]
    [InlineData(400, 512, 512)]
    [InlineData(2000, 512, 512)]
    [InlineData(800, null, null)]
    public void A_size_that_the_report_contradicts_counts_only_where_it_is_more(int told, int? before, int? counted)
    {
        GuestFacts facts = new()
        {
            Name = "guest",
            Uuid = Guid.NewGuid(),
            Inconsistencies = MemoryStatsInconsistency.AvailableAboveActual,
            BalloonKiB = (ulong)told,
            MaximumKiB = 1024,
            LastSizeKiB = (ulong?)before,
        };
        Assert.Equal((ulong?)counted, facts.MeasuredSizeKiB);
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

    [Fact]
    public void A_report_is_as_old_as_it_is_though_nobody_looked_then()
    {
        GuestTrack track = new();
        See(track, new AdviceGuest("guest") { ReportedAt = -50 }, 1);
        Assert.Equal(-50, track.Guarded!.State.Report!.Time);
        See(track, new AdviceGuest("guest") { ReportedAt = 8 }, 10);
        Assert.Equal(8, track.Guarded!.State.Report!.Time);

        // The host's clock was set back: time does not go back for that.
        See(track, new AdviceGuest("guest") { ReportedAt = 2 }, 12);
        Assert.Equal(8, track.Guarded!.State.Report!.Time);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(MemoryStatTag.SwapOut, false)]
    [InlineData(MemoryStatTag.MajorFault, false)]
    public void Guards_are_told_whether_a_guest_counts_what_it_swaps_and_reads(MemoryStatTag? missing, bool counts)
    {
        GuestTrack track = new();
        See(track, new AdviceGuest("guest") { With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != missing)] } }, 0);
        Assert.Equal(counts, track.Guarded!.CountsSwapping);
    }

    [Fact]
    public void Advice_that_nobody_follows_does_not_make_a_balloon_one_that_does_not_move()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 1800 * KiB));
        AdviceGuest idle = new("idle"), busy = new("busy-one") { Used = 1000, Maximum = 2048 };
        for (double time = 0; time <= 300; time += 10)
        {
            HostAdvice advice = advisor.Advise(See(time, idle, busy), time);
            Assert.Contains(advice.Guests, one => one is { Kind: AdviceKind.Take, Guest.Domain.Name: "idle" });
            Assert.DoesNotContain(advice.Guests, one => one.Reason.Contains("does not follow", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Who_follows_in_part_is_not_called_disobedient()
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
        AdviceGuest guest = new("guest");
        advisor.Learn(See(0, guest), 0);
        Assert.Equal(768, Assert.Single(advisor.Advise(See(10, guest), 10).Guests).Target);
        guest = guest with { Balloon = 900, Resident = 900 };
        for (double time = 20; time <= 200; time += 10)
            Assert.NotEqual(AdviceKind.Leave, Assert.Single(advisor.Advise(See(time, guest), time).Guests).Kind);

        // Nor when nobody looks again before the advice is old.
        _ = advisor.Advise(See(210, guest with { Balloon = 950, Resident = 950 }), 210);
        for (double time = 340; time <= 600; time += 20)
            Assert.NotEqual(AdviceKind.Leave, Assert.Single(advisor.Advise(See(time, guest with { Balloon = 950, Resident = 950 }), time).Guests).Kind);
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
        Assert.Equal(kind == AdviceKind.Take, draft.MayGive);
        if (draft.MayGive)
            _ = draft.Take(100);
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
    [InlineData(930, 1030, 1000, 0, AdviceKind.Keep)]
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

    [Theory]
    [InlineData(100, 0, 0, 10, AdviceRisk.Low)]
    [InlineData(100, 1, 0, 10, AdviceRisk.Medium)]
    [InlineData(100, -1, 0, 10, AdviceRisk.Low)]
    [InlineData(900, 0, 0, 10, AdviceRisk.Medium)]
    [InlineData(100, 0, 0, 0, AdviceRisk.Medium)]
    [InlineData(100, 0, 2, 10, AdviceRisk.High)]
    [InlineData(0, 1, 2, 10, AdviceRisk.None)]
    public void Risk_is_low_only_where_what_is_taken_is_unused_and_not_needed(double taken, double lack, ulong swapped, double reportedAt, AdviceRisk risk)
    {
        AdviceGuest guest = new("guest") { Unused = 800, ReportedAt = 0 };
        GuestTrack track = new();
        See(track, guest, 0);
        See(track, guest with { SwapOut = swapped, ReportedAt = reportedAt }, 10);
        GuestRisk found = new(track, taken, lack);
        Assert.Equal(risk, found.Risk);
        Assert.Equal(risk == AdviceRisk.None, found.Cost.Length == 0);
    }

    [Theory]
    [InlineData(804, "Up to 80 MiB of its cached files may have to be read again.")]
    [InlineData(50, "Up to 50 MiB of its cached files may have to be read again, and its kernel has to find 30 MiB elsewhere.")]
    [InlineData(0, "Its kernel has to find 80 MiB elsewhere.")]
    public void No_more_cached_files_are_read_again_than_there_are(ulong caches, string cost)
    {
        GuestTrack track = new();
        foreach (double time in (double[])[0, 10])
        {
            See(track, new AdviceGuest("guest")
            {
                With = facts => facts with { Entries = [.. facts.Entries.Where(entry => entry.Tag != MemoryStatTag.DiskCaches), new(MemoryStatTag.DiskCaches, caches * KiB)] },
            }, time);
        }

        Assert.Equal(cost, new GuestRisk(track, 100, 0).Cost);
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

    [Fact]
    public void What_a_guest_of_unknown_size_holds_stays_overhead()
    {
        AdviceGuest unknown = new("unknown") { Balloon = null, Maximum = null, Resident = 500 };
        Assert.Equal(4096.0 - 1000, Advise(default, new AdviceGuest("guest") { Resident = 1000 }, unknown).Host.Overhead);
        HostAdvice advice = Advise(new BudgetSetting(SizeKiB: 4096 * KiB), unknown);
        Assert.Equal((500.0, 3596.0), (advice.Host.Overhead, advice.Budget));
    }

    [Fact]
    public void What_a_guest_holds_is_not_counted_twice_where_the_host_does_not_tell()
    {
        // It has 1024 MiB, 20 of them unused; without a report, all of its balloon.
        AdviceGuest guest = new("guest") { Resident = null };
        Assert.Equal(4096.0 - 1004, Advise(default, guest).Host.Overhead);
        Assert.Equal(4096.0 - 1024, Advise(default, guest with { Balloon = null }).Host.Overhead);
    }

    [Fact]
    public void A_control_groups_overhead_is_what_it_holds_beside_its_guests()
    {
        // It holds 1500 MiB for good; of the guest's 1000 resident ones, 64 are its QEMU's own.
        AdviceGuest guest = new("guest") { Resident = 1000 };
        guest = guest with { Process = guest.Process with { GroupPath = "/vms" } };
        Assert.Equal((2000.0, 1500.0 - 936, 500.0), Shared(new MemoryGroup(2000 * KiB, null, 1900 * KiB) { UnreclaimableKiB = 1500 * KiB }));

        // Each QEMU needs something, and the host does not have more than it has.
        Assert.Equal((4196.0, 64.0, 4096.0), Shared(new MemoryGroup(90000 * KiB, null, 100 * KiB) { UnreclaimableKiB = 100 * KiB }));
        Assert.Equal((8192.0, 64.0, 8092.0), Shared(new MemoryGroup(90000 * KiB, null, 100 * KiB)));

        (double, double, double) Shared(MemoryGroup group)
        {
            HostState host = new Advisor(budget: new BudgetSetting(ControlGroup: "vms")).Advise(new SeenHost(Host with { Group = group }, [guest.See(0)]), 0).Host;
            return (host.Memory, host.Overhead, host.Free);
        }
    }

    [Fact]
    public void No_limit_of_a_control_group_counts_what_its_guests_have_in_huge_pages()
    {
        AdviceGuest plain = In("plain"), huge = In("huge-one") with { Balloon = 3072, Maximum = 3072, Resident = 60 };
        huge = huge with { Process = huge.Process with { HugePagesKiB = 3072 * KiB } };
        SeenHost without = new(Host with { Group = Group(1200) }, [plain.See(10)]), with = new(Host with { Group = Group(1264) }, [plain.See(10), huge.See(10)]);
        HostAdvice alone = Second(without), both = Second(with);
        Assert.Equal(alone.Budget - alone.Balloons, both.Budget - both.Balloons, 128.0);
        Assert.DoesNotContain(both.Guests, guest => guest.Kind == AdviceKind.Take);

        static MemoryGroup Group(ulong held) => new(3072 * KiB, null, 2000 * KiB) { UnreclaimableKiB = held * KiB };
        static AdviceGuest In(string name) => new AdviceGuest(name) is var guest ? guest with { Process = guest.Process with { GroupPath = "/vms" } } : guest;

        static HostAdvice Second(SeenHost seen)
        {
            Advisor advisor = new(budget: new BudgetSetting(ControlGroup: "vms"));
            advisor.Learn(seen, 0);
            return advisor.Advise(seen, 10);
        }
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

    [Fact]
    public void The_host_shares_out_what_others_do_not_use_and_keeps_a_reserve()
    {
        // Of 8192 MiB, 4096 are in use: 1000 in the guest's balloon, 3096 elsewhere. 5 % is kept.
        HostAdvice advice = Advise(default, new AdviceGuest("guest") { Resident = 1000 });
        Assert.Equal((8192.0, 3096.0, 409.6, 4096.0), (advice.Host.Memory, advice.Host.Overhead, Math.Round(advice.Host.Reserve, 6), advice.Host.Free));
        Assert.Equal(8192 - 3096 - 409.6, advice.Budget, 6);
    }

    [Fact]
    public void A_control_group_is_shared_by_the_guests_in_it()
    {
        AdviceGuest inside = new("inside") { Resident = 1100 }, outside = new("outside");
        inside = inside with { Process = inside.Process with { GroupPath = "/vms/one" } };
        outside = outside with { Process = outside.Process with { GroupPath = "/vms-others" } };
        HostMemory host = Host with { Group = new MemoryGroup(4000 * KiB, 2000 * KiB, 1500 * KiB) };
        foreach (string name in (string[])["vms", "/vms/", "/sys/fs/cgroup/vms", "/sys/fs/cgroup/memory/vms"])
        {
            HostAdvice advice = new Advisor(budget: new BudgetSetting(ControlGroup: name)).Advise(new SeenHost(host, [inside.See(0), outside.See(0)]), 0);
            Assert.Equal("inside", Assert.Single(advice.Guests).Guest.Domain.Name);
            Assert.Equal((2000.0, 76.0, 100.0, 500.0), (advice.Host.Memory, advice.Host.Overhead, advice.Host.Reserve, advice.Host.Free));
        }
    }

    [Fact]
    public void Without_a_budget_it_is_said_what_to_do()
    {
        AdviceGuest guest = new("guest");
        Assert.Contains("--budget", Refusal(default, new HostMemory()), StringComparison.Ordinal);
        Assert.Contains("there is no memory control group 'x'", Refusal(new BudgetSetting(ControlGroup: "x"), Host), StringComparison.Ordinal);
        Assert.Contains("has no limit", Refusal(new BudgetSetting(ControlGroup: "x"), Host with { Group = new MemoryGroup(null, null, 1) }), StringComparison.Ordinal);
        Assert.Contains("a budget of 0", Refusal(new BudgetSetting(SizeKiB: 0), Host), StringComparison.Ordinal);
        Assert.Contains("a budget of 9000 MiB is more than all of the host's memory, 8192 MiB", Refusal(new BudgetSetting(SizeKiB: 9000 * KiB), Host), StringComparison.Ordinal);
        Assert.Contains("this daemon cannot tell", Refusal(new BudgetSetting(ControlGroup: "x"), new HostMemory { Reason = MemoryStatsReason.UnsupportedByDaemon }), StringComparison.Ordinal);

        string Refusal(BudgetSetting budget, HostMemory host) =>
            Assert.Throws<BudgetException>(() => new Advisor(budget: budget).Advise(new SeenHost(host, [guest.See(0)]), 0)).Message;
    }

    private static HostAdvice Advise(BudgetSetting budget, params AdviceGuest[] guests)
    {
        Advisor advisor = new(budget: budget);
        advisor.Learn(See(0, guests), 0);
        return advisor.Advise(See(10, guests), 10);
    }

    private static SeenHost See(double time, params AdviceGuest[] guests) => new(Host, [.. guests.Select(guest => guest.See(time))]);

    private static void See(GuestTrack track, AdviceGuest guest, double time)
    {
        SeenGuest seen = guest.See(time);
        track.See(seen, GuestFacts.Of(seen), Host, time);
    }
}
