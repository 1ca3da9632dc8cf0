namespace Ballast.Tests.Cli;

/// <summary>setmem looks before it takes.</summary>
public sealed class SetMemTests
{
    private const ulong MiB = 1024;
    private const ulong Now = 1_700_000_000;

    /// <summary>A guest of 1 GiB whose balloon leaves it 512 MiB, of which it uses 200; 32 are its kernel's own.</summary>
    private static FakeDomain Guest(MemoryStatsFacts? facts = null) => new("guest", 7)
    {
        Facts = facts ?? Facts(),
    };

    private static MemoryStatsFacts Facts() => new()
    {
        Entries =
        [
            new(MemoryStatTag.ActualBalloon, 512 * MiB), new(MemoryStatTag.Available, 480 * MiB), new(MemoryStatTag.Usable, 280 * MiB),
            new(MemoryStatTag.LastUpdate, Now),
        ],
        PeriodSeconds = 2,
        IsRunning = true,
        MaximumKiB = 1024 * MiB,
    };

    [Theory]
    [InlineData("1", "1 KiB", "; a size without a unit is in KiB (1G means 1 GiB)")]
    [InlineData("200M", "200 MiB", "")]
    [InlineData("263M", "263 MiB", "")]
    public async Task A_target_below_what_the_guest_uses_and_a_margin_is_refused(string size, string said, string hint)
    {
        FakeDriver driver = new(Guest());
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", size);

        Assert.Equal(new Outcome(1, "\n",
            $"error: guest was not changed: it needs 232 MiB (it uses 200 MiB, its kernel needs the rest) and 32 MiB to spare, more than {said}\nerror: --force sets it anyway{hint}\n"), outcome);
        Assert.Empty(driver.Changes);
    }

    [Theory]
    [InlineData("264M")]
    [InlineData("512M")]
    [InlineData("1G")]
    public async Task What_leaves_it_enough_is_set_without_a_word(string size)
    {
        FakeDriver driver = new(Guest());
        Assert.Equal(new Outcome(0, "\n", ""), await CliRun.BallastAsync(driver, "setmem", "guest", size));
        Assert.Single(driver.Changes);
    }

    [Fact]
    public async Task At_a_terminal_it_says_what_it_does() =>
        Assert.Equal(
            new Outcome(0, "\n", "guest: from 512 MiB to 300 MiB; the guest uses 200 MiB\n"),
            await CliRun.BallastAtTerminalAsync(new FakeDriver(Guest()), "setmem", "guest", "300M"));

    [Theory]
    [InlineData("setmem guest 1 --force")]
    [InlineData("setmem guest 1 --config")]
    public async Task Force_and_another_definition_take_nothing_for_granted(string line)
    {
        FakeDriver driver = new(Guest());
        Assert.Equal(0, (await CliRun.BallastAsync(driver, line)).ExitCode);
        Assert.Single(driver.Changes);
    }

    [Fact]
    public async Task As_virsh_it_refuses_and_says_nothing()
    {
        FakeDriver driver = new(Guest());
        Assert.Equal(new Outcome(0, "\n", ""), await CliRun.VirshAtTerminalAsync(driver, "setmem", "guest", "1"));
        Assert.Single(driver.Changes);
    }

    [Theory]
    [InlineData(true, "600M", "guest: the balloon does not move until the guest loads its driver. Load virtio_balloon")]
    [InlineData(true, "300M", "guest: the balloon does not move until the guest loads its driver. Load virtio_balloon")]
    [InlineData(false, "300M", "the memory in use by guest is unknown; make sure that 300 MiB is enough. guest: never reported. Wait for")]
    public async Task Where_nothing_moves_or_nobody_knows_there_is_a_warning(bool lacksDriver, string size, string warning)
    {
        FakeDriver driver = new(Guest(Facts() with { Entries = [new(MemoryStatTag.ActualBalloon, 512 * MiB)], DriverNotLoaded = lacksDriver }));
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", size);

        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith($"warning: {warning}", outcome.Error, StringComparison.Ordinal);
        Assert.Single(driver.Changes);
        Assert.Equal("", (await CliRun.VirshAtTerminalAsync(driver, "setmem", "guest", size)).Error);
    }

