using Ballast.Balance.Advice;

namespace Ballast.Tests.Balance;

/// <summary>Whatever groups QEMUs are in and wherever limits are set, the kernel kills nobody because of advice.</summary>
public sealed class GroupLimitWorldTests
{
    private const int Looks = 12;

    private int _given, _taken;

    [Fact]
    public void Nobody_gives_for_nothing_or_waits_for_ever()
    {
        const int worlds = 300, looks = 40;
        int taken = 0, full = 0;
        for (int seed = 0; seed < worlds; seed++)
        {
            Random random = new(seed);
            using GroupHost host = new(isSecond: true);
            Build(host, random);
            foreach (AdviceGuest guest in host.Guests.Select(one => one.Guest).ToArray())
            {
                ulong balloon = guest.Balloon!.Value;
                host.Change(guest.Name, one => one with { HasDriver = random.Next(4) != 0, Used = random.Next(3) == 0 ? balloon - 5 : (ulong)random.Next(40, 400), Unused = random.Next(2) == 0 ? 2u : 200u });
            }

            // Guests stay as they are, and everybody does what is advised.
            Advisor advisor = new();
            AdviceKind[] kinds = [];
            bool isTaken = false, isGiven = false;
            for (int look = 0; look < looks; look++)
            {
                HostAdvice advice = advisor.Advise(host.See(look * 30, default), look * 30);
                kinds = [.. advice.Guests.Select(one => one.Kind)];
                isTaken |= kinds.Contains(AdviceKind.Take);
                isGiven |= isTaken && kinds.Contains(AdviceKind.Give);
                foreach (GuestAdvice one in advice.Guests.Where(one => one.Kind is AdviceKind.Give or AdviceKind.Take))
                    host.Change(one.Guest.Domain.Name, guest => guest with { Balloon = (ulong)one.Target!.Value });
                full += advice.Guests.Count(one => one is { Kind: AdviceKind.Keep, IsShort: true });
            }

            Assert.True(isGiven || !isTaken, $"world {seed}: it was taken, and given to nobody");
            Assert.True(!kinds.Contains(AdviceKind.Wait), $"world {seed}: it ends in {string.Join(", ", kinds)}");
            taken += isTaken ? 1 : 0;
        }

        Assert.True(taken > 20 && full > 100, $"{taken} worlds where it was taken, {full} times full");
    }

    [Fact]
    public void Who_does_all_at_once_that_one_look_advises_exceeds_no_limit_at_any_level()
    {
        const int worlds = 120;
        for (int seed = 0; seed < worlds; seed++)
            Live(seed);
        Assert.True(_given > 200 && _taken > 100, $"{_given} given, {_taken} taken");
    }

    private void Live(int seed)
    {
        Random random = new(seed);
        using GroupHost host = new(isSecond: random.Next(2) == 0);
        Build(host, random);
        BudgetSetting budget = random.Next(3) switch
        {
            0 when host.Limits.ContainsKey("/machine.slice") => new BudgetSetting(ControlGroup: "machine.slice"),
            1 => new BudgetSetting(SizeKiB: (ulong)random.Next(2000, 12000) * AdviceHost.KiB),
            _ => default,
        };
        Advisor advisor = new(budget: budget);
        for (int look = 0; look < Looks; look++)
        {
            foreach (AdviceGuest guest in host.Guests.Select(one => one.Guest).ToArray())
                host.Change(guest.Name, one => Lived(one, random));
            HostAdvice advice = advisor.Advise(host.See(look * 10, budget, guest => random.Next(6) == 0 ? guest with { Balloon = null } : guest), look * 10);
            Dictionary<string, GuestAdvice> told = advice.Guests.ToDictionary(one => one.Guest.Domain.Name);
            foreach ((string group, ulong limit) in host.Limits)
            {
                double before = host.MostHeld(group, guest => guest.Balloon!.Value), after = host.MostHeld(group, Followed);
                Assert.True(after <= Math.Max(before, limit), $"world {seed}, look {look}: {group} may hold {limit} MiB, and would hold {after} MiB after {before}");
            }

            double Followed(AdviceGuest guest) =>
                told.GetValueOrDefault(guest.Name) is { Kind: AdviceKind.Give, Target: { } target } ? Math.Max(target, guest.Balloon!.Value) : guest.Balloon!.Value;

            _given += advice.Guests.Count(one => one.Kind == AdviceKind.Give);
            _taken += advice.Guests.Count(one => one.Kind == AdviceKind.Take);

            bool isAll = random.Next(2) == 0;
            foreach (GuestAdvice one in advice.Guests.Where(one => one.Kind is AdviceKind.Give or AdviceKind.Take && (isAll || random.Next(2) == 0)))
                host.Change(one.Guest.Domain.Name, guest => guest with { Balloon = (ulong)one.Target!.Value });
        }
    }

    private static void Build(GroupHost host, Random random)
    {
        int guests = random.Next(2, 7);
        for (int i = 1; i <= guests; i++)
        {
            string group = random.Next(5) switch
            {
                0 => "/plain",
                1 => $"/machine.slice/pool/vm{i}.scope/libvirt/emulator",
                _ => $"/machine.slice/vm{i}.scope/libvirt/emulator",
            };
            ulong balloon = (ulong)random.Next(300, 1500);
            host.Add(group, new AdviceGuest(new string('g', i)) { Balloon = balloon, Resident = balloon, Maximum = balloon + (ulong)random.Next(0, 2000), Used = 100 });
        }

        string[] shared = ["/machine.slice", "/machine.slice/pool", "/plain"];
        string[] own = [.. host.Guests.Where(one => one.Group.Contains(".scope", StringComparison.Ordinal)).Select(one => one.Group[..one.Group.IndexOf("/libvirt", StringComparison.Ordinal)])];
        foreach (string group in (string[])[.. shared, .. own])
        {
            if (random.Next(4) == 0)
                host.Others[group] = (ulong)random.Next(500);
            if (random.Next(3) != 0)
                host.Limits[group] = (ulong)(host.MostHeld(group, guest => guest.Balloon!.Value) + random.Next(-100, 600)) + 100;
        }
    }

    private static AdviceGuest Lived(AdviceGuest guest, Random random)
    {
        ulong used = Math.Min(guest.Balloon!.Value, random.Next(3) switch
        {
            0 => guest.Balloon.Value - 5,
            1 => (ulong)random.Next(40, 400),
            _ => guest.Used,
        });
        return guest with { Used = used, Unused = random.Next(2) == 0 ? 2u : 200u, Resident = Math.Min(guest.Balloon.Value, Math.Max(guest.Resident!.Value, used)) };
    }
}
