using Ballast.Balance;
using Ballast.Balance.Advice;
using Ballast.Balance.Recording;
using Ballast.Tests.Cli;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>What could not be read is not nothing: it is as it was, or counts for the worse, and that is said.</summary>
public sealed class UnreadFactsTests
{
    private const string Slice = "/machine.slice", Scope = "/machine.slice/a.scope";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Each of them tells of a limit, or of what is held under one.
    [Theory]
    [InlineData(true, "proc/4711/cgroup")]
    [InlineData(true, "sys/fs/cgroup/machine.slice/memory.max")]
    [InlineData(true, "sys/fs/cgroup/machine.slice/memory.high")]
    [InlineData(true, "sys/fs/cgroup/machine.slice/memory.stat")]
    [InlineData(true, "sys/fs/cgroup/machine.slice/a.scope/memory.max")]
    [InlineData(true, "sys/fs/cgroup/machine.slice/a.scope/memory.high")]
    [InlineData(true, "sys/fs/cgroup/machine.slice/a.scope/memory.stat")]
    [InlineData(false, "proc/4711/cgroup")]
    [InlineData(false, "sys/fs/cgroup/memory/machine.slice/memory.limit_in_bytes")]
    [InlineData(false, "sys/fs/cgroup/memory/machine.slice/memory.stat")]
    [InlineData(false, "sys/fs/cgroup/memory/machine.slice/a.scope/memory.limit_in_bytes")]
    [InlineData(false, "sys/fs/cgroup/memory/machine.slice/a.scope/memory.stat")]
    public void A_limit_that_cannot_be_read_is_the_last_known_one_or_nobody_grows(bool isSecond, string file)
    {
        using GroupHost host = new(isSecond);
        host.Limits[Slice] = 836 + GroupHost.Qemu;
        host.Add(Scope, Needy());
        Assert.Equal(836, Told(new Advisor(), host, known: 2, looks: 2).Target);

        // Never read, and no longer to be read.
        host.Unreadable.Add(file);
        GuestAdvice never = Told(new Advisor(), host, known: 0, looks: 3), since = Told(new Advisor(), host, known: 2, looks: 6);
        Assert.Equal((null, false, "The memory limits of its control groups could not be read, so it gets no more than it has had."), (never.Target, never.AreLimitsKnown, never.Bound));
        Assert.Equal((836.0, false), (since.Target, since.AreLimitsKnown));

        // Neither is hidden from who asked.
        foreach (GuestAdvice guest in (GuestAdvice[])[never, since])
        {
            HostAdvice all = new(new HostState(8192, 0, 0, 0, 0, 10), Host, [guest], []);
            Assert.Contains(Ballast.Cli.Balance.AdviceText.Lines(all, all.Guests, new Dictionary<Guid, DomainStateInfo?>(), room: null, isWhole: true),
                line => line.StartsWith("The memory limits of 1 guest could not be read (needy)", StringComparison.Ordinal)
                    && line.EndsWith(" run ballast or ballastd as root on the host, outside of containers.", StringComparison.Ordinal));
        }

        // When it can be read again, it counts again.
        host.Unreadable.Clear();
        host.Limits[Slice] = 900 + GroupHost.Qemu;
        Assert.Equal((900.0, true), Told(new Advisor(), host, known: 2, looks: 2) is var again ? (again.Target, again.AreLimitsKnown) : default);
    }

    // Of each level what was read now counts, and of the rest what was read last. The guest has 800 MiB, and 64 MiB are its QEMU's.
    [Theory]
    [InlineData("", 900, 500, 0, 0, "")]
    [InlineData("a.scope/memory.stat", 900, 500, 0, 0, "")]
    [InlineData("a.scope/memory.stat", 900, 1000, 0, 0, "936")]
    [InlineData("a.scope/memory.high", 900, 500, 0, 0, "")]
    [InlineData("a.scope/memory.max", 1100, 1050, 950, 0, "886")]
    [InlineData("a.scope/memory.max", 1100, 950, 1000, 2000, "886")]
    [InlineData("memory.max", 900, 500, 0, 0, "836")]
    [InlineData("memory.max", 900, 500, 1000, 880, "816")]
    [InlineData("memory.max", 900, 500, 1000, 1200, "836")]
    public void A_limit_that_can_be_read_counts_though_another_cannot(string file, ulong slice, ulong sliceNow, ulong scope, ulong scopeNow, string target)
    {
        using GroupHost host = new(isSecond: true);
        host.Add(Scope, Needy());
        Advisor advisor = new();
        bool isRead = file.Length == 0;
        SetLimits(slice, scope);
        _ = Told(advisor, host, known: 2, looks: 2);
        SetLimits(sliceNow, scopeNow);
        foreach (double time in (double[])[20, 50])
        {
            GuestAdvice advice = Told(advisor, host, known: 0, looks: 2, unreadable: isRead ? null : $"sys/fs/cgroup/machine.slice/{file}", from: time);
            Assert.Equal((target, isRead), ($"{advice.Target}", advice.AreLimitsKnown));
        }

        void SetLimits(ulong ofSlice, ulong ofScope)
        {
            host.Limits[Slice] = ofSlice;
            _ = host.Limits.Remove(Scope);
            if (ofScope > 0)
                host.Limits[Scope] = ofScope;
        }
    }

