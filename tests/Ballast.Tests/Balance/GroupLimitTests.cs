using Ballast.Balance;
using Ballast.Balance.Advice;
using Ballast.Balance.Guards;
using Ballast.Balance.Recording;
using Ballast.Tests.Cli;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>Guests whose QEMU has a control group of its own with a limit: beyond it, the kernel kills QEMU.</summary>
public sealed class GroupLimitTests
{
    // What the group holds beside the guest's memory counts, and 64 MiB of what the QEMU holds.
    [Theory]
    [InlineData(1200, 0, 1136)]
    [InlineData(1200, 200, 936)]
    [InlineData(1200, 260, 876)]
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
        Assert.Equal(
            (AdviceKind.Keep, true, GuardRule.Budget, "The memory limit of control group /vm leaves it 836 MiB."), (told.Kind, told.IsShort, told.BoundBy, told.Bound));
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
    [InlineData(800, 1872)]
    [InlineData(500, 1636)]
    [InlineData(null, 1872)]
    [InlineData(1500, 1872)]
    public void What_others_are_left_goes_by_no_more_than_a_guest_can_have(int? told, double leaves)
    {
        // The other one has 800 MiB; the group holds 1600 and may hold 2000.
        ProcessMemory process = Limited(2000, 1600);
        AdviceGuest other = new("other") { Balloon = 800, Resident = 800, Process = process }, guest = other with { Name = "guest-one", Balloon = (ulong?)told, Resident = 1024 };
        GuestFacts[] facts = [.. See(0, guest, other).Guests.Select(GuestFacts.Of)];
        new GroupRoom().Share(default, facts);
        Assert.All(facts, one => Assert.Equal(new MemoryLimit("/vm", leaves), Assert.Single(one.Limits)));
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

    [Theory]
    [InlineData(false, "/vms", "/vms", "/vms")]
    [InlineData(true, "/vms", "/vms", "/vms")]
    [InlineData(false, "/machine.slice", "/machine.slice/a.scope/libvirt/emulator", "/machine.slice/b.scope/libvirt/emulator")]
    [InlineData(true, "/machine.slice", "/machine.slice/a.scope/libvirt/emulator", "/machine.slice/b.scope/libvirt/emulator")]
    public void In_a_full_group_one_gives_for_another_and_who_is_elsewhere_does_not(bool isSecond, string limited, string one, string other)
    {
        using GroupHost host = new(isSecond);
        host.Limits[limited] = 800 + 800 + (2 * GroupHost.Qemu) + 8;
        host.Add(one, Needy("needy"));
        host.Add(other, Idle("idle"));
        host.Add("/elsewhere", Idle("outsider") with { Used = 50 });
        Advisor advisor = new();
        HostAdvice advice = Look(advisor, host, default, 0);
        Assert.Equal([("idle", AdviceKind.Take), ("needy", AdviceKind.Wait)], Told(advice, "idle", "needy"));
        Assert.DoesNotContain(advice.Guests, guest => guest is { Kind: AdviceKind.Take, Guest.Domain.Name: "outsider" });
        GuestAdvice taken = advice.Guests.Single(guest => guest.Kind == AdviceKind.Take);
        Assert.Equal((GuardRule.Budget, "The memory limit of control group " + limited + " leaves it 808 MiB."), Bound(advice, "needy"));

        // Followed, it is the needy one's.
        host.Change("idle", guest => guest with { Balloon = (ulong)taken.Target!.Value });
        GuestAdvice given = Look(advisor, host, default, 20).Guests.Single(guest => guest.Guest.Domain.Name == "needy");
        Assert.Equal(AdviceKind.Give, given.Kind);
        Assert.InRange(given.Target!.Value, 1608 - taken.Target!.Value - 1, 1608 - taken.Target.Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_nobody_of_a_full_group_can_give_nobody_waits_or_gives(bool isSecond)
    {
        using GroupHost host = new(isSecond);
        host.Limits["/machine.slice"] = 800 + 800 + (2 * GroupHost.Qemu);
        host.Add("/machine.slice/a.scope", Needy("needy"));
        host.Add("/machine.slice/b.scope", Needy("needy-too"));
        host.Add("/elsewhere", Idle("outsider"));

        // Not even where the host has nothing left either.
        foreach (BudgetSetting budget in (BudgetSetting[])[default, new(SizeKiB: 2400 * KiB)])
        {
            HostAdvice advice = Look(new Advisor(budget: budget), host, budget, 0);
            Assert.DoesNotContain(advice.Guests, guest => guest.Kind is AdviceKind.Take or AdviceKind.Give or AdviceKind.Wait);
            foreach (string name in (string[])["needy", "needy-too"])
                Assert.Equal((GuardRule.Budget, "The memory limit of control group /machine.slice leaves it 800 MiB."), Bound(advice, name));
        }
    }

    // Balloons may have 3904 MiB in all. One that is left alone has 2048 or 1500 of that, and one could give down to some 1400.
    [Theory]
    [InlineData(2048, false)]
    [InlineData(1500, true)]
    public void Nothing_is_taken_where_all_that_can_be_given_makes_no_room(ulong alone, bool isReached)
    {
        using GroupHost host = new(isSecond: true);
        host.Limits["/machine.slice"] = 4096;
        host.Add("/machine.slice/a.scope", Silent("left-alone") with { Balloon = alone, Maximum = alone, Resident = 300 });
        host.Add("/machine.slice/b.scope", new AdviceGuest("giver-b") { Balloon = 2560, Maximum = 4096, Resident = 1400, Used = 1300, Unused = 600 });
        host.Add("/machine.slice/c.scope", Needy("needy") with { Balloon = 512, Maximum = 1024, Resident = 512, Used = 502 });
        Advisor advisor = new();
        HostAdvice advice = Look(advisor, host, default, 0);
        if (!isReached)
        {
            Assert.DoesNotContain(advice.Guests, guest => guest.Kind is AdviceKind.Take or AdviceKind.Wait or AdviceKind.Give);
            Assert.Equal((GuardRule.Budget, "The memory limit of control group /machine.slice leaves it 512 MiB."), Bound(advice, "needy"));
            return;
        }

        // Each step of the one is worth it: in the end, the other grows.
        for (int look = 0; look < 10 && advice.Guests.Any(guest => guest.Kind == AdviceKind.Take); look++)
        {
            Assert.Equal([("giver-b", AdviceKind.Take), ("needy", AdviceKind.Wait)], Told(advice, "giver-b", "needy"));
            double target = advice.Guests.Single(guest => guest.Kind == AdviceKind.Take).Target!.Value;
            host.Change("giver-b", guest => guest with { Balloon = (ulong)target });
            advice = advisor.Advise(host.See(40 + (30 * look), default), 40 + (30 * look));
        }

        Assert.Equal(AdviceKind.Give, Told(advice, "needy").Single().Item2);
    }

    // What the narrow group could make room for, the wide one leaves nobody.
    [Theory]
    [InlineData(800, AdviceKind.Take, AdviceKind.Wait)]
    [InlineData(0, AdviceKind.Keep, AdviceKind.Keep)]
    public void Nothing_is_taken_for_a_narrow_group_where_a_wide_one_leaves_no_room(ulong more, AdviceKind giver, AdviceKind needy)
    {
        using GroupHost host = new(isSecond: true);
        host.Limits["/machine.slice"] = 3350 + more;
        host.Limits["/machine.slice/pool"] = 800 + 800 + (2 * GroupHost.Qemu);
        host.Add("/machine.slice/pool/a.scope", Needy("needy"));
        host.Add("/machine.slice/pool/b.scope", Idle("idle") with { Used = 390, Resident = 400, Unused = 300 });
        host.Add("/machine.slice/c.scope", new AdviceGuest("busy-guest") { Balloon = 2000, Maximum = 2000, Resident = 1950, Used = 1900, Unused = 80 });
        HostAdvice advice = Look(new Advisor(), host, default, 0);
        AdviceKind told = Told(advice, "idle").Single().Item2;
        Assert.Equal((giver, needy), (told == AdviceKind.Could ? AdviceKind.Keep : told, Told(advice, "needy").Single().Item2));
        if (more == 0)
            Assert.Equal((GuardRule.Budget, "The memory limit of control group /machine.slice leaves it 800 MiB."), Bound(advice, "needy"));
    }

    // A guest is told to grow, does so, and then nobody tells its size any more: what it may have, no other gets, for as long as that lasts.
    [Theory]
    [InlineData(800)]
    [InlineData(1400)]
    public void What_a_guest_was_told_to_have_is_its_own_when_its_monitor_falls_silent(ulong resident)
    {
        using GroupHost host = new(isSecond: true);
        const ulong leaves = 2000;
        host.Limits["/vms"] = leaves + (2 * GroupHost.Qemu);
        host.Add("/vms", Needy("needy") with { Resident = resident });
        host.Add("/vms", Needy("later-one") with { Used = 400, Unused = 300 });
        Advisor advisor = new();
        double told = Look(advisor, host, default, 0).Guests.Single(guest => guest.Guest.Domain.Name == "needy").Target!.Value;
        Assert.InRange(told, 850, 1200);
        host.Change("needy", guest => guest with { Balloon = (ulong)told, Used = (ulong)told - 10 });
        host.Change("later-one", guest => guest with { Used = 790, Unused = 4 });
        for (double time = 20; time < 600; time += 10)
        {
            HostAdvice advice = advisor.Advise(host.See(time, default, guest => guest.Name == "needy" ? guest with { Balloon = null } : guest), time);
            Assert.Null(advice.Guests.Single(guest => guest.Guest.Domain.Name == "needy").Target);
            if (advice.Guests.Single(guest => guest.Guest.Domain.Name == "later-one") is { Kind: AdviceKind.Give, Target: { } target })
                host.Change("later-one", guest => guest with { Balloon = (ulong)target, Used = (ulong)target - 10 });
            Assert.InRange(host.Guests.Sum(one => (double)one.Guest.Balloon!.Value), 0, leaves);
        }

        // Its size is known again: so is what it leaves the other.
        host.Change("needy", guest => guest with { Balloon = 810, Used = 300, Unused = 300 });
        HostAdvice last = Look(advisor, host, default, 600);
        Assert.InRange(last.Guests.Single(guest => guest.Guest.Domain.Name == "later-one").Target ?? 0, host.Guests[1].Guest.Balloon!.Value + 1, leaves - 810);
    }

    // libvirt's daemons name no group, and tell a domain's own limit.
    [Fact]
    public async Task Through_a_daemon_that_names_no_group_the_domains_own_limit_holds()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        FakeDriver driver = new(new FakeDomain("limited", 1) { Limits = new DomainMemoryLimits(900 * KiB, null, null) }, new FakeDomain("other", 2));
        await using Connection connection = new(driver, "fake:///", new ConnectionOptions());
        SeenHost host = await HostSampler.LookAsync(connection, null, refresh: false, token);
        Assert.Equal([("limited", (ulong?)(900 * KiB)), ("other", null)], host.Guests.Select(guest => (guest.Domain.Name, guest.HardLimitKiB)));

        SeenHost seen = See(0, Needy("limited"), Needy("other"));
        seen = seen with { Guests = [seen.Guests[0] with { HardLimitKiB = 900 * KiB }, seen.Guests[1]] };
        GuestFacts[] facts = [.. seen.Guests.Select(GuestFacts.Of)];
        new GroupRoom().Share(default, facts);
        Assert.Equal([836.0], facts[0].Limits.Select(limit => limit.Leaves));
        Assert.Empty(facts[1].Limits);

        // It is nobody else's, and the advice names it.
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 6000 * KiB));
        advisor.Learn(seen, 0);
        HostAdvice advice = advisor.Advise(seen with { Guests = [.. See(10, Needy("limited"), Needy("other")).Guests.Select((guest, i) => guest with { HardLimitKiB = seen.Guests[i].HardLimitKiB })] }, 10);
        Assert.Equal(836, advice.Guests.Single(guest => guest.Guest.Domain.Name == "limited").Target);
        Assert.InRange(advice.Guests.Single(guest => guest.Guest.Domain.Name == "other").Target!.Value, 1000, 2048);
        Assert.Equal("The memory limit of its own control group leaves it 836 MiB.", facts[0].Limits[0].Explain(836));
    }

