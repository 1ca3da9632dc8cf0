using System.Text.Json;
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
