using System.Text.Json;
using System.Text.Json.Nodes;
using Ballast.Balance.Advice;
using Ballast.Guests;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Balance;

/// <summary>The log of advice: what is written, how large it grows, and how it is shown.</summary>
public sealed class DecisionLogTests : IDisposable
{
    private const ulong KiB = 1024;

    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly PrivateDirectory _directory = new();
    private readonly Advisor _advisor = new(budget: new BudgetSetting(SizeKiB: 4096 * KiB));
    private double _now;

    private string Path => _directory.File("log");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_line_is_written_where_something_else_is_advised()
    {
        DecisionLog log = new(Path);
        AdviceGuest guest = new("guest");
        foreach (AdviceGuest seen in (AdviceGuest[])[guest, guest, guest with { Used = 210 }, guest with { IsRunning = false }])
            log.Write(Time, "ballast", Advise(seen));
        string[] lines = File.ReadAllLines(Path);
        Assert.Equal(["could", "leave"], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("decisions")[0].GetProperty("advice").GetString()));
    }

    [Fact]
    public void Amounts_that_wobble_write_no_line_and_those_that_stay_do()
    {
        DecisionLog log = new(Path);
        Random random = new(1);
        AdviceGuest calm = new("calm"), wobbling = new("wobbling") { Maximum = 2048 };

        // It needs 700 to 730 MiB, and never has quite what it should have.
        for (int i = 0; i < 200; i++)
            log.Write(Time, "ballast", Advise(calm, wobbling with { Used = (ulong)(700 + random.Next(30)) }));
        int before = File.ReadAllLines(Path).Length;
        Assert.InRange(before, 1, 10);
        for (int i = 0; i < 20; i++)
            log.Write(Time, "ballast", Advise(calm, wobbling with { Used = (ulong)(1000 + random.Next(10)) }));
        string last = File.ReadAllLines(Path)[^1];
        Assert.InRange(File.ReadAllLines(Path).Length - before, 1, 5);
        Assert.True(JsonDocument.Parse(last).RootElement.GetProperty("short_kib").GetUInt64() > 0);
    }

    [Fact]
    public void What_came_of_advice_is_written_too()
    {
        DecisionLog log = new(Path);
        AdviceGuest guest = new("guest");
        log.Write(Time, "ballast", Advise(guest));
        log.Write(Time, "ballast", Advise(guest with { Balloon = 768, Resident = 768 }));
        JsonElement outcome = JsonDocument.Parse(File.ReadAllLines(Path)[1]).RootElement.GetProperty("outcomes")[0];
        Assert.True(outcome.GetProperty("is_followed").GetBoolean());
        Assert.Equal("Its balloon went from 1024 MiB to 768 MiB, as advised. The host holds 256 MiB less of it.", outcome.GetProperty("text").GetString());
    }

    // Nothing is advised about either, and that is no reason not to tell.
    [Fact]
    public async Task Who_is_short_or_has_unknown_limits_is_logged_though_nothing_is_advised()
    {
        DecisionLog log = new(Path);
        AdviceGuest kept = new("kept-one") { Used = 200, Resident = 210 }, full = new("full") { Used = 1020, Unused = 2 };
        AdviceGuest unread = kept with { Name = "unread", Process = kept.Process with { GroupPath = "/vm", Group = new MemoryGroup(null, null, null) { HasUnknownLimits = true } } };
        _ = Advise(kept, full, unread);
        log.Write(Time, "ballast", Advise(kept, full, unread));
        JsonElement[] decisions = [.. JsonDocument.Parse(Assert.Single(await File.ReadAllLinesAsync(Path, TestContext.Current.CancellationToken))).RootElement.GetProperty("decisions").EnumerateArray()];
        Assert.Equal([("full", "keep", true, true), ("unread", "keep", false, false)], decisions.Select(one =>
            (one.GetProperty("name").GetString(), one.GetProperty("advice").GetString(), one.GetProperty("is_short").GetBoolean(), one.GetProperty("are_limits_known").GetBoolean())).Order());
        Assert.All(decisions, one => Assert.Equal(JsonValueKind.Null, one.GetProperty("bound").ValueKind));
        string[] lines = (await CliRun.BallastAsync(new FakeDriver(), "-q", "balance", "log", Path)).Output.Split('\n');
        Assert.Contains(lines, line => line.StartsWith("  keep full 1.0G: It is as large as its maximum", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("  keep unread 1.0G: ", StringComparison.Ordinal) && line.EndsWith(" Its memory limits could not be read.", StringComparison.Ordinal));

        // A line of an older program has no such members.
        JsonNode old = JsonNode.Parse(await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken))!;
        foreach (JsonNode? one in old["decisions"]!.AsArray())
        {
            foreach (string member in (string[])["bound", "are_limits_known", "is_short"])
                Assert.True(one!.AsObject().Remove(member));
        }

        await File.WriteAllTextAsync(Path, old.ToJsonString() + "\n", TestContext.Current.CancellationToken);
        Assert.Contains("\n  keep unread 1.0G: ", (await CliRun.BallastAsync(new FakeDriver(), "-q", "balance", "log", Path)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_bounds_advice_is_logged()
    {
        AdviceGuest needy = new("needy") { Balloon = 836, Maximum = 2048, Resident = 836, Used = 830, Unused = 2 };
        needy = needy with { Process = needy.Process with { GroupPath = "/vm", Group = new MemoryGroup(900 * KiB, null, 836 * KiB) { UnreclaimableKiB = 836 * KiB } } };
        _ = Advise(needy);
        new DecisionLog(Path).Write(Time, "ballast", Advise(needy));
        const string bound = "The memory limit of control group /vm leaves it 836 MiB.";
        Assert.Equal(bound, JsonDocument.Parse(await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken)).RootElement.GetProperty("decisions")[0].GetProperty("bound").GetString());
        Assert.Contains($" {bound}\n", (await CliRun.BallastAsync(new FakeDriver(), "-q", "balance", "log", Path)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_decision_after_half_a_line_is_not_lost()
    {
        await File.WriteAllTextAsync(Path, "{\"time\":", TestContext.Current.CancellationToken);
        DecisionLog log = new(Path);
        log.Write(Time, "ballast", Advise(new AdviceGuest("guest")));
        log.Write(Time, "ballast", Advise(new AdviceGuest("guest") { IsRunning = false }));
        string[] lines = await File.ReadAllLinesAsync(Path, TestContext.Current.CancellationToken);
        Assert.Equal(3, lines.Length);
        Assert.All(lines[1..], line => Assert.Equal("ballast", JsonDocument.Parse(line).RootElement.GetProperty("policy").GetString()));
    }

    [Fact]
    public async Task What_was_moved_away_is_shown_where_nothing_came_after_it()
    {
        new DecisionLog(Path + ".1").Write(Time, "ballast", Advise(new AdviceGuest("guest")));
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "-q", "balance", "log", Path);
        Assert.Contains("could guest", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
    }

    [Fact]
    public void It_takes_no_more_than_twice_what_it_may()
    {
        const int most = 4096;
        DecisionLog log = new(Path, most);
        for (int i = 0; i < 100; i++)
        {
            AdviceGuest[] guests = [new("guest"), new("other-guest")];
            log.Write(Time, "ballast", Advise(guests[(i % 2)..]));
            Assert.InRange(new FileInfo(Path).Length, 1, most);
        }

        Assert.InRange(new FileInfo(Path + ".1").Length, 1, most);
        Assert.All(File.ReadLines(Path).Concat(File.ReadLines(Path + ".1")), line => Assert.Equal("ballast", JsonDocument.Parse(line).RootElement.GetProperty("policy").GetString()));
    }

    [Fact]
    public async Task It_is_shown_with_what_was_moved_away_before_it_and_half_a_line_is_told()
    {
        DecisionLog log = new(Path);
        log.Write(Time, "ballast", Advise(new AdviceGuest("guest")));
        File.Move(Path, Path + ".1");
        log.Write(Time, "ballast", Advise(new AdviceGuest("guest") { IsRunning = false }));
        await File.AppendAllTextAsync(Path, "{\"time\":", TestContext.Current.CancellationToken);
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(), "-q", "balance", "log", Path);
        string local = Time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);
        string[] lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith($"{local} balloons 1.0G of 4.0G, 0K short, ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("  could guest 1.0G to 768M: It needs ", lines[1], StringComparison.Ordinal);
        Assert.Equal("  leave guest 1.0G: It is paused.", lines[3]);
        Assert.Equal("warning: 1 line is no decision, and left out\n", outcome.Error);
        Outcome json = await CliRun.BallastAsync(new FakeDriver(), "balance", "log", Path, "--json");
        Assert.Equal(2, json.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("cannot read", (await CliRun.BallastAsync(new FakeDriver(), "balance", "log", Path + "x")).Error, StringComparison.Ordinal);
        Assert.Contains("line 1 is longer than 16 MiB", (await CliRun.BallastAsync(new FakeDriver(), "balance", "log", "/dev/zero")).Error, StringComparison.Ordinal);
    }

    private HostAdvice Advise(params AdviceGuest[] guests)
    {
        _now += 10;
        return _advisor.Advise(new SeenHost(new HostMemory(), [.. guests.Select(guest => guest.See(_now))]), _now);
    }
}
