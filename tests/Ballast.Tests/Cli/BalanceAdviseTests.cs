using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ballast.Tests.Balance;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Cli;

/// <summary><c>balance advise</c> on simulated guests.</summary>
public sealed class BalanceAdviseTests
{
    private const string Fleet = "test:///fleet?domains=30&seed=5";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_user_is_told_what_could_be_gained_from_whom_and_why()
    {
        Outcome outcome = await CliRun.BallastAsync("-c", Fleet, "balance", "advise");
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        Assert.StartsWith("Guests may share ", outcome.Output, StringComparison.Ordinal);
        string[] lines = outcome.Output.Split('\n');
        Assert.Contains("Left alone:", lines);
        Assert.Contains(lines, line => line.StartsWith("  paused-00006: It is paused.", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("  lying-00009: Its numbers contradict each other", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("  no-driver-00007: Its balloon driver is not loaded.", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("    ballast -c 'test:///fleet?domains=30&seed=5' setmem ", StringComparison.Ordinal) && line.EndsWith("MiB --wait", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("Total: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Json_has_the_documented_members()
    {
        JsonElement root = JsonDocument.Parse((await CliRun.BallastAsync("-q", "-c", Fleet, "balance", "advise", "--json")).Output).RootElement;
        string section = (await File.ReadAllTextAsync(Path.Combine(NativeProgram.Root, "docs/cli-json.md"), Token)).Split("## balance advise")[1].Split("\n## ")[0];
        string[][] tables = [.. section.Split("| member |").Skip(1).Select(table =>
            table.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]).ToArray())];
        Assert.Equal(3, tables.Length);
        Assert.Equal(tables[0], root.EnumerateObject().Select(member => member.Name));
        JsonElement[] guests = [.. root.GetProperty("guests").EnumerateArray()];
        Assert.Equal(30, guests.Length);
        Assert.All(guests, guest => Assert.Equal(tables[1], guest.EnumerateObject().Select(member => member.Name)));
        Assert.Equal(["domain", "is_followed", "text"], tables[2]);

        // No advice that setmem would refuse, and none beyond what a guest may have.
        ulong[] sums = [.. ((string[])["gain_kib", "possible_gain_kib", "short_kib"]).Select(name => root.GetProperty(name).GetUInt64())];
        Assert.True(sums[0] <= sums[1]);
        Assert.Contains(guests, guest => guest.GetProperty("advice").GetString() is "take" or "could");
        Assert.All(guests, guest => Assert.Equal(guest.GetProperty("target_kib").ValueKind == JsonValueKind.Null, guest.GetProperty("command").ValueKind == JsonValueKind.Null));
    }

    [Fact]
    public async Task Advice_can_be_followed_as_it_is_written()
    {
        // Nobody else's: a fleet is one for all who have it open, and this one is changed.
        const string own = "test:///fleet?domains=30&seed=15";
        await using Connection fleet = await Connection.OpenAsync(own, cancellationToken: Token);
        JsonElement root = JsonDocument.Parse((await CliRun.BallastAsync("-q", "-c", own, "balance", "advise", "--json", "--budget", "1G")).Output).RootElement;
        JsonElement[] taken = [.. root.GetProperty("guests").EnumerateArray().Where(guest => guest.GetProperty("advice").GetString() == "take")];
        Assert.NotEmpty(taken);
        foreach (JsonElement guest in taken)
        {
            string name = guest.GetProperty("domain").GetProperty("name").GetString()!;
            Outcome outcome = await CliRun.BallastAsync("-c", own, "setmem", name, $"{guest.GetProperty("target_kib").GetUInt64()}KiB");
            Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        }
    }

    [Fact]
    public async Task A_remedy_is_a_command_to_paste()
    {
        JsonElement root = JsonDocument.Parse((await CliRun.BallastAsync("-q", "-c", Fleet, "balance", "advise", "--json")).Output).RootElement;
        JsonElement lying = Assert.Single(root.GetProperty("guests").EnumerateArray(), guest => guest.GetProperty("domain").GetProperty("name").GetString() == "lying-00009");
        Assert.EndsWith($": ballast -c '{Fleet}' dommemstat lying-00009 --refresh", lying.GetProperty("remedy").GetString(), StringComparison.Ordinal);

        // Below what a guest will need, nothing is to be had at low risk.
        foreach (JsonElement guest in root.GetProperty("guests").EnumerateArray().Where(guest => guest.GetProperty("risk").GetString() == "low"))
        {
            Match need = Regex.Match(guest.GetProperty("reason").GetString()!, @"(?:will need|It needs) (\d+) MiB(?: soon)?[^,]");
            Assert.True(!need.Success || ulong.Parse(need.Groups[1].Value, CultureInfo.InvariantCulture) * 1024 <= guest.GetProperty("target_kib").GetUInt64() + 512);
        }
    }

    [Fact]
    public async Task Named_guests_are_shown_and_all_are_weighed()
    {
        JsonElement root = JsonDocument.Parse((await CliRun.BallastAsync("-q", "-c", Fleet, "balance", "advise", "idle-00001", "--json", "--policy", "preferred")).Output).RootElement;
        Assert.Equal("idle-00001", Assert.Single(root.GetProperty("guests").EnumerateArray()).GetProperty("domain").GetProperty("name").GetString());
        Assert.Equal("preferred", root.GetProperty("policy").GetString());
        Assert.True(root.GetProperty("balloons_kib").GetUInt64() > 10ul * 1024 * 1024);
    }

    [Fact]
    public async Task Why_there_is_no_advice_is_said_when_it_changes()
    {
        FakeDriver driver = new(LostConnectionTests.Guest());
        HostMemory known = AdviceHost.Host, hidden = known with { AvailableKiB = null };
        foreach (HostMemory host in (HostMemory[])[known, known, hidden, hidden, new HostMemory(), hidden, known])
            driver.Hosts.Enqueue(host);
        await using LiveRun run = LiveRun.Start(
            ["balance", "advise", "--watch", "--json", "--period", "1"], Token, (uri, options, token) => new(new Connection(driver, "fake:///", options)));
        await run.UntilAsync("advice before and after", now => now.Lines.Length >= 2, Token);
        const string isHidden = "warning: what is available of the host's memory could not be read", isUnknown = "warning: the host's memory is not known";
        Assert.Equal([isHidden, isUnknown, isHidden],
            run.Error.Split('\n').Where(line => line.StartsWith("warning", StringComparison.Ordinal)).Select(line => line.Split(':', 3) is [var kind, var text, ..] ? $"{kind}:{text}" : line));
    }

    [Theory]
    [InlineData("options --budget and --cgroup are mutually exclusive", "advise", "--budget", "1G", "--cgroup", "x")]
    [InlineData("--budget 0 leaves nothing to guests", "advise", "--budget", "0")]
    [InlineData("is more than all of the host's memory", "advise", "--budget", "900T", "--period", "1")]
    [InlineData("unknown policy 'oracle'", "advise", "--policy", "oracle")]
    [InlineData("there is no memory control group 'x'", "advise", "--cgroup", "x")]
    [InlineData("failed to get domain 'nobody'", "advise", "nobody")]
    [InlineData("option --watch is for advise", "simulate", "x", "--watch")]
    public async Task Mistakes_are_told(string complaint, params string[] words)
    {
        Outcome outcome = await CliRun.BallastAsync(["-c", Fleet, "balance", .. words]);
        Assert.Contains(complaint, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.ExitCode);
    }
}
