namespace Ballast.Tests.Cli;

/// <summary>What <c>doctor</c> finds about a guest's memory, its balloon and its process.</summary>
public sealed class DoctorGuestTests : DoctorTest
{
    [Fact]
    public async Task A_guest_that_was_ballooned_too_far_is_given_some_back()
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("db", 1, used: 1000, actual: 1124)));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith(
            "warning: db: uses 98 % of 1.0G; the balloon holds 924M\n    give some back: ballast -c fake:/// setmem db 1408MiB\n1 to fix: 1 guest, fake:///; asked: ballastd ", outcome.Output, StringComparison.Ordinal);

        // What it has nothing to get back from is short of memory as such; a name is quoted as a shell reads it.
        outcome = await RunAsync(new FakeDriver(Guest("d b", 1, used: 1000, actual: 2048)));
        Assert.StartsWith("warning: d b: uses 98 % of 1.0G, and the balloon holds nothing", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("setmem '=eq' 1408MiB", (await RunAsync(new FakeDriver(Guest("=eq", 1, used: 1000)))).Output, StringComparison.Ordinal);
        Assert.Contains("setmem 'd b' 1408MiB", (await RunAsync(new FakeDriver(Guest("d b", 1, used: 1000)))).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("VmLck", 1000, "is locked", "mem-lock=off")]
    [InlineData("VmPin", 1000, "passed-through device", "do not balloon")]
    [InlineData("HugetlbPages", 1000, "huge pages", "hugetlbfs")]
    [InlineData("VmSwap", 300, "the host has swapped out 300M", "--sort reclaimable")]
    public async Task Memory_that_cannot_be_ballooned_is_named(string field, ulong mib, string text, string remedy)
    {
        Write("1/status", $"Name:\tqemu-system-x86\n{field}:\t  {mib * MiB} kB\n");
        Outcome outcome = await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("warning: vm: ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(text, outcome.Output, StringComparison.Ordinal);
        Assert.Contains(remedy, outcome.Output, StringComparison.Ordinal);

        // An id that is not this domain's here says nothing of the guest, whatever runs under it.
        foreach (FakeDriver here in (FakeDriver[])[new(), new(Guest("vm10", 1, used: 100))])
            Assert.Equal(0, (await RunWithAsync(new FakeDriver(Guest("vm", 1, used: 100)), ["doctor"], here)).ExitCode);

        // How its process is called says nothing either.
        Write("1/status", $"Name:\tvm\n{field}:\t  {mib * MiB} kB\n");
        Assert.Equal(1, (await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)))).ExitCode);
        Write("1/status", $"Name:\tqemu-system-x86\n{field}:\t  8 kB\n");
        Assert.Equal(0, (await RunAsync(new FakeDriver(Guest("vm", 1, used: 100)))).ExitCode);
    }

    [Fact]
    public async Task What_the_host_holds_beyond_what_is_used_is_a_note()
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("vm", 1, used: 100, resident: 1100)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: vm: the host holds 1.1G of it and it uses 100M: 868M could be given back", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\n    take 676M of it, and leave it some for caches: ballast -c fake:/// setmem vm 448MiB\nNothing is wrong", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_has_less_than_setmem_would_leave_it_was_ballooned_too_far()
    {
        // It uses three quarters of what it has left: 225 of 300 MiB, of a balloon of 320.
        FakeDomain guest = new("forced", 1)
        {
            Facts = new()
            {
                Entries =
                [
                    new(MemoryStatTag.ActualBalloon, 320 * MiB), new(MemoryStatTag.Available, 300 * MiB), new(MemoryStatTag.Usable, 25 * MiB),
                    new(MemoryStatTag.LastUpdate, Now - 1), new(MemoryStatTag.Rss, 400 * MiB),
                ],
                PeriodSeconds = 2,
                IsRunning = true,
            },
            Statistics = [TypedParameter.ULLong("balloon.maximum", 2048 * MiB)],
        };
        Outcome outcome = await RunAsync(new FakeDriver(guest));
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("warning: forced: uses 92 % of 300M; the balloon holds", outcome.Output, StringComparison.Ordinal);
        MemoryStat[] entries = guest.Facts.Entries;
        entries[2] = new(MemoryStatTag.Usable, 31 * MiB);
        Assert.StartsWith("warning: forced: uses 90 % of 300M; the balloon holds", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
        entries[1] = new(MemoryStatTag.Available, 150 * MiB);
        Assert.StartsWith("warning: forced: uses 79 % of 150M; the balloon holds", (await RunAsync(new FakeDriver(guest with { Facts = guest.Facts with { Entries = [new(MemoryStatTag.ActualBalloon, 170 * MiB), .. entries[1..]] } }))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_boots_is_no_failure_until_it_takes_too_long()
    {
        FakeDomain young = Guest("young", 1, used: null) with { Facts = new() { Entries = [], PeriodSeconds = 60, IsRunning = true, DriverNotLoaded = true } };
        Write("uptime", "1000.00 1900.00\n");
        Write("1/status", "Name:\tqemu-system-x86\n");
        Write("1/stat", $"1 (qemu ) x) S {string.Concat(Enumerable.Repeat("0 ", 18))}99000 0\n");
        Outcome outcome = await RunAsync(new FakeDriver(young));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: young: has not reported yet; its QEMU started 10 s ago, so it may still boot\n    look again in a minute\n", outcome.Output, StringComparison.Ordinal);

        // What reported before has booted.
        outcome = await RunAsync(new FakeDriver(young with { Facts = young.Facts with { Entries = Old } }));
        Assert.StartsWith("warning: young: driver not loaded", outcome.Output, StringComparison.Ordinal);
        Write("1/stat", $"1 (qemu ) x) S {string.Concat(Enumerable.Repeat("0 ", 18))}90000 0\n");
        Assert.StartsWith("warning: young: driver not loaded", (await RunAsync(new FakeDriver(young))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_was_reset_is_no_failure_until_it_takes_too_long()
    {
        FakeDomain guest = Guest("reset", 1, used: 100);
        FakeDomain Reset(ulong age) => guest with
        {
            Facts = guest.Facts with { Entries = [.. guest.Facts.Entries.Where(entry => entry.Tag != MemoryStatTag.LastUpdate), new(MemoryStatTag.LastUpdate, Now - age)], PeriodSeconds = 10, IsFromBeforeReset = true },
        };
        Outcome outcome = await RunAsync(new FakeDriver(Reset(5)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: reset: was reset and has not reported since; its last report is 5 s old, so it may still boot\n    look again in a minute\n", outcome.Output, StringComparison.Ordinal);
        Assert.StartsWith("warning: reset: never reported", (await RunAsync(new FakeDriver(Reset(75)))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_balloon_that_moved_since_the_report_it_says_no_more_than_that()
    {
        FakeDomain guest = Guest("moved", 1, used: 950);
        Assert.Equal(1, (await RunAsync(new FakeDriver(guest))).ExitCode);
        MemoryStatsFacts grown = guest.Facts with { ActualAtReportKiB = guest.Sample.ActualKiB / 2, PeriodSeconds = 30 };
        Outcome outcome = await RunAsync(new FakeDriver(guest with { Facts = grown }));
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("note: moved: its balloon has moved since its last report", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("setmem", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_whose_next_report_is_due_is_looked_at_again()
    {
        FakeDomain guest = Guest("resumed", 1, used: 100);
        MemoryStatsFacts old = Facts(MemoryStatsReason.Stale) with { PeriodSeconds = 1 };
        guest.Coming.Enqueue(() => old);
        Assert.StartsWith("Nothing is wrong", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
        guest.Coming.Enqueue(() => old);
        guest.Coming.Enqueue(() => old);
        Assert.StartsWith("warning: resumed: stale", (await RunAsync(new FakeDriver(guest))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_guest_has_is_without_the_balloon_that_it_counts()
    {
        // 2 GiB less a balloon of 1024 MiB, of which it uses 900.
        MemoryStat[] entries =
        [
            new(MemoryStatTag.ActualBalloon, 1024 * MiB), new(MemoryStatTag.Available, 2000 * MiB), new(MemoryStatTag.Usable, 76 * MiB),
            new(MemoryStatTag.LastUpdate, Now - 1), new(MemoryStatTag.Rss, 1024 * MiB),
        ];
        FakeDomain guest = Guest("deflates", 1, used: null) with { Facts = new() { Entries = entries, PeriodSeconds = 2, IsRunning = true, BalloonInUsedKiB = 1024 * MiB } };
        Outcome outcome = await RunAsync(new FakeDriver(guest));
        Assert.StartsWith("warning: deflates: uses 92 % of 976M; the balloon holds 1.0G", outcome.Output, StringComparison.Ordinal);
    }
}
