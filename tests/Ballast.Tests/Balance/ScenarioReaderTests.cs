using System.Text;
using System.Text.Json.Nodes;
using Ballast.Balance.Simulation;

namespace Ballast.Tests.Balance;

public sealed class ScenarioReaderTests
{
    /// <summary>A text, ⏎ for the end of a line, and how the complaint about it begins.</summary>
    public static TheoryData<string, string> Wrong { get; } = new()
    {
        { """⏎  ⏎""", "the scenario is empty; docs/balance-files.md describes scenarios" },
        { """{""", "line 1, column 2: the scenario is not JSON: " },
        { """{⏎ "memory": NaN}""", "line 2, column 12: the scenario is not JSON: 'N' is an invalid start of a value; docs/balance-files.md describes scenarios" },
        { """{⏎ "memory": nil, "guests": []}""", "line 2, column 13: the scenario is not JSON: 'nil' is an invalid JSON literal. Expected the literal 'null'; docs/balance-files.md describes scenarios" },
        { $$"""{"memory": f{{new string('x', 100)}}⏎}""", $"line 1, column 13: the scenario is not JSON: 'f{new string('x', 39)}…' is an invalid JSON literal. Expected the literal 'false'; docs/balance-files.md" },
        { """{⏎⏎"memory": 1024,}""", "line 3, column 16: the scenario is not JSON: " },
        { """{"about": "ä" 1""", "line 1, column 15: the scenario is not JSON: " },
        { """[]""", "line 1, column 1: the scenario is [], not an object" },
        { """{"seconds": 60, "guests": [GUEST]}""", "line 1, column 1: the scenario has no 'memory', which it needs" },
        { """{"memory": 1024, "guests": [GUEST]}""", "line 1, column 1: the scenario has no 'seconds'" },
        { """{"memory": 1024, "seconds": 60}""", "line 1, column 1: the scenario has no 'guests'" },
        { """{"memory": 1024, "seconds": 60, "guests": []}""", "line 1, column 43: 'guests' of the scenario is a list of 0, not of 1 to 10000" },
        { """{"memory": 1024, "seconds": 1.5, "guests": [GUEST]}""", "line 1, column 29: 'seconds' of the scenario is 1.5, not a whole number from 1 to 10000000" },
        { """{⏎ "memory": -1, "seconds": 60, "guests": [GUEST]}""", "line 2, column 12: 'memory' of the scenario is -1, not a number from 1 to 1e15" },
        { """{⏎ "memory": 1e400, "seconds": 60, "guests": [GUEST]}""", "line 2, column 12: 'memory' of the scenario is 1e400, not a number from 1 to 1e15" },
        { """{"memory": "1024", "seconds": 60, "guests": [GUEST]}""", "line 1, column 12: 'memory' of the scenario is \"1024\", not a number" },
        { """{"memory": 1024,⏎ "memory": 2048, "seconds": 60, "guests": [GUEST]}""", "line 2, column 12: the scenario has 'memory' twice; keep one" },
        { """{"memory": 1024, "seconds": 60, "guest": [], "guests": [GUEST]}""", "line 1, column 42: the scenario has 'guest', which is not known; known are 'about', 'memory', 'overhead'," },
        { """{"memory": 1024, "seconds": 60, "guests": [GUEST,⏎ GUEST]}""", "line 2, column 2: guest 2 is called 'g' as another one" },
        { """{"memory": 1024, "seconds": 60, "constants": {"speed": 1}, "guests": [GUEST]}""", "line 1, column 56: 'constants' of the scenario has 'speed', which is not known; known are 'kernel_share'," },
        { """{"memory": 1024, "seconds": 60, "constants": {"report_age": 601}, "guests": [GUEST]}""", "line 1, column 61: 'report_age' of 'constants' of the scenario is 601, not a number from 0 to 600" },
        { """{"memory": 1024, "seconds": 60, "guests": [7]}""", "line 1, column 44: guest 1 is 7, not an object" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"maximum": 512, "anon": [[0, 1]]}]}""", "line 1, column 44: guest 1 has no 'name'" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "anon": [[0, 1]]}]}""", "line 1, column 44: guest 'g' has no 'maximum'" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512}]}""", "line 1, column 44: guest 'g' has no 'anon'" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": []}]}""", "line 1, column 82: 'anon' of guest 'g' is a list of 0, not of 1 to 1000000" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": 5}]}""", "line 1, column 82: 'anon' of guest 'g' is 5, not a list of [seconds, MiB]" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[9, 1],⏎[8, 1]]}]}""", "line 2, column 1: a point of 'anon' of guest 'g' is [8, 1], not in order: it goes back in time, after 9" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[9]]}]}""", "line 1, column 83: a point of 'anon' of guest 'g' is [9], not [seconds, MiB]" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[0, -1]]}]}""", "line 1, column 83: a point of 'anon' of guest 'g' is [0, -1], not [seconds, MiB] with numbers up to 1e15, and no size below 0" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[0, 1e308]]}]}""", "line 1, column 83: a point of 'anon' of guest 'g' is [0, 1e308], not" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[-1e300, 1]]}]}""", "line 1, column 83: a point of 'anon' of guest 'g' is [-1e300, 1], not" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "start": 513, "anon": [[0, 1]]}]}""", "line 1, column 44: guest 'g' has a start above its maximum" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "minimum": 600, "anon": [[0, 1]]}]}""", "line 1, column 44: guest 'g' has a minimum above its maximum" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "swap": 1, "anon": [[0, 1]]}]}""", "line 1, column 82: guest 'g' has 'swap', which is not known; known are 'name', 'maximum'," },
        { """{"memory": 1024, "overhead": 1000, "seconds": 60, "guests": [GUEST]}""", "line 1, column 1: the scenario leaves no memory for guests" },
        { """{"memory": 1024, "seconds": 60, "guests": [{"name": "\ud800"}]}""", "line 1, column 53: guest 1 has a text that is not Unicode" },
        { """{"memory": 1024, "\ud800": 60}""", "line 1, column 28: the scenario has a text that is not Unicode" },
    };

    /// <summary>All numbers, and what stands in their place.</summary>
    public static TheoryData<string, string> Numbers { get; } =
    [
        .. new[]
        {
            "memory", "overhead", "reserve", "seconds", "kernel_share", "deflate", "inflate", "inflate_swapping", "swap_out", "swap_in", "read", "free_touched",
            "report_age", "maximum", "minimum", "start", "data", "silent_from", "deaf_from", "claims", "shares",
        }.SelectMany(name => new[] { "-1e16", "1e400", "\"1\"", "true", "[]", "{}", "null" }.Select(value => (name, value))).Where(one => one is not ("silent_from" or "deaf_from", "null")),
    ];

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_no_scenario_is_refused_with_its_place(string json, string complaint)
    {
        string text = json.Replace("GUEST", """{"name": "g", "maximum": 512, "anon": [[0, 100]]}""", StringComparison.Ordinal).Replace('⏎', '\n');
        Assert.StartsWith(complaint, Refused(Encoding.UTF8.GetBytes(text)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void What_is_no_number_or_none_that_can_be_is_refused_by_its_name_and_value(string name, string value)
    {
        JsonNode scenario = JsonNode.Parse("""{"memory": 1024, "seconds": 60, "constants": {}, "guests": [{"name": "g", "maximum": 512, "anon": [[0, 100]]}]}""")!;
        JsonNode guest = scenario["guests"]![0]!, constants = scenario["constants"]!;
        JsonNode place = name is "memory" or "overhead" or "reserve" or "seconds" ? scenario
            : name is "maximum" or "minimum" or "start" or "data" or "silent_from" or "deaf_from" or "claims" or "shares" ? guest
            : constants;
        place[name] = "HERE";
        string text = scenario.ToJsonString().Replace("\"HERE\"", value, StringComparison.Ordinal), complaint = Refused(Encoding.UTF8.GetBytes(text));
        Assert.Contains($"'{name}' of ", complaint, StringComparison.Ordinal);
        Assert.Contains($" is {value}, not a ", complaint, StringComparison.Ordinal);
    }

    [Fact]
    public void What_would_take_hours_is_refused()
    {
        string guests = string.Join(", ", Enumerable.Range(0, 11).Select(i => $$"""{"name": "g{{i}}", "maximum": 512, "anon": [[0, 100]]}"""));
        string text = $$"""{"memory": 9999, "seconds": 10000000, "guests": [{{guests}}]}""";
        Assert.Equal(
            "line 1, column 1: the scenario would take too long: the number of guests times 'seconds' is above 100000000", Refused(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        byte[] json = Encoding.UTF8.GetBytes("""{"about": "?", "memory": 1024}""");
        json[Array.IndexOf(json, (byte)'?')] = 0xff;
        Assert.Equal("line 1, column 11: the scenario has a text that is not Unicode", Refused(json));
    }

    [Fact]
    public void A_mark_before_the_text_is_passed_over()
    {
        byte[] json = [.. Encoding.UTF8.Preamble, .. """{"memory": -1}"""u8];
        Assert.StartsWith("line 1, column 12: 'memory'", Refused(json), StringComparison.Ordinal);
    }

    [Fact]
    public void What_never_happens_may_be_null()
    {
        Scenario scenario = ScenarioReader.Read("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[0, 100]], "silent_from": null, "deaf_from": null}]}"""u8.ToArray());
        Assert.Equal((null, null), (Assert.Single(scenario.Guests).SilentFrom, scenario.Guests[0].DeafFrom));
    }

    [Fact]
    public void What_is_left_out_is_as_usual()
    {
        Scenario scenario = ScenarioReader.Read("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[0, 100], [10, 200]]}]}"""u8.ToArray());
        Assert.Equal((0, 32, new SimulationConstants()), (scenario.Overhead, scenario.Reserve, scenario.Constants));
        GuestScenario guest = Assert.Single(scenario.Guests);
        Assert.Equal((0, 1, null, false), (guest.Minimum, guest.Claims, guest.SilentFrom, guest.TotalStays));
        Assert.Equal([100, 100, 150, 200, 200], new double[] { -1, 0, 5, 10, 99 }.Select(guest.Anonymous.At));
        Assert.Equal(0, guest.Hot.At(5));
    }

    private static string Refused(byte[] json) => Assert.Throws<InvalidDataException>(() => ScenarioReader.Read(json)).Message;
}