    // What it had, nothing kept it from having; it is taken and given by hand here, and guards leave it alone for a while.
    [Fact]
    public void A_guest_whose_limits_were_never_read_gets_back_what_it_had_and_no_more()
    {
        using GroupHost host = new(isSecond: true);
        host.Limits[Slice] = 5000;
        host.Add(Scope, Needy());
        Advisor advisor = new();
        Assert.Null(Again(0).Target);
        host.Change("needy", guest => guest with { Balloon = 600, Used = 100, Unused = 400 });
        _ = Again(20);
        host.Change("needy", guest => guest with { Used = 595, Unused = 2 });
        GuestAdvice back = Again(1000);
        Assert.Equal((AdviceKind.Give, 800.0), (back.Kind, back.Target));
        host.Change("needy", guest => guest with { Balloon = 800, Used = 795 });
        GuestAdvice again = Again(1020);
        Assert.Equal((null, "The memory limits of its control groups could not be read, so it gets no more than it has had."), (again.Target, again.Bound));

        // Another run of it has had nothing.
        host.Change("needy", guest => guest with { Balloon = 600, Used = 595 });
        host.RunTime = TimeSpan.FromSeconds(70);
        Assert.Null(Again(3000).Target);

        GuestAdvice Again(double from) => Told(advisor, host, known: 0, looks: 2, "proc/4711/cgroup", from);
    }

    // What is known of groups that it left does not hold in the others, and what was known of those it shares with them does.
    [Theory]
    [InlineData(Scope, 0, "836")]
    [InlineData("/machine.slice/b.scope", 0, "")]
    [InlineData("/machine.slice/b.scope", 880, "816")]
    [InlineData("/elsewhere", 1000, "936")]
    public void A_guest_that_moves_to_another_group_has_the_limits_of_that(string group, ulong limit, string target)
    {
        using GroupHost host = new(isSecond: true);
        host.Limits[Slice] = 900;
        host.Add(Scope, Needy());
        Advisor advisor = new();
        Assert.Equal(836, Told(advisor, host, known: 2, looks: 2).Target);
        host.Move("needy", group);
        if (limit > 0)
            host.Limits[group] = limit;
        string? unreadable = limit == 0 ? $"sys/fs/cgroup{group}/memory.max" : null;
        for (int from = 20; from < 60; from += 10)
            Assert.Equal(target, $"{Told(advisor, host, known: 0, looks: 1, unreadable, from).Target}");
    }

