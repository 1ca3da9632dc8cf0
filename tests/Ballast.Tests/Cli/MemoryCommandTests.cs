using System.Text.Json;
using System.Text.RegularExpressions;
using Ballast.Guests;
using Ballast.Tests.Documentation;

namespace Ballast.Tests.Cli;

/// <summary>The table of the host.</summary>
public sealed partial class MemoryCommandTests : IDisposable
{
    private const ulong Now = 1_700_000_000, MiB = 1024;

    private readonly PrivateDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_maximum_that_none_can_be_is_left_out()
    {
        foreach (TypedParameter odd in (TypedParameter[])[TypedParameter.LLong("balloon.maximum", -1), TypedParameter.String("balloon.maximum", "much"), TypedParameter.Double("balloon.maximum", -0.5)])
        {
            FakeDomain guest = new("odd", 1) { Statistics = [odd] };
            Outcome outcome = await CliRun.BallastAsync(new FakeDriver(guest), "memory");
            Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
            Assert.Contains("odd", outcome.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_is_under_most_pressure_comes_first_and_who_is_unknown_last()
    {
        FakeDriver driver = new(Guest("calm", 1, used: 100), Guest("full", 2, used: 950), Guest("mute", 3, used: null), Guest("half", 4, used: 500));
        Assert.Equal(["full", "half", "calm", "mute"], Names((await RunAsync(driver)).Output));
        Assert.Equal(["calm", "full", "half", "mute"], Names((await RunAsync(driver, "--sort", "name")).Output));
        Assert.Equal(["full"], Names((await RunAsync(driver, "--pressed")).Output));
        Assert.Equal(["mute"], Names((await RunAsync(driver, "--stale")).Output));
        Assert.Equal(["mute"], Names((await RunAsync(driver, "--reason", "never reported")).Output));
        Assert.Equal(["half", "calm"], Names((await RunAsync(driver, "half", "calm")).Output));
    }

    [Fact]
    public async Task Only_current_and_consistent_numbers_are_summed_and_the_others_are_named()
    {
        FakeDriver driver = new(
            Guest("one", 1, used: 100), Guest("two", 2, used: 400), Guest("liar", 3, used: 100, usable: 5000), Guest("old", 4, used: 100, age: 700));
        string output = (await RunAsync(driver)).Output;

        Assert.Contains("Total of 2 guests with current numbers: 500M used of 2.0G,\nballoons 2.2G of 4.0G, resident 2.0G;", output, StringComparison.Ordinal);

        // Of 1024 MiB resident each: what they use, 100 MiB of their kernels and 32 MiB stay.
        Assert.Contains("the host could get back 1.3G.", output, StringComparison.Ordinal);
        Assert.Contains("Not in the total: old (stale), liar (inconsistent)\n", output, StringComparison.Ordinal);
        JsonElement total = (await JsonAsync(driver)).GetProperty("total");
        Assert.Equal((4, 2, 500 * MiB), (total.GetProperty("domains").GetInt32(), total.GetProperty("summed").GetInt32(), total.GetProperty("used_kib").GetUInt64()));
        Assert.Equal((1024 - 100 - 132 + 1024 - 400 - 132) * MiB, total.GetProperty("reclaimable_kib").GetUInt64());
    }

    // Told by the driver, or seen because the balloon had another size at the last look.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_reported_before_the_balloon_moved_is_not_current(bool isTold)
    {
        FakeDomain before = Guest("moved", 1, used: 950, age: 5, period: 30);
        MemoryStat[] entries = [.. before.Facts.Entries.Select(entry => entry.Tag == MemoryStatTag.ActualBalloon ? entry with { Value = 1524 * MiB } : entry)];
        FakeDomain moved = before with { Facts = before.Facts with { Entries = entries, ActualAtReportKiB = isTold ? 1124 * MiB : null } };
        if (!isTold)
            Assert.True((await JsonAsync(new FakeDriver(before))).GetProperty("domains")[0].GetProperty("is_summed").GetBoolean());

        // As long as that report stands.
        for (int i = 0; i < 2; i++)
        {
            JsonElement guest = (await JsonAsync(new FakeDriver(moved))).GetProperty("domains")[0];
            Assert.Equal((false, false, JsonValueKind.Null),
                (guest.GetProperty("is_summed").GetBoolean(), guest.GetProperty("is_short").GetBoolean(), guest.GetProperty("reclaimable_kib").ValueKind));
            Assert.Contains("Not in the total: moved (balloon moved since its report)\n", (await RunAsync(new FakeDriver(moved))).Output, StringComparison.Ordinal);
        }

        // A new one is of the new size.
        FakeDomain anew = moved with { Facts = moved.Facts with { Entries = [.. entries.Select(entry => entry.Tag == MemoryStatTag.LastUpdate ? entry with { Value = Now - 1 } : entry)], ActualAtReportKiB = null } };
        Assert.True((await JsonAsync(new FakeDriver(anew))).GetProperty("domains")[0].GetProperty("is_summed").GetBoolean());
    }

    [Fact]
    public async Task Who_was_left_less_than_it_needs_is_short_at_every_look()
    {
        FakeDomain before = Guest("shrunk", 1, used: 600, age: 5, period: 30);
        FakeDomain shrunk = Sized(before, 700, told: 1124);
        for (int i = 0; i < 3; i++)
            Assert.True((await JsonAsync(new FakeDriver(shrunk))).GetProperty("domains")[0].GetProperty("is_short").GetBoolean());
    }

    [Theory]
    [InlineData("setmem moved 600M")]
    [InlineData("setmem moved 1200M")]
    public async Task What_was_set_by_force_tells_the_next_look_that_the_balloon_moved(string line)
    {
        FakeDomain before = Guest("moved", 1, used: 600, age: 5, period: 30);
        _ = await CliRun.BallastAsync(
            [.. line.Split(' '), "--force"], (uri, options, _) => new(new Connection(new FakeDriver(before), uri ?? "fake:///", options)),
            new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = _directory.Path }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.False((await JsonAsync(new FakeDriver(Sized(before, 800, told: null)))).GetProperty("domains")[0].GetProperty("is_summed").GetBoolean());
    }

    [Fact]
    public async Task A_guest_that_reported_just_now_reports_again_where_its_balloon_moved_since_the_last_look()
    {
        FakeDomain before = Guest("moved", 1, used: 100, age: 0, period: 30);
        FakeDriver standing = new(before), moved = new(Sized(before, 1500, told: null));
        foreach (FakeDriver driver in (FakeDriver[])[standing, moved])
        {
            _ = await CliRun.BallastAsync(
                ["setmem", "moved", "1000M"], (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)),
                new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = _directory.Path }, cancellationToken: TestContext.Current.CancellationToken);
        }

        Assert.DoesNotContain(standing.Changes, change => change.StartsWith("period", StringComparison.Ordinal));
        Assert.Equal(["period moved 0 Live", "period moved 30 Live"], moved.Changes.Where(change => change.StartsWith("period", StringComparison.Ordinal)));
    }

    private static FakeDomain Sized(FakeDomain guest, ulong size, ulong? told) => guest with
    {
        Facts = guest.Facts with
        {
            Entries = [.. guest.Facts.Entries.Select(entry => entry.Tag == MemoryStatTag.ActualBalloon ? entry with { Value = size * MiB } : entry)],
            ActualAtReportKiB = told * MiB,
        },
    };

    [Fact]
    public async Task There_are_no_sums_of_nothing()
    {
        string output = (await RunAsync(new FakeDriver(Guest("one", 1, used: 100), Guest("old", 2, used: 100, age: 700)), "--stale")).Output;
        Assert.EndsWith("\n\nNot in the total: old (stale)\n\n", output, StringComparison.Ordinal);
        Assert.EndsWith("\n\nTotal of 0 guests.\n\n", (await RunAsync(new FakeDriver())).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--stale", "Of 1 guest, none is without current numbers.", 600)]
    [InlineData("--pressed", "Of 1 guest, none is short of memory.", 600)]
    [InlineData("--pressed", "Of 2 guests, none is short of memory; without current numbers: 1.\nCannot be judged: vm1 (stale)", 600, 700)]
    [InlineData("--reason|monitor hung", "Of 2 guests, none has this reason.", 600, 600)]
    [InlineData("--pressed|--stale", "Of 1 guest, none matches.", 600)]
    public async Task Where_no_guest_is_meant_that_is_said_and_no_table_is_shown(string options, string said, params int[] ages)
    {
        FakeDriver driver = new([.. ages.Select((age, i) => Guest($"vm{i}", i + 1, used: 100, age: (ulong)(age - 599)))]);
        Outcome outcome = await RunAsync(driver, options.Split('|'));
        Assert.Equal((0, said), (outcome.ExitCode, outcome.Output.Trim('\n')));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(70)]
    [InlineData(80)]
    public async Task What_shows_pressure_is_left_out_last(int columns)
    {
        _ = await RunAsync(new FakeDriver(Guest("swapping-00004", 1, used: 900, age: 5, period: 60, swapOut: 1)));
        Outcome outcome = await RunAsync(new FakeDriver(Guest("swapping-00004", 1, used: 900, age: 1, period: 60, swapOut: 8001)), columns, []);
        string[] lines = [.. outcome.Output.Split('\n').Select(line => Escape().Replace(line, ""))];
        Assert.Contains("Swap/s", lines[0], StringComparison.Ordinal);
        Assert.Contains(" 88%", lines[1], StringComparison.Ordinal);
        Assert.Contains("2.0M", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("swapping-00004 ", lines[1], StringComparison.Ordinal);

        // Nothing is left out that has room.
        Assert.InRange(lines[0].Length, columns - 12, columns);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(25)]
    [InlineData(40)]
    [InlineData(59)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(200)]
    public async Task Every_line_fits_the_terminal_and_a_wide_one_shows_more(int columns)
    {
        FakeDriver driver = new(
            Guest("a-guest-with-a-name-that-is-much-longer-than-any-column", 1, used: 900), Guest("ボリューム-データベース-サーバー-第一号機", 2, used: null),
            Guest("old", 3, used: 100, age: 700), Guest("x", 4, used: 200));
        Outcome outcome = await RunAsync(driver, columns, []);
        Assert.All(outcome.Output.Split('\n'), line => Assert.InRange(Columns(Escape().Replace(line, "")), 0, columns));
        string[] rows = [.. outcome.Output.Split('\n').Skip(1).TakeWhile(line => line.Length > 0)];
        Assert.Equal(4, rows.Length);
        Assert.Contains(rows, row => row.Contains("900M / 1.0G", StringComparison.Ordinal) && (columns < 25 || row[0] == 'a'));
        Assert.Contains(rows, row => columns < 40 || row.Contains("never r", StringComparison.Ordinal));
        Assert.Equal(columns == 200, outcome.Output.Contains("Faults/s", StringComparison.Ordinal));
        Assert.Equal(columns == 200, !outcome.Error.Contains("Left out", StringComparison.Ordinal));
        Assert.EndsWith("Reason: `ballast doctor` says what to do about it. ", outcome.Error.Replace('\n', ' '), StringComparison.Ordinal);
        Assert.All(outcome.Error.Split('\n'), line => Assert.InRange(Columns(line), 0, columns));
        string none = (await RunAsync(new FakeDriver(Guest("calm", 1, used: 10), Guest("silent", 2, used: null)), columns, [], "--pressed")).Output;
        Assert.All(none.Split('\n'), line => Assert.InRange(Columns(line), 0, columns));
        Assert.All(outcome.Output.Split('\n'), line => Assert.Equal(line, line.TrimEnd()));
    }

    [Fact]
    public async Task Colours_are_for_terminals_whose_users_want_them()
    {
        FakeDriver driver = new(Guest("full", 1, used: 950));
        Assert.Contains("\e[31m", (await RunAsync(driver, columns: 80, [])).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", (await RunAsync(driver, columns: 80, [("NO_COLOR", "1")])).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", (await RunAsync(driver, columns: 80, [("TERM", "dumb")])).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", (await RunAsync(driver)).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", (await RunAsync(new FakeDriver(Guest("\e[31mred\n", 1, used: 950)))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rates_are_since_the_last_look_by_the_guests_own_times()
    {
        Assert.Equal(JsonValueKind.Null, Rates(await JsonAsync(Swapping(seconds: 0, swapped: 0))));

        // The guest has not reported since; then it has, 4 s after the last report that was seen.
        Assert.Equal(JsonValueKind.Null, Rates(await JsonAsync(Swapping(seconds: 0, swapped: 0))));
        JsonElement line = (await JsonAsync(Swapping(seconds: 4, swapped: 1000))).GetProperty("domains")[0];
        Assert.Equal(250, line.GetProperty("rates").GetProperty("swap_out_kib_per_second").GetDouble());
        Assert.Equal(25, line.GetProperty("rates").GetProperty("major_faults_per_second").GetDouble());

        // Booted again: it is another run, whose counters began anew.
        Assert.Equal(JsonValueKind.Null, Rates(await JsonAsync(new FakeDriver(Guest("swapping", 2, used: 100)))));
        Assert.Equal(["swapping"], Names((await RunAsync(Swapping(seconds: 6, swapped: 0), "--sort", "name")).Output));

        static JsonValueKind Rates(JsonElement root) => root.GetProperty("domains")[0].GetProperty("rates").ValueKind;

        static FakeDriver Swapping(ulong seconds, ulong swapped) => new(Guest("swapping", 1, used: 100, age: 10 - seconds, period: 60, swapOut: 5000 + swapped, faults: 70 + (swapped / 10)));
    }

    [Theory]
    [InlineData(1000UL, 10UL, 9000UL)]
    [InlineData(0UL, 900UL, 9000UL)]
    [InlineData(1000UL, 900UL, 20UL)]
    public async Task A_reboot_between_two_looks_makes_no_rates_whichever_counter_tells_it(ulong swapOut, ulong faults, ulong minorFaults)
    {
        _ = await RunAsync(Faulting(age: 10, swapOut: 500, faults: 70, minorFaults: 7000));
        JsonElement line = (await JsonAsync(Faulting(age: 2, swapOut, faults, minorFaults))).GetProperty("domains")[0];
        Assert.Equal((JsonValueKind.Null, false), (line.GetProperty("rates").ValueKind, line.GetProperty("is_short").GetBoolean()));

        static FakeDriver Faulting(ulong age, ulong swapOut, ulong faults, ulong minorFaults) =>
            new(Guest("a", 1, used: 100, age: age, period: 60, swapOut: swapOut, faults: faults, minorFaults: minorFaults));
    }

    [Theory]
    [InlineData(600, true)]
    [InlineData(601, false)]
    public async Task What_a_guest_did_long_ago_is_not_what_it_does_now(ulong seconds, bool isShort)
    {
        _ = await RunAsync(new FakeDriver(Guest("a", 1, used: 100, age: seconds + 1, period: 60, swapOut: 10)));
        JsonElement line = (await JsonAsync(new FakeDriver(Guest("a", 1, used: 100, age: 1, period: 60, swapOut: 14)))).GetProperty("domains")[0];
        Assert.Equal((isShort, isShort), (line.GetProperty("is_short").GetBoolean(), line.GetProperty("rates").ValueKind == JsonValueKind.Object));

        // What makes a guest short is no zero.
        Assert.True(!isShort || line.GetProperty("rates").GetProperty("swap_out_kib_per_second").GetDouble() > 0);
    }

    [Fact]
    public async Task A_sum_says_whose_number_it_lacks()
    {
        FakeDriver driver = new(Guest("a", 1, used: 100), Guest("b", 2, used: 400, hasRss: false));
        Assert.Contains("resident 1.0G (1 unknown); the host could get back 792M (1 unknown).", (await RunAsync(driver)).Output, StringComparison.Ordinal);
        JsonElement total = (await JsonAsync(driver)).GetProperty("total");
        Assert.Equal(1024 * MiB, total.GetProperty("rss_kib").GetUInt64());
        Assert.Equal("""{"rss_kib":1,"reclaimable_kib":1}""", JsonSerializer.Serialize(total.GetProperty("missing")));

        driver = new(Guest("b", 2, used: 400, hasRss: false));
        Assert.Contains("resident -; the host could get back -.", (await RunAsync(driver)).Output, StringComparison.Ordinal);
        total = (await JsonAsync(driver)).GetProperty("total");
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (total.GetProperty("rss_kib").ValueKind, total.GetProperty("reclaimable_kib").ValueKind));
    }

    [Fact]
    public async Task Whom_nobody_can_judge_is_named_beside_those_that_are_short()
    {
        FakeDriver driver = new(Guest("calm", 1, used: 100), Guest("mute", 2, used: null));
        string output = (await RunAsync(driver, "--pressed")).Output;
        Assert.Equal(
            "Of 2 guests, none is short of memory; without current numbers: 1.\nCannot be judged: mute (never reported)", output.Trim('\n'));
        driver = new(Guest("full", 1, used: 950), Guest("mute", 2, used: null));
        Assert.Contains("Total of 1 guest", (await RunAsync(driver, "--pressed")).Output, StringComparison.Ordinal);
        Assert.Contains("\nCannot be judged: mute (never reported)\n", (await RunAsync(driver, "--pressed")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await JsonAsync(driver, "--pressed")).GetProperty("total").GetProperty("unjudged").GetInt32());
        Assert.DoesNotContain("Cannot be judged", (await RunAsync(driver)).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await JsonAsync(driver)).GetProperty("total").GetProperty("unjudged").GetInt32());
    }

    [Fact]
    public async Task Who_swaps_is_pressed_whatever_it_uses()
    {
        _ = await RunAsync(new FakeDriver(Guest("a", 1, used: 100, age: 5, period: 60, swapOut: 1), Guest("b", 2, used: 700)));
        FakeDriver later = new(Guest("a", 1, used: 100, age: 1, period: 60, swapOut: 2001), Guest("b", 2, used: 700));
        Outcome outcome = await RunAsync(later);
        Assert.Equal(["a", "b"], Names(outcome.Output));
        Assert.Contains("500K", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_kept_may_be_anything()
    {
        _ = await RunAsync(new FakeDriver(Guest("a", 1, used: 100)));
        string kept = Assert.Single(Directory.GetFiles(_directory.File("ballast")));
        foreach (string text in new[] { "", "nonsense", "a b c d e f\n", new('x', 100_000), "6a1e1aad-ce98-8e24-8f5e-7663100b05e0 1 99999999999999999999 - - -\n" })
        {
            await File.WriteAllTextAsync(kept, text, TestContext.Current.CancellationToken);
            Assert.Equal(["a"], Names((await RunAsync(new FakeDriver(Guest("a", 1, used: 100)))).Output));
        }

        File.Delete(kept);
        File.CreateSymbolicLink(kept, "/dev/zero");
        Assert.Equal(["a"], Names((await RunAsync(new FakeDriver(Guest("a", 1, used: 100)))).Output));
        Assert.Null(new FileInfo(kept).LinkTarget);
    }

    [Fact]
    public async Task Csv_has_a_line_for_each_and_nothing_else()
    {
        string output = (await RunAsync(new FakeDriver(Guest("a,\"b\"", 1, used: 100), Guest("mute", 2, used: null)), "--csv")).Output;
        string[] lines = output.Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("name,uuid,id,used_kib,", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("\"a,\"\"b\"\"\",", lines[1], StringComparison.Ordinal);
        Assert.Contains($",1,{100 * MiB},{1024 * MiB},", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(",never reported,never reported", lines[2], StringComparison.Ordinal);
        Assert.Equal("", lines[3]);
        Assert.Equal(lines[0].Split(','), Document("memory --csv` are ", "An unknown"));
    }

    [Fact]
    public async Task Json_has_the_documented_members()
    {
        JsonElement line = (await JsonAsync(new FakeDriver(Guest("a", 1, used: 100)))).GetProperty("domains")[0];
        string[] own = [.. line.EnumerateObject().Select(member => member.Name).SkipWhile(name => name != "inconsistencies").Skip(1)];
        string text = DocumentedCode.Text("docs/cli-json.md");
        string[] documented = [.. Member().Matches(text[text.IndexOf("## memory", StringComparison.Ordinal)..text.IndexOf("## watch", StringComparison.Ordinal)]).Select(match => match.Groups[1].Value)];
        Assert.Equal(documented, own);
    }

    [Theory]
    [InlineData("--sort presure", "unknown order 'presure', did you mean 'pressure'?")]
    [InlineData("--reason stal", "unknown reason 'stal', did you mean 'stale'?")]
    [InlineData("--json --csv", "Options --json and --csv are mutually exclusive")]
    [InlineData("nobody", "failed to get domain 'nobody'")]
    public async Task A_mistake_is_named(string arguments, string error)
    {
        Outcome outcome = await RunAsync(new FakeDriver(Guest("a", 1, used: 100)), arguments.Split(' '));
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output.Trim()));
        Assert.StartsWith($"error: {error}", outcome.Error, StringComparison.Ordinal);
    }

    private static FakeDomain Guest(
        string name, int id, ulong? used, ulong? usable = null, ulong age = 1, uint period = 2, ulong? swapOut = null, ulong? faults = null, ulong? minorFaults = null,
        bool hasRss = true)
    {
        List<MemoryStat> entries = [];
        if (swapOut is { } swapped)
            entries.AddRange([new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, swapped)]);
        if (faults is { } major)
            entries.Add(new(MemoryStatTag.MajorFault, major));
        if (minorFaults is { } minor)
            entries.Add(new(MemoryStatTag.MinorFault, minor));
        if (used is { } taken)
            entries.AddRange([new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, (usable ?? (1024 - taken)) * MiB), new(MemoryStatTag.LastUpdate, Now - age)]);
        entries.Add(new(MemoryStatTag.ActualBalloon, 1124 * MiB));
        if (hasRss)
            entries.Add(new(MemoryStatTag.Rss, 1024 * MiB));
        return new FakeDomain(name, id)
        {
            Facts = new() { Entries = [.. entries], PeriodSeconds = period, IsRunning = true },
            Statistics = [TypedParameter.ULLong("balloon.maximum", 2048 * MiB)],
        };
    }

    private async Task<JsonElement> JsonAsync(FakeDriver driver, params string[] options) =>
        JsonDocument.Parse((await RunAsync(driver, ["--json", .. options])).Output).RootElement;

    private Task<Outcome> RunAsync(FakeDriver driver, params string[] arguments) => RunAsync(driver, null, [], arguments);

    private Task<Outcome> RunAsync(FakeDriver driver, int? columns, (string Name, string Value)[] variables, params string[] arguments) => CliRun.BallastAsync(
        ["memory", .. arguments], (uri, options, _) => new(new Connection(driver, uri ?? "fake:///", options)),
        new Dictionary<string, string>(
            new[] { ("XDG_RUNTIME_DIR", _directory.Path), ("TERM", "xterm") }.Concat(variables)
                .GroupBy(pair => pair.Item1).Select(pairs => KeyValuePair.Create(pairs.Key, pairs.Last().Item2))),
        isTerminal: columns is not null, columns: columns, cancellationToken: TestContext.Current.CancellationToken);

    private static string[] Names(string output) =>
        [.. output.Split('\n').Skip(1).TakeWhile(line => line.Length > 0).Select(line => line.Split(' ')[0])];

    private static string[] Document(string begin, string end)
    {
        string text = DocumentedCode.Text("docs/cli-json.md");
        int from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return [.. Word().Matches(text[from..text.IndexOf(end, from, StringComparison.Ordinal)]).Select(match => match.Groups[1].Value)];
    }

    // East Asian letters take two columns.
    private static int Columns(string text) => text.Sum(c => c is >= '\u2e80' and <= '\uffdc' ? 2 : 1);

    [GeneratedRegex("\e\\[[0-9]+m")]
    private static partial Regex Escape();

    [GeneratedRegex("`([a-z_]+)`")]
    private static partial Regex Word();

    [GeneratedRegex("^\\| `([a-z_]+)`", RegexOptions.Multiline)]
    private static partial Regex Member();
}