    // Both limits hold: the scope's 900 MiB, and what the slice leaves both; what one may not have, the other may.
    [Theory]
    [InlineData(900, 2000, "machine.slice", 836, 1200)]
    [InlineData(900, 2000, null, 836, 1200)]
    [InlineData(900, 1800, null, 836, 1200)]
    [InlineData(0, 1800, null, 836, 836)]
    public void Limits_of_a_scope_and_of_its_slice_both_hold(ulong scope, ulong slice, string? budget, int mostOne, int mostOther)
    {
        using GroupHost host = new(isSecond: true);
        host.Limits["/machine.slice"] = slice;
        if (scope > 0)
            host.Limits["/machine.slice/a.scope"] = scope;
        host.Add("/machine.slice/a.scope/libvirt/emulator", Needy("needy"));
        host.Add("/machine.slice/b.scope/libvirt/emulator", Needy("needy-too"));
        BudgetSetting setting = new(ControlGroup: budget);
        HostAdvice advice = Look(new Advisor(budget: setting), host, setting, 0);
        double one = Target(advice, "needy"), other = Target(advice, "needy-too");
        Assert.InRange(one, 801, mostOne);
        Assert.InRange(other, 801, mostOther);

        // Of a budget, a twentieth stays in reserve.
        double all = slice - (2 * GroupHost.Qemu) - (budget is null ? 0 : 0.05 * slice);
        Assert.InRange(one + other, Math.Min(all, mostOne + mostOther) - 20, all);

        static double Target(HostAdvice advice, string name) => advice.Guests.Single(guest => guest.Guest.Domain.Name == name).Target ?? 0;
    }