    [Theory]
    [InlineData(300, 1000, 800, "240M")]
    [InlineData(1024, 300, 200, "500M")]
    public async Task A_report_from_before_the_balloon_moved_tells_no_more_than_what_is_used(ulong actual, ulong available, ulong usable, string size)
    {
        FakeDriver driver = new(Guest(Facts() with
        {
            Entries =
            [
                new(MemoryStatTag.ActualBalloon, actual * MiB), new(MemoryStatTag.Available, available * MiB), new(MemoryStatTag.Usable, usable * MiB),
                new(MemoryStatTag.LastUpdate, Now - 3600),
            ],
        }));
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", size);

        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("warning: the memory in use by guest is unknown", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_of_which_nobody_knows_the_use_may_be_given_memory_back()
    {
        FakeDriver driver = new(Guest(Facts() with { Entries = [new(MemoryStatTag.ActualBalloon, 512 * MiB)] }));
        Assert.Equal(new Outcome(0, "\n", ""), await CliRun.BallastAsync(driver, "setmem", "guest", "600M"));
        Assert.Single(driver.Changes);
    }

    [Fact]
    public async Task Numbers_that_contradict_each_other_are_not_relied_on()
    {
        MemoryStatsFacts facts = Facts();
        FakeDriver driver = new(Guest(facts with { Entries = [.. facts.Entries, new(MemoryStatTag.Unused, 900 * MiB)] }));
        Assert.Contains("inconsistent (unused above available)", (await CliRun.BallastAsync(driver, "setmem", "guest", "300M")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_ends_where_the_balloon_stands()
    {
        FakeDriver driver = new(Guest());
        Assert.Equal(0, (await CliRun.BallastAsync(driver, "setmem", "guest", "512M", "--wait")).ExitCode);
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", "300M", "--wait", "--timeout", "1");
        Assert.Equal(new Outcome(1, "\n",
            "error: guest is at 512 MiB after 1 s instead of 300 MiB. The guest cannot give up more, or needs more time; the target stays set.\n"), outcome);
    }

    [Fact]
    public async Task A_paused_guest_is_told_to_run_before_its_balloon_moves()
    {
        FakeDriver driver = new(Guest(Facts() with { IsRunning = false }));
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", "300M", "--wait", "--timeout", "1");
        Assert.Contains("instead of 300 MiB. A balloon moves only while its guest runs; the target stays set. Resume the domain.\n", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.5G", "1536MiB")]
    [InlineData("0.5gib", "512MiB")]
    [InlineData("256X", "512MiB")]
    [InlineData("much", "512MiB")]
    [InlineData("", "512MiB")]
    public async Task A_size_that_is_none_is_answered_with_one_that_is(string size, string example)
    {
        FakeDriver driver = new(Guest());
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", size);
        Assert.Equal(1, outcome.ExitCode);
        Assert.EndsWith($"\nhint: write a whole number and a unit in one word: {example}; units are KiB, MiB, GiB, TiB (or K, M, G, T)\n", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hint", (await CliRun.VirshAtTerminalAsync(driver, "setmem", "guest", size)).Error, StringComparison.Ordinal);
        Assert.Empty(driver.Changes);
    }

    [Theory]
    [InlineData("setmem guest 300M --timeout 5", "option --timeout is for --wait")]
    [InlineData("setmem guest 300M --wait --timeout 0", "option --timeout must be at least 1")]
    public async Task A_timeout_that_means_nothing_is_refused(string line, string error)
    {
        FakeDriver driver = new(Guest());
        Assert.Equal(new Outcome(1, "\n", $"error: {error}\n"), await CliRun.BallastAsync(driver, line));
        Assert.Empty(driver.Changes);
    }

    [Theory]
    [InlineData("--live --config")]
    [InlineData("--config --live")]
    [InlineData("--live")]
    [InlineData("--current")]
    public async Task Whatever_else_is_set_what_runs_is_looked_at_and_waited_for(string impact)
    {
        FakeDriver driver = new(Guest());
        Outcome outcome = await CliRun.BallastAsync(driver, $"setmem guest 200M {impact}");
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("error: guest was not changed: it needs 232 MiB", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(driver.Changes);

        outcome = await CliRun.BallastAsync(driver, $"setmem guest 300M {impact} --wait --timeout 1");
        Assert.StartsWith("error: guest is at 512 MiB after 1 s instead of 300 MiB.", outcome.Error, StringComparison.Ordinal);
    }

    // 38 MiB are its kernel's own, whatever the balloon holds.
    private static MemoryStatsFacts Grown(ulong age, ulong available, ulong usable) => Facts() with
    {
        Entries =
        [
            new(MemoryStatTag.ActualBalloon, 256 * MiB), new(MemoryStatTag.Available, available * MiB), new(MemoryStatTag.Usable, usable * MiB),
            new(MemoryStatTag.LastUpdate, Now - age),
        ],
        PeriodSeconds = 30,
        MaximumKiB = 256 * MiB,
    };

    [Fact]
    public async Task What_was_reported_before_the_balloon_grew_is_compared_with_the_balloon_of_then()
    {
        FakeDriver driver = new(Guest(Grown(20, 122, 99) with { ActualAtReportKiB = 160 * MiB }));
        Assert.Equal(new Outcome(0, "\n", ""), await CliRun.BallastAsync(driver, "setmem", "guest", "180M"));
        Assert.Contains("it needs 61 MiB (it uses 23 MiB, its kernel needs the rest)", (await CliRun.BallastAsync(driver, "setmem", "guest", "90M")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nobody_knows_which_was_first_only_what_is_used_is_kept()
    {
        FakeDriver driver = new(Guest(Grown(20, 122, 99) with { ActualAtReportKiB = 0 }));
        Outcome outcome = await CliRun.BallastAsync(driver, "setmem", "guest", "90M");
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith("warning: the memory in use by guest is unknown", outcome.Error, StringComparison.Ordinal);

        driver.Changes.Clear();
        outcome = await CliRun.BallastAsync(driver, "setmem", "guest", "54M");
        Assert.StartsWith("error: guest was not changed: it needs 23 MiB and 32 MiB to spare, more than 54 MiB\n", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(driver.Changes, change => change.StartsWith("memory", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ErrorCode.OperationTimeout, null, "")]
    [InlineData(ErrorCode.NoSupport, ErrorCode.OperationDenied, "period guest 0 Live")]
    [InlineData(ErrorCode.NoSupport, ErrorCode.OperationTimeout, "period guest 0 Live|period guest 30 Live")]
    public async Task A_period_is_touched_only_where_there_is_no_refresh_and_is_set_back_where_it_may_be_off(ErrorCode refresh, ErrorCode? off, string periods)
    {
        FakeDriver driver = new(Guest(Grown(20, 122, 99))) { RefreshFailure = refresh, OffFailure = off };
        _ = await CliRun.BallastAsync(driver, "setmem", "guest", "180M");
        Assert.Equal(periods, string.Join('|', driver.Changes.Where(change => change.StartsWith("period", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Through_a_daemon_of_libvirts_a_guest_is_made_to_report_by_its_period()
    {
        FakeDomain guest = Guest(Grown(0, 218, 195));
        guest.Coming.Enqueue(() => Grown(20, 122, 99));
        guest.Coming.Enqueue(() => Grown(20, 122, 99));
        FakeDriver driver = new(guest);
        Assert.Equal(new Outcome(0, "\n", ""), await CliRun.BallastAsync(driver, "setmem", "guest", "180M"));
        Assert.Equal(["period guest 0 Live", "period guest 30 Live", $"memory guest {180 * MiB} Live"], driver.Changes);

        // What gives takes nothing, and what reported just now has told all.
        driver.Changes.Clear();
        guest.Coming.Enqueue(() => Grown(20, 122, 99));
        _ = await CliRun.BallastAsync(driver, "setmem", "guest", "256M");
        _ = await CliRun.BallastAsync(driver, "setmem", "guest", "200M");
        Assert.Equal([$"memory guest {256 * MiB} Live", $"memory guest {200 * MiB} Live"], driver.Changes);
    }
}