    [Theory]
    [InlineData("sys/fs/cgroup/machine.slice/memory.max")]
    [InlineData("sys/fs/cgroup/machine.slice/memory.stat")]
    [InlineData("sys/fs/cgroup/vms.slice/memory.high")]
    [InlineData("proc/meminfo")]
    public void A_budget_that_cannot_be_read_is_no_budget(string file)
    {
        BudgetSetting budget = new(ControlGroup: file.Contains("vms", StringComparison.Ordinal) ? "vms.slice" : file.Contains("machine", StringComparison.Ordinal) ? "machine.slice" : null);
        using GroupHost host = new(isSecond: true);
        host.Limits[Slice] = host.Limits["/vms.slice"] = 2000;
        host.Add($"/{budget.ControlGroup ?? "machine.slice"}/a.scope", Needy());
        Advisor advisor = new(budget: budget);
        advisor.Learn(host.See(0, budget), 0);
        host.Unreadable.Add(file);
        BudgetException error = Assert.Throws<BudgetException>(() => advisor.Advise(host.See(10, budget), 10));
        Assert.Contains("--budget", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("has no limit", error.Message, StringComparison.Ordinal);
        host.Unreadable.Clear();
        Assert.NotEmpty(advisor.Advise(host.See(20, budget), 20).Guests);
    }

    // A limit of the group is worth no more than the host has for it.
    [Fact]
    public void A_group_whose_host_does_not_tell_what_is_available_is_no_budget()
    {
        BudgetSetting budget = new(ControlGroup: "machine.slice"), size = new(SizeKiB: 2000 * KiB);
        using GroupHost host = new(isSecond: true);
        host.Limits[Slice] = 100_000;
        host.Add(Scope, Needy());
        host.Unreadable.Add("proc/meminfo");
        Assert.Contains("--budget", Assert.Throws<BudgetException>(() => new Advisor(budget: budget).Advise(host.See(0, budget), 0)).Message, StringComparison.Ordinal);
        Assert.Equal(2000, new Advisor(budget: size).Advise(host.See(0, size), 0).Budget);
    }

    [Fact]
    public void A_guest_of_a_group_is_still_in_it_where_that_cannot_be_read()
    {
        BudgetSetting budget = new(ControlGroup: "machine.slice");
        using GroupHost host = new(isSecond: true);
        host.Limits[Slice] = 2000;
        host.Add(Scope, Needy());
        host.Add(Scope, Needy() with { Name = "neighbour" });
        Advisor advisor = new(budget: budget);
        advisor.Learn(host.See(0, budget), 0);
        host.Unreadable.Add("proc/4711/cgroup");
        Assert.Equal(["needy", "neighbour"], advisor.Advise(host.See(10, budget), 10).Guests.Select(guest => guest.Guest.Domain.Name).Order(StringComparer.Ordinal));

        // A replay of that goes on with it, too.
        using MemoryStream file = new();
        using (HostRecorder recorder = new(file, new RecordHeader(DateTimeOffset.UnixEpoch, null, budget.ControlGroup), long.MaxValue))
        {
            for (int look = 0; look < 10; look++)
            {
                host.Unreadable.Clear();
                if (look == 5)
                    host.Unreadable.Add("proc/4711/cgroup");
                Assert.True(recorder.TryWrite(host.See(look * 10, budget), look * 10));
            }

            recorder.End(RecordEnd.Complete, 100);
        }

        file.Position = 0;
        ReplayResult replayed = Assert.Single(RecordReplay.Run(file, ["static"], cancellationToken: Token).Policies);
        Assert.Equal([("needy", 90.0), ("neighbour", 90.0)], replayed.Guests.Select(guest => (guest.Name, guest.Seconds)));
    }

    [Fact]
    public void Only_the_available_memory_that_is_missing_is_no_reason_to_think_that_there_is_much()
    {
        HostMemory partly = Host with { AvailableKiB = null };
        Assert.Throws<BudgetException>(() => new Advisor().Advise(new SeenHost(partly, [Needy().See(0)]), 0));

        // Some daemons of libvirt's have never told it.
        Assert.InRange(new Advisor().Advise(new SeenHost(partly with { Reason = MemoryStatsReason.UnsupportedByDaemon }, [Needy().See(0)]), 0).Budget, 1, 8192 * 0.9);
    }

    [Fact]
    public void Locked_memory_is_still_locked_where_that_cannot_be_read_any_more()
    {
        using GroupHost host = new(isSecond: true) { Locked = 800 * KiB };
        host.Add(Scope, Needy() with { Used = 100, Unused = 600 });
        GuestAdvice locked = Told(new Advisor(), host, known: 2, looks: 4, unreadable: "proc/4711/status");
        Assert.Equal((AdviceKind.Leave, "Its memory is locked: its balloon would give the host nothing back."), (locked.Kind, locked.Reason));

        // Of whom that was never known, nobody says that the host gets memory back for certain.
        GuestAdvice unknown = Told(new Advisor(), host, known: 0, looks: 2, unreadable: "proc/4711/status");
        Assert.Equal((AdviceKind.Could, false), (unknown.Kind, unknown.IsGainCertain));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("sys/kernel/mm/ksm/pages_sharing", false)]
    public void Where_nobody_knows_what_is_merged_a_gain_is_not_certain(string? file, bool isCertain)
    {
        using GroupHost host = new(isSecond: true);
        host.Add(Scope, Needy() with { Used = 100, Unused = 600 });
        if (file is not null)
            host.Unreadable.Add(file);
        GuestAdvice advice = Told(new Advisor(), host, known: 0, looks: 2);
        Assert.Equal((AdviceKind.Could, isCertain), (advice.Kind, advice.IsGainCertain));
    }

    [Fact]
    public void Pressure_that_cannot_be_read_has_not_ended()
    {
        using GroupHost host = new(isSecond: true) { IsPressed = true };
        host.Add(Scope, Needy() with { Used = 100 });
        Advisor advisor = new();
        _ = Told(advisor, host, known: 2, looks: 8, unreadable: "proc/pressure/memory");
        Assert.Equal(2, advisor.Period);
        host.IsPressed = false;
        _ = Told(advisor, host, known: 8, looks: 8, from: 100);
        Assert.Equal(30, advisor.Period);
    }

    // Answers that mean that there is none, and failures, which mean nothing.
    [Theory]
    [InlineData(ErrorCode.NoSupport, false)]
    [InlineData(ErrorCode.OperationUnsupported, false)]
    [InlineData(ErrorCode.OperationInvalid, false)]
    [InlineData(ErrorCode.NoDomain, false)]
    [InlineData(ErrorCode.OperationTimeout, true)]
    [InlineData(ErrorCode.InternalError, true)]
    [InlineData(ErrorCode.SystemError, true)]
    [InlineData(ErrorCode.AccessDenied, true)]
    public async Task A_daemon_that_fails_to_tell_a_limit_or_a_job_has_not_said_that_there_is_none(ErrorCode code, bool isUnknown)
    {
        LibvirtException failure = LibvirtError.Report(code, ErrorOrigin.Test, "no");
        SeenGuest limit = await SeeAsync(new FakeDomain("needy", 1) { LimitsFailure = failure }), job = await SeeAsync(new FakeDomain("needy", 1) { JobFailure = failure });
        Assert.Equal((isUnknown, (bool?)false), (limit.IsHardLimitUnknown, limit.HasJob));
        Assert.Equal((false, isUnknown ? null : (bool?)false), (job.IsHardLimitUnknown, job.HasJob));

        // The last limit stands, and so does that it migrates; that it does not may have changed since.
        SeenGuest seen = Needy().See(0) with { Process = limit.Process };
        SeenGuest limited = seen with { HardLimitKiB = 900 * KiB }, failed = seen with { HardLimitKiB = null, IsHardLimitUnknown = limit.IsHardLimitUnknown };
        Assert.InRange(Second(limited, failed).Target!.Value, isUnknown ? 836 : 837, isUnknown ? 836 : 2048);
        Assert.Equal(isUnknown, Second(failed, failed).Target is null);
        Assert.Equal(isUnknown ? AdviceKind.Leave : AdviceKind.Give, Second(seen with { HasJob = job.HasJob }, seen with { HasJob = job.HasJob }).Kind);
        foreach (bool before in (bool[])[false, true])
            Assert.Equal(isUnknown ? AdviceKind.Leave : AdviceKind.Give, Second(seen with { HasJob = before }, seen with { HasJob = job.HasJob }).Kind);
    }

    [Fact]
    public async Task However_many_domains_there_are_the_limit_of_each_is_asked_for()
    {
        const int count = 1200;
        FakeDomain[] domains = [.. Enumerable.Range(1, count).Select(id => new FakeDomain($"guest-{id}", id) { Limits = new DomainMemoryLimits((ulong)id, null, null) })];
        await using Connection connection = new(new FakeDriver(domains), "fake:///", new ConnectionOptions());
        SeenHost host = await HostSampler.LookAsync(connection, null, refresh: false, Token);
        Assert.Equal(domains.Select(domain => domain.Limits.HardKiB).Order(), host.Guests.Select(guest => guest.HardLimitKiB).Order());
    }

    private static async Task<SeenGuest> SeeAsync(FakeDomain domain)
    {
        await using Connection connection = new(new FakeDriver(domain), "fake:///", new ConnectionOptions());
        return Assert.Single((await HostSampler.LookAsync(connection, null, refresh: false, Token)).Guests);
    }

    private static GuestAdvice Second(SeenGuest first, SeenGuest second)
    {
        Advisor advisor = new(budget: new BudgetSetting(SizeKiB: 6000 * KiB));
        advisor.Learn(new SeenHost(Host, [first]), 0);
        SeenGuest later = Needy().See(10);
        return Assert.Single(advisor.Advise(new SeenHost(Host, [second with { Stats = later.Stats }]), 10).Guests);
    }

    /// <summary>The advice at the last of some looks, at the first of which everything can be read.</summary>
    private static GuestAdvice Told(Advisor advisor, GroupHost host, int known, int looks, string? unreadable = null, double from = 0)
    {
        string[] files = [.. host.Unreadable, .. unreadable is null ? (string[])[] : [unreadable]];
        GuestAdvice? last = null;
        for (int look = 0; look < looks; look++)
        {
            host.Unreadable.Clear();
            if (look >= known)
                host.Unreadable.UnionWith(files);
            last = Assert.Single(advisor.Advise(host.See(from + (look * 10), default), from + (look * 10)).Guests);
        }

        return last!;
    }

    private static AdviceGuest Needy() => new("needy") { Balloon = 800, Maximum = 2048, Resident = 800, Used = 790, Unused = 4 };
}