    [Theory]
    [InlineData(20, 20)]
    [InlineData(31, 31)]
    [InlineData(40, 20)]
    [InlineData(12, 0)]
    public void What_is_left_is_not_scattered_into_parts_that_are_worth_nothing(ulong left, double most)
    {
        using GroupHost host = new(isSecond: true);
        host.Limits["/vms"] = 800 + 800 + (2 * GroupHost.Qemu) + left;
        host.Add("/vms", Needy("needy"));
        host.Add("/vms", Needy("needy-too"));
        HostAdvice advice = Look(new Advisor(), host, default, 0);
        double[] given = [.. advice.Guests.Where(guest => guest.Kind == AdviceKind.Give).Select(guest => guest.Target!.Value - 800)];
        Assert.Equal(most, given.DefaultIfEmpty().Max());
        Assert.Equal(most > 0 ? left : 0, given.Sum());
    }

    [Theory]
    [InlineData(1400, 0, 1050.0, 1150.0)]
    [InlineData(1400, 1020, 1012.5, 1187.5)]
    [InlineData(900, 0, null, null)]
    [InlineData(double.NaN, 0, null, null)]
    public void What_a_group_leaves_is_shared_in_proportion_to_what_its_guests_lack(double leaves, double own, double? one, double? other)
    {
        // They lack 100 and 300 MiB; whom they share it with keeps 0.
        MemoryLimit shared = new("/vms", leaves + 800), narrow = new("/vms/one", own);
        GuardedGuest[] guests = [Guest("one", own > 0 ? [narrow, shared] : [shared]), Guest("other", [shared]), Guest("outside", [])];
        Assert.Equal([one, other, 1500], Decide(guests));

        // Of whom nobody knows the size may have it all.
        guests[2] = guests[2] with { Limits = [shared], State = guests[2].State with { Balloon = double.NaN } };
        Assert.Equal([null, null, null], Decide(guests));

        static double?[] Decide(GuardedGuest[] guests) =>
            [.. new BalloonGuard().Decide(new HostState(1e6, 0, 0, 0, 0, 10), guests, [new(1100, "needs"), new(1300, "needs"), new(1500, "needs")]).Select(decision => decision.Target)];

        static GuardedGuest Guest(string name, MemoryLimit[] limits) => new()
        {
            State = new GuestState { Name = name, Maximum = 4096, Minimum = 64, Balloon = 1000, LastWish = 1000, Resident = 1000, Report = null },
            IsCertain = true,
            Used = 900,
            Limits = limits,
        };
    }

