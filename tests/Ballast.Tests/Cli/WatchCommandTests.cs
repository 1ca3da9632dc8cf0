using System.Text.Json;
using Ballast.Tests.Documentation;

namespace Ballast.Tests.Cli;

/// <summary>One guest, a line a sample.</summary>
public sealed class WatchCommandTests
{
    private const ulong Now = 1_700_000_000, MiB = 1024;

    [Fact]
    public async Task A_line_tells_what_changed_since_the_one_before()
    {
        FakeDomain guest = Guest();
        guest.Coming.Enqueue(() => Facts(used: 100));
        guest.Coming.Enqueue(() => Facts(used: 130));
        guest.Coming.Enqueue(() => Facts(used: 110));
        string[][] lines = [.. (await RunAsync(guest, "--count", "3")).Output.TrimEnd('\n').Split('\n').Select(Cells)];
        Assert.Equal(["Time", "Used", "/", "guest", "%", "+", "used", "Balloon"], lines[0][..8]);
        Assert.Equal(["100M", "/", "1.0G", "10%", "-"], lines[1][1..6]);
        Assert.Equal(["130M", "/", "1.0G", "13%", "+30M"], lines[2][1..6]);
        Assert.Equal(["110M", "/", "1.0G", "11%", "-20M"], lines[3][1..6]);
        Assert.Equal(4, lines.Length);

        static string[] Cells(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public async Task Rates_are_between_reports_and_hold_until_the_next_one()
    {
        FakeDomain guest = Guest();
        guest.Coming.Enqueue(() => Facts(age: 9, swapOut: 1000));
        guest.Coming.Enqueue(() => Facts(age: 5, swapOut: 9000));
        guest.Coming.Enqueue(() => Facts(age: 5, swapOut: 9000));
        guest.Coming.Enqueue(() => Facts(age: 4, swapOut: 8000)); // booted meanwhile, so to say
        JsonElement[] lines = await JsonAsync(guest, "--count", "4");
        Assert.Equal(["", "2000", "2000", ""], lines.Select(line =>
            line.GetProperty("rates") is { ValueKind: JsonValueKind.Object } rates ? rates.GetProperty("swap_out_kib_per_second").ToString() : ""));
    }

    [Theory]
    [InlineData("used>90%", 950, 0, true)]
    [InlineData("used>90%", 900, 0, false)]
    [InlineData("used>=900M", 900, 0, true)]
    [InlineData("usable<10%", 950, 0, true)]
    [InlineData(" usable < 200M ", 950, 0, true)]
    [InlineData("usable<10%", 500, 0, false)]
    [InlineData("swap-out>0", 500, 1, true)]
    [InlineData("swap>=1M", 500, 1024, true)]
    [InlineData("swap-out>0", 500, 0, false)]
    [InlineData("faults<1", 500, 0, false)] // nobody knows them
    [InlineData("age>60,used<60%", 500, 0, true)]
    [InlineData("balloon<=1124M", 500, 0, true)]
    public async Task Until_ends_it_when_the_condition_holds(string condition, int used, int swapPerSecond, bool holds)
    {
        FakeDomain guest = Guest();
        guest.Coming.Enqueue(() => Facts(used: 500, age: 9, swapOut: 100));
        guest.Coming.Enqueue(() => Facts(used: (ulong)used, age: 5, swapOut: 100 + (4 * (ulong)swapPerSecond)));

        // What holds at once needs no second look.
        Outcome outcome = await RunAsync(guest, "--until", condition, "--count", "2");
        Assert.Equal(holds ? 0 : 1, outcome.ExitCode);
        Assert.Equal(holds, outcome.Error.Contains($"guest: {condition.Split(',')[^1].Trim()} (now ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("used>1%", 1)]
    [InlineData("usable<99%", 1)]
    [InlineData("age>60", 0)]
    [InlineData("resident>1K", 0)]
    public async Task Old_numbers_of_a_guest_fulfil_nothing_but_their_age(string condition, int exitCode)
    {
        FakeDomain guest = Guest();
        guest.Coming.Enqueue(() => Facts(age: 700, period: 2));
        Assert.Equal(exitCode, (await RunAsync(guest, "--until", condition, "--count", "1")).ExitCode);
    }

    [Theory]
    [InlineData(MemoryStatsReason.NeverReported, 0)]
    [InlineData(MemoryStatsReason.DriverNotLoaded, 0)]
    [InlineData(MemoryStatsReason.NoBalloonDevice, 0)]
    [InlineData(MemoryStatsReason.MonitorHung, 1)]
    [InlineData(MemoryStatsReason.UnsupportedByDaemon, 1)]
    public async Task A_guest_that_never_reported_is_older_than_any_limit(MemoryStatsReason reason, int exitCode)
    {
        FakeDomain guest = Guest() with
        {
            Facts = new() { Entries = [], PeriodSeconds = 2, IsRunning = true, Obstacle = reason == MemoryStatsReason.NeverReported ? null : reason },
        };
        Outcome outcome = await RunAsync(guest, "--until", "usable<10%,swap-out>0,age>60", "--count", "1");
        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Equal(exitCode == 0, outcome.Error.Contains("guest: age>60 (now never reported)", StringComparison.Ordinal));
        Assert.Equal(1, (await RunAsync(guest, "--until", "age<60", "--count", "1")).ExitCode);
    }

    [Fact]
    public async Task Reports_that_contradict_themselves_count_as_none_while_they_last()
    {
        MemoryStatsFacts lie = Facts() with { Entries = [.. Facts().Entries, new(MemoryStatTag.Unused, 5000 * MiB)] };
        FakeDomain guest = Guest() with { Facts = lie };
        Assert.Equal(0, (await RunAsync(guest, "--until", "age>60", "--count", "9", new StridingTime())).ExitCode);
        Assert.Equal(1, (await RunAsync(guest, "--until", "age>60", "--count", "1", new StridingTime())).ExitCode);

        // One of them, as a reboot may leave behind, is none too many.
        FakeDomain rebooted = Guest();
        for (int i = 0; i < 9; i++)
        {
            rebooted.Coming.Enqueue(() => lie);
            rebooted.Coming.Enqueue(() => Facts());
        }

        Assert.Equal(1, (await RunAsync(rebooted, "--until", "age>60", "--count", "9", new StridingTime())).ExitCode);
    }

    [Theory]
    [InlineData("watch guest --until age>99 --count 1", 1)]
    [InlineData("watch nobody --until age>99", 2)]
    [InlineData("watch guest --until age", 2)]
    [InlineData("watch guest --untill age>99", 2)]
    [InlineData("watch", 2)]
    [InlineData("-c lost:/// watch guest --until age>99", 2)]
    [InlineData("-c lost:/// doctor", 2)]
    [InlineData("doctor nobody", 2)]
    [InlineData("doctor --jsn", 2)]
    [InlineData("-c lost:/// memory", 1)]
    [InlineData("memory nobody", 1)]
    public async Task What_cannot_be_found_out_is_no_answer(string line, int exitCode)
    {
        Outcome outcome = await CliRun.BallastAsync(line.Split(' '), (uri, options, _) => uri == "lost:///"
            ? throw LibvirtError.Report(ErrorCode.SystemError, ErrorOrigin.Rpc, "nobody listens")
            : new ValueTask<Connection>(new Connection(new FakeDriver(Guest()), uri ?? "fake:///", options)), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(exitCode, outcome.ExitCode);
    }

    [Fact]
    public async Task It_says_once_why_numbers_are_not_current_and_that_the_domain_has_ended()
    {
        FakeDomain guest = Guest();
        guest.Coming.Enqueue(() => Facts());
        guest.Coming.Enqueue(() => Facts(age: 700, period: 2));
        guest.Coming.Enqueue(() => Facts(age: 700, period: 2));
        guest.Coming.Enqueue(() => Facts() with { IsRunning = false });
        guest.Coming.Enqueue(() => throw LibvirtError.Report(ErrorCode.NoDomain, ErrorOrigin.Test, "gone"));
        Outcome outcome = await RunAsync(guest);
        string[] said = outcome.Error.TrimEnd('\n').Split('\n');
        Assert.Equal(2, outcome.ExitCode);
        Assert.StartsWith("guest: stale; its last report is 12 min old.", said[0], StringComparison.Ordinal);
        Assert.StartsWith("guest: paused", said[1], StringComparison.Ordinal);
        Assert.Equal("error: domain 'guest' has ended", said[2]);
        Assert.Equal(3, said.Length);
        Assert.Equal(["stale", "stale", "paused"], outcome.Output.TrimEnd('\n').Split('\n')[2..].Select(line => line.Split(' ')[^1]));
    }

    [Fact]
    public async Task Who_cannot_be_asked_at_all_is_an_error_with_its_cause()
    {
        FakeDomain guest = Guest();
        guest.Coming.Enqueue(() => throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test, "domain is not running"));
        Outcome outcome = await RunAsync(guest);
        Assert.Equal(
            (2, "error: Failed to get memory statistics for domain guest\nerror: Requested operation is not valid: domain is not running\n"),
            (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Json_has_the_documented_members()
    {
        JsonElement[] lines = await JsonAsync(Guest(), "--count", "2");
        string text = DocumentedCode.Text("docs/cli-json.md");
        string section = text.Split("\n## watch\n")[1].Split("\n## ")[0];
        string[] own = [.. lines[0].EnumerateObject().Select(member => member.Name).SkipWhile(name => name != "inconsistencies").Skip(1)];
        Assert.Equal([.. section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1])], own);
        Assert.Equal(JsonValueKind.Null, lines[0].GetProperty("changes").ValueKind);
        Assert.All(lines[1].GetProperty("changes").EnumerateObject(), change => Assert.Contains($"`{change.Name}`", section, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(200)]
    public async Task Every_line_fits_the_terminal(int columns)
    {
        FakeDomain guest = Guest();
        for (int i = 0; i < 3; i++)
            guest.Coming.Enqueue(() => Facts(used: 900, age: 700, period: 2, swapOut: 123456));
        string output = (await RunAsync(guest, columns, ["--count", "3"])).Output;
        Assert.All(output.Split('\n'), line => Assert.InRange(line.Length, 0, Math.Max(columns, "HH:mm:ss  Used / guest".Length)));
        Assert.Equal(columns > 20, output.Contains("stale", StringComparison.Ordinal));
        Assert.Equal(columns == 200, output.Contains("Cache", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--until uesd>1", "unknown quantity 'uesd', did you mean 'used'?")]
    [InlineData("--until used", "'used' is not a condition: ")]
    [InlineData("--until used>", "'' is no limit for 'used': ")]
    [InlineData("--until used>90", "'90' is no limit for 'used': write 90% or 90KiB")]
    [InlineData("--until usable<512", "'512' is no limit for 'usable': write 512% or 512KiB")]
    [InlineData("--until swap>5%", "'5%' is no limit for 'swap': ")]
    [InlineData("--until age>-1", "'-1' is no limit for 'age': ")]
    [InlineData("--until used>1%,", "'' is not a condition: ")]
    [InlineData("--period 0", "Numeric value '0' for <period> option is malformed or out of range")]
    [InlineData("--count -1", "Numeric value '-1' for <count> option is malformed or out of range")]
    public async Task A_mistake_is_named(string arguments, string error)
    {
        Outcome outcome = await RunAsync(Guest(), arguments.Split(' '));
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output.Trim()));
        Assert.StartsWith($"error: {error}", outcome.Error, StringComparison.Ordinal);
    }

    private static FakeDomain Guest() => new("guest", 1) { Facts = Facts() };

    private static MemoryStatsFacts Facts(ulong used = 500, ulong age = 1, uint period = 60, ulong? swapOut = null)
    {
        List<MemoryStat> entries = [];
        if (swapOut is { } swapped)
            entries.AddRange([new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, swapped)]);
        entries.AddRange(
            [
                new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, (1024 - used) * MiB), new(MemoryStatTag.LastUpdate, Now - age),
                new(MemoryStatTag.ActualBalloon, 1124 * MiB), new(MemoryStatTag.Rss, 1024 * MiB),
            ]);
        return new() { Entries = [.. entries], PeriodSeconds = period, IsRunning = true };
    }

    private static async Task<JsonElement[]> JsonAsync(FakeDomain guest, params string[] arguments) =>
        [.. (await RunAsync(guest, ["--json", .. arguments])).Output.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];

    private static Task<Outcome> RunAsync(FakeDomain guest, params string[] arguments) => RunAsync(guest, null, arguments);

    private static Task<Outcome> RunAsync(FakeDomain guest, string option, string condition, string count, string number, TimeProvider time) =>
        RunAsync(guest, null, [option, condition, count, number], time);

    private static Task<Outcome> RunAsync(FakeDomain guest, int? columns, string[] arguments, TimeProvider? time = null) => CliRun.BallastAsync(
        ["watch", "guest", .. arguments], (uri, options, _) => new(new Connection(new FakeDriver(guest), uri ?? "fake:///", options)),
        time: time ?? new HurriedTime(), isTerminal: columns is not null, columns: columns, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>A clock that goes on by half a minute whenever somebody looks at it.</summary>
    private sealed class StridingTime : HurriedTime
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Add(ref _seconds, 30);
    }
}
