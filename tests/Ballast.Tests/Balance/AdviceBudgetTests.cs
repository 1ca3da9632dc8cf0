using Ballast.Balance;
using Ballast.Balance.Advice;
using static Ballast.Tests.Balance.AdviceHost;

namespace Ballast.Tests.Balance;

/// <summary>How much memory there is to share out: of a host, of a control group, or as somebody says.</summary>
public sealed class AdviceBudgetTests
{
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

        // Where nobody tells what it cannot drop, it has what its QEMUs hold, beside what is available.
        Assert.Equal((5096.0, 64.0, 4096.0), Shared(new MemoryGroup(90000 * KiB, null, 100 * KiB)));

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
        foreach (string name in (string[])["vms", "/vms/", "/sys/fs/cgroup/vms", "/sys/fs/cgroup/memory/vms", "/vms//", "./vms", "vms/.", "vms/one/..", "/sys/fs/cgroup/./vms", "/sys/fs/cgroup//memory/vms/one/../"])
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
        Assert.Contains("this daemon does not report", Refusal(new BudgetSetting(ControlGroup: "x"), new HostMemory { Reason = MemoryStatsReason.UnsupportedByDaemon }), StringComparison.Ordinal);

        string Refusal(BudgetSetting budget, HostMemory host) =>
            Assert.Throws<BudgetException>(() => new Advisor(budget: budget).Advise(new SeenHost(host, [guest.See(0)]), 0)).Message;
    }
}