    // A policy does not keep for a guest what its group would never let it have.
    [Fact]
    public void What_a_group_would_never_leave_a_guest_others_may_have()
    {
        using GroupHost host = new(isSecond: true);
        host.Limits["/vms"] = 900;
        host.Add("/vms", Needy("limited"));
        host.Add("/elsewhere", Needy("needy-one") with { Maximum = 4096 });
        BudgetSetting budget = new(SizeKiB: 2400 * KiB);
        HostAdvice advice = Look(new Advisor(budget: budget), host, budget, 0);
        Assert.Equal(836, advice.Guests.Single(guest => guest.Guest.Domain.Name == "limited").Target);
        Assert.InRange(advice.Guests.Single(guest => guest.Guest.Domain.Name == "needy-one").Target ?? 0, 1400, 2400 - 836);
    }

    // What others hold under a limit stays theirs when that cannot be read any more: 272 MiB are left, however guests grow into them.
    [Theory]
    [InlineData("sys/fs/cgroup/vms/memory.stat")]
    [InlineData("sys/fs/cgroup/vms/memory.max")]
    [InlineData("proc/4711/cgroup", "proc/4712/cgroup")]
    public void What_others_were_seen_to_hold_is_not_given_to_guests(params string[] files)
    {
        using GroupHost host = new(isSecond: true);
        const ulong leaves = 1872;
        host.Limits["/vms"] = leaves + 600 + (2 * GroupHost.Qemu);
        host.Others["/vms"] = 600;
        host.Add("/vms", Needy("needy"));
        host.Add("/vms", Needy("needy-too"));
        Advisor advisor = new();
        advisor.Learn(host.See(0, default), 0);
        for (double time = 10; time < 300; time += 10)
        {
            foreach (GuestAdvice advice in advisor.Advise(host.See(time, default), time).Guests)
            {
                if (advice.Target is { } target)
                    host.Change(advice.Guest.Domain.Name, guest => guest with { Balloon = (ulong)target, Resident = (ulong)target, Used = (ulong)target - 10 });
            }

            host.Unreadable.UnionWith(files);
            Assert.InRange(host.Guests.Sum(one => (double)one.Guest.Balloon!.Value), leaves - 40, leaves);
        }
    }

