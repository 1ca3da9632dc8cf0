using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ballast.Guests;
using Ballast.Tests.Balance;
using Ballast.Transports;

namespace Ballast.Tests.Cli;

/// <summary>What counts as a loss, how often a command tries to come back, what it says meanwhile, and what it finds then.</summary>
public sealed class LostConnectionReturnTests : IDisposable
{
    private const string Again = LostConnectionTests.Again, Lost = LostConnectionTests.Lost, NotYet = LostConnectionTests.NotYet;
    private const string Refused = "error: Failed to reconnect to the hypervisor\nerror: Permission denied\n";

    private readonly PrivateDirectory _directory = new();
    private readonly List<string?> _opened = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public async Task A_call_that_takes_too_long_is_a_loss_only_where_nothing_else_would_tell_one(bool isUnprobed, int opened)
    {
        FakeDomain guest = LostConnectionTests.Guest();
        guest.Coming.Enqueue(() => guest.Facts);
        guest.Coming.Enqueue(() => throw TooLate());
        Outcome outcome = await RunAsync(new HurriedTime(), [() => new FakeDriver(guest)], [.. isUnprobed ? (string[])["-k", "0"] : [], "watch", "guest", "--count", "2"]);
        Assert.Equal((isUnprobed ? 0 : 2, opened), (outcome.ExitCode, _opened.Count));
        Assert.StartsWith(isUnprobed
            ? "warning: fake:///: Timed out during operation: the daemon did not answer; trying to connect again\n" + Again
            : "error: Failed to get memory statistics for domain guest\nerror: Timed out during operation: the daemon did not answer\n", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_counts_such_a_call_and_goes_on_with_its_connection()
    {
        FakeDomain guest = LostConnectionTests.Guest();
        FakeDriver driver = new(guest);
        guest.Coming.Enqueue(() =>
        {
            driver.Failure = TooLate();
            return guest.Facts;
        });
        string path = _directory.File("host.rec");
        Outcome outcome = await RunAsync(TimeProvider.System, [() => driver], "balance", "record", path, "--period", "1", "--duration", "2s");
        Assert.Equal((0, 1, "warning: a sample failed: Timed out during operation: the daemon did not answer\n"), (outcome.ExitCode, _opened.Count, outcome.Error));
        Assert.Matches("host.rec: 1 sample of 1 guest, [12] failed in ", outcome.Output);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_daemon_that_dies_of_each_question_is_asked_less_and_less_often(bool isQuiet)
    {
        NotingTime time = new();
        Outcome outcome = await RunAsync(
            time, [() => LostConnectionTests.Losing(LostConnectionTests.Guest(), 1), .. Enumerable.Repeat(Dying, 6), () => new FakeDriver(LostConnectionTests.Guest())],
            [.. isQuiet ? (string[])["-q"] : [], "watch", "guest", "--count", "2"]);
        Assert.Equal((0, 8), (outcome.ExitCode, _opened.Count));
        if (isQuiet)
            Assert.Equal([0.25, 0.5, 1, 2, 4, 8, 10], time.Pauses);
        else
            Assert.Matches($"^{Regex.Escape(Lost + Again)}[^\n]*\n{Regex.Escape(Lost + Again)}[^\n]*\n$", outcome.Error); // it was back, was not after all, and answers

        static FakeDriver Dying()
        {
            FakeDomain guest = LostConnectionTests.Guest();
            FakeDriver driver = new(guest);
            guest.Coming.Enqueue(() =>
            {
                driver.IsAlive = false;
                throw LostConnectionTests.Closed();
            });
            return driver;
        }
    }

    [Fact]
    public async Task An_answer_makes_the_next_pause_a_short_one()
    {
        NotingTime time = new();
        Outcome outcome = await RunAsync(
            time,
            [() => LostConnectionTests.Losing(LostConnectionTests.Guest(), 1), LostConnectionTests.Away, () => LostConnectionTests.Losing(LostConnectionTests.Guest(), 1), () => new FakeDriver(LostConnectionTests.Guest())],
            "-q", "watch", "guest", "--count", "3");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal([0.25, 0.5, 0.25], time.Pauses);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_waits_for_events_hears_once_of_a_daemon_that_comes_and_goes(bool isQuiet)
    {
        NotingTime time = new(slow: TimeSpan.FromSeconds(10), lasts: TimeSpan.FromSeconds(1));
        Outcome outcome = await RunAsync(
            time, [Dying, Dying, Dying, Dying, () => new FakeDriver(LostConnectionTests.Guest())],
            [.. isQuiet ? (string[])["-q"] : [], "event", "--all", "--loop", "--timeout", "7200"]);
        const string missing = "warning: events are missing: the connection was lost";
        string[] once = isQuiet ? [missing] : [Lost.TrimEnd(), Again + "at least", missing];
        Assert.Equal([.. once, .. once, ""],
            outcome.Error.Split('\n').Select(line => line.StartsWith(Again, StringComparison.Ordinal) ? line[..(Again.Length + "at least".Length)] : line));
        if (isQuiet)
            Assert.Equal([0.25, 0.5, 1, 2], time.Pauses.Where(pause => pause < 10));

        static FakeDriver Dying()
        {
            TaskCompletionSource<LibvirtException> loss = new(TaskCreationOptions.RunContinuationsAsynchronously);
            FakeDriver driver = new(LostConnectionTests.Guest()) { Lost = loss.Task };
            _ = driver.Subscribed.Task.ContinueWith(subscribed =>
            {
                driver.IsAlive = false;
                loss.SetResult(LostConnectionTests.Closed());
                subscribed.Result.End(LostConnectionTests.Closed());
            }, Token, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            return driver;
        }
    }

    [Fact]
    public async Task Why_an_attempt_fails_is_said_when_it_changes()
    {
        Outcome outcome = await RunAsync(
            new HurriedTime(),
            [() => LostConnectionTests.Losing(LostConnectionTests.Guest(), 1), LostConnectionTests.Away, LostConnectionTests.Away, NoName, NoName, LostConnectionTests.Away, () => new FakeDriver(LostConnectionTests.Guest())],
            "watch", "guest", "--count", "2");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches($"^{Regex.Escape($"{Lost}{NotYet}fake:///: not connected yet: no such host\n{NotYet}{Again}")}[^\n]*\n$", outcome.Error);

        static FakeDriver NoName() => throw LibvirtError.System(0, ErrorOrigin.Rpc, "no such host");
    }

    [Theory]
    [InlineData(1, 0, 3)]
    [InlineData(2, 2, 3)]
    public async Task A_socket_that_denies_access_ends_it_unless_it_was_just_made(int times, int exitCode, int opened)
    {
        Outcome outcome = await RunAsync(
            new HurriedTime(),
            [() => LostConnectionTests.Losing(LostConnectionTests.Guest(), 1), .. Enumerable.Repeat<Func<FakeDriver>>(Denied, times), () => new FakeDriver(LostConnectionTests.Guest())],
            "watch", "guest", "--count", "2");
        Assert.Equal((exitCode, opened), (outcome.ExitCode, _opened.Count));
        Assert.StartsWith($"{Lost}fake:///: not connected yet: Permission denied\n{(times == 1 ? Again : Refused)}", outcome.Error, StringComparison.Ordinal);

        static FakeDriver Denied() => throw LibvirtError.System(13, ErrorOrigin.Rpc, "Permission denied");
    }

    // For programs that reconnect by themselves.
    [Theory]
    [InlineData(13)]
    [InlineData(111)]
    [InlineData(2)]
    public void No_error_of_a_socket_ends_those_who_reconnect(int errno) =>
        Assert.Equal((errno, true), (UnixEndpoint.Failure("/a", errno).Int1, UnixEndpoint.Failure("/a", errno).IsUnreachable));

    // The cable is cut: the call's deadline comes first, or the probes never say anything.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_that_timed_out_ends_it_only_where_the_connection_lives_on(bool isCut)
    {
        TaskCompletionSource<LibvirtException> loss = new(TaskCreationOptions.RunContinuationsAsynchronously);
        FakeDomain guest = LostConnectionTests.Guest();
        FakeDriver first = new(guest) { Lost = loss.Task };
        MemoryStatsFacts facts = guest.Facts;
        guest.Coming.Enqueue(() => facts);
        guest.Coming.Enqueue(() => throw TooLate());
        NotingTime time = new(slow: TimeSpan.FromSeconds(25), lasts: isCut ? TimeSpan.FromSeconds(30) : TimeSpan.FromMilliseconds(1));
        if (isCut)
        {
            time.Slow += () =>
            {
                first.IsAlive = false;
                loss.SetResult(LostConnectionTests.Closed());
            };
        }

        Outcome outcome = await RunAsync(time, [() => first, () => new FakeDriver(LostConnectionTests.Guest())], "-q", "watch", "guest", "--count", "2");
        Assert.Equal((isCut ? 0 : 2, isCut ? 2 : 1), (outcome.ExitCode, _opened.Count));
        Assert.Contains(isCut ? "" : "did not answer", outcome.Error, StringComparison.Ordinal);
    }

    // Of the same id after a reboot of the host; minutes that its process had run, and then.
    [Theory]
    [InlineData(60, 60, true)]
    [InlineData(60, 90, false)]
    [InlineData(60, null, false)]
    [InlineData(null, 60, false)]
    [InlineData(null, null, false)]
    public async Task Changes_are_counted_across_a_loss_only_where_it_is_certainly_the_same_QEMU(int? before, int? after, bool isSame)
    {
        FakeDriver first = LostConnectionTests.Losing(Running(before), 2);
        Outcome outcome = await RunAsync(new HurriedTime(), [() => first, () => new FakeDriver(Running(after))], "-q", "watch", "guest", "--json", "--count", "4");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(
            [JsonValueKind.Null, JsonValueKind.Object, isSame ? JsonValueKind.Object : JsonValueKind.Null, JsonValueKind.Object],
            LostConnectionTests.Documents(outcome.Output).Select(line => line.GetProperty("changes").ValueKind));
    }

    [Fact]
    public async Task A_process_that_has_run_for_less_than_before_is_another()
    {
        FakeDriver first = LostConnectionTests.Losing(Running(60), 2);
        Outcome outcome = await RunAsync(new HurriedTime(), [() => first, () => new FakeDriver(Running(5))], "watch", "guest");
        Assert.Equal((2, $"{Lost}error: domain 'guest' has ended, and was started again while the connection was lost\n"), (outcome.ExitCode, outcome.Error));
    }

    // Two looks before the loss; then one that only learns, unless they are the same.
    [Theory]
    [InlineData(60, true)]
    [InlineData(90, false)]
    [InlineData(null, false)]
    public async Task Advice_begins_anew_unless_all_guests_are_certainly_the_same(int? after, bool isSame)
    {
        FakeDriver first = LostConnectionTests.Losing(Running(60), 2);
        FakeDomain guest = Running(after);
        for (ulong look = 1; look <= 100; look++)
        {
            MemoryStatsFacts facts = guest.Facts with { Entries = [.. guest.Facts.Entries[..^1], new(MemoryStatTag.ActualBalloon, (1 << 20) + look)] };
            guest.Coming.Enqueue(() => facts);
        }

        await using LiveRun run = LiveRun.Start(
            ["-q", "balance", "advise", "--watch", "--json", "--period", "1", "--budget", "4G"], Token,
            LostConnectionTests.InTurn(_opened, () => first, () => new FakeDriver(guest)));
        await run.UntilAsync("advice before and after the loss", now => now.Lines.Length >= 2, Token);
        JsonElement told = JsonDocument.Parse(run.Lines[1]).RootElement.GetProperty("guests")[0];
        Assert.Equal((1UL << 20) + (isSame ? 1UL : 2UL), told.GetProperty("balloon_kib").GetUInt64());
    }

    // A look that taught nothing, because nobody could tell what there is, is no look: rates need two.
    [Fact]
    public async Task Advice_begins_anew_with_a_look_at_which_all_was_known()
    {
        FakeDriver first = LostConnectionTests.Losing(Running(60), 2);
        FakeDomain guest = Running(90);
        for (ulong look = 1; look <= 100; look++)
        {
            MemoryStatsFacts facts = guest.Facts with { Entries = [.. guest.Facts.Entries[..^1], new(MemoryStatTag.ActualBalloon, (1 << 20) + look)] };
            guest.Coming.Enqueue(() => facts);
        }

        FakeDriver second = new(guest);
        first.Hosts.Enqueue(AdviceHost.Host);
        second.Hosts.Enqueue(AdviceHost.Host with { AvailableKiB = null });
        second.Hosts.Enqueue(AdviceHost.Host);
        await using LiveRun run = LiveRun.Start(
            ["balance", "advise", "--watch", "--json", "--period", "1"], Token, LostConnectionTests.InTurn(_opened, () => first, () => second));
        await run.UntilAsync("advice before and after the loss", now => now.Lines.Length >= 2, Token);
        JsonElement told = JsonDocument.Parse(run.Lines[1]).RootElement.GetProperty("guests")[0];
        Assert.Equal((1UL << 20) + 3, told.GetProperty("balloon_kib").GetUInt64());
        Assert.Contains("warning: what is available of the host's memory could not be read", run.Error, StringComparison.Ordinal);
    }

    private static FakeDomain Running(int? minutes) => LostConnectionTests.Guest() with { RunTime = minutes is { } known ? TimeSpan.FromMinutes(known) : null };

    private static LibvirtException TooLate() => LibvirtError.Report(ErrorCode.OperationTimeout, ErrorOrigin.Remote, "the daemon did not answer");

    private Task<Outcome> RunAsync(TimeProvider time, Func<FakeDriver>[] drivers, params string[] words) =>
        CliRun.BallastAsync(words, LostConnectionTests.InTurn(_opened, drivers), time: time, cancellationToken: Token);

    /// <summary>Nobody waits, and for how long they would have is noted. Only what would be slow takes a while.</summary>
    private sealed class NotingTime(TimeSpan slow = default, TimeSpan lasts = default) : TimeProvider
    {
        private readonly ConcurrentQueue<double> _pauses = [];

        /// <summary>Somebody waits for what is slow.</summary>
        public event Action? Slow;

        public IEnumerable<double> Pauses => _pauses;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            // The time to wait for events.
            if (dueTime > TimeSpan.FromHours(1))
                return base.CreateTimer(callback, state, TimeSpan.FromSeconds(4), period);
            if (period > TimeSpan.Zero)
                return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));
            _pauses.Enqueue(dueTime.TotalSeconds);
            if (slow > TimeSpan.Zero && dueTime >= slow)
                Slow?.Invoke();
            return base.CreateTimer(callback, state, slow > TimeSpan.Zero && dueTime >= slow ? lasts : TimeSpan.FromMilliseconds(1), period);
        }
    }
}