    [Fact]
    public void A_record_tells_a_replay_of_each_limit()
    {
        using GroupHost host = new(isSecond: true);
        host.Limits["/machine.slice"] = 1900;
        host.Limits["/machine.slice/a.scope"] = 900;
        host.Add("/machine.slice/a.scope/libvirt/emulator", Needy("needy"));
        host.Add("/machine.slice/b.scope/libvirt/emulator", Needy("needy-too"));
        using MemoryStream file = new();
        using (HostRecorder recorder = new(file, new RecordHeader(DateTimeOffset.UnixEpoch, null, null), long.MaxValue))
        {
            for (int look = 0; look < 20; look++)
                Assert.True(recorder.TryWrite(host.See(look * 10, default), look * 10));
            recorder.End(RecordEnd.Complete, 200);
        }

        file.Position = 0;
        Replay replay = RecordReplay.Run(file, ["ballast"], cancellationToken: TestContext.Current.CancellationToken);
        ReplayedGuest[] guests = [.. Assert.Single(replay.Policies).Guests];
        double[] wishes = [.. guests.Select(guest => ((guest.WishMib * guest.Seconds) - (800 * 10)) / (guest.Seconds - 10))];
        Assert.InRange(wishes[0], 801, 836);
        Assert.InRange(wishes.Sum(), 1700, 1900 - (2 * GroupHost.Qemu));
    }

    private static AdviceGuest Needy(string name) => new(name) { Balloon = 800, Maximum = 2048, Resident = 800, Used = 790, Unused = 4 };

    private static AdviceGuest Silent(string name) => new(name) { HasDriver = false };

    private static AdviceGuest Idle(string name) => new(name) { Balloon = 800, Maximum = 1024, Resident = 800, Used = 100, Unused = 600 };

    /// <summary>The advice at the second of two looks.</summary>
    private static HostAdvice Look(Advisor advisor, GroupHost host, BudgetSetting budget, double time)
    {
        advisor.Learn(host.See(time, budget), time);
        return advisor.Advise(host.See(time + 10, budget), time + 10);
    }

    private static IEnumerable<(string, AdviceKind)> Told(HostAdvice advice, params string[] names) =>
        advice.Guests.Where(guest => names.Contains(guest.Guest.Domain.Name)).Select(guest => (guest.Guest.Domain.Name, guest.Kind)).Order();

    private static (GuardRule?, string) Bound(HostAdvice advice, string name)
    {
        GuestAdvice guest = advice.Guests.Single(guest => guest.Guest.Domain.Name == name);
        return (guest.BoundBy, guest.Bound);
    }

    private static ProcessMemory Limited(ulong limit, ulong held) =>
        new AdviceGuest("any").Process with { GroupPath = "/vm", Group = new MemoryGroup(limit * KiB, null, held * KiB) { UnreclaimableKiB = held * KiB } };
}
