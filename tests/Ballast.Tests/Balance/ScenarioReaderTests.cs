using System.Text;
using Ballast.Balance.Simulation;

namespace Ballast.Tests.Balance;

public sealed class ScenarioReaderTests
{
    [Theory]
    [InlineData("{", "the scenario is not JSON")]
    [InlineData("[]", "the scenario is not an object")]
    [InlineData("""{"seconds": 60, "guests": [GUEST]}""", "the scenario has no 'memory'")]
    [InlineData("""{"memory": 1024, "guests": [GUEST]}""", "the scenario has no 'seconds'")]
    [InlineData("""{"memory": 1024, "seconds": 60}""", "the scenario has no 'guests'")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": []}""", "the scenario has no guests")]
    [InlineData("""{"memory": 1024, "seconds": 1.5, "guests": [GUEST]}""", "'seconds' of the scenario is not a whole number")]
    [InlineData("""{"memory": -1, "seconds": 60, "guests": [GUEST]}""", "'memory' of the scenario is not a number from 1 to")]
    [InlineData("""{"memory": 1e999, "seconds": 60, "guests": [GUEST]}""", "'memory' of the scenario is not a number")]
    [InlineData("""{"memory": 1024, "memory": 2048, "seconds": 60, "guests": [GUEST]}""", "the scenario has 'memory' twice")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guest": [], "guests": [GUEST]}""", "the scenario has 'guest', which is not known")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [GUEST, GUEST]}""", "the scenario has two guests 'g'")]
    [InlineData("""{"memory": 1024, "seconds": 60, "constants": {"speed": 1}, "guests": [GUEST]}""", "'constants' of the scenario has 'speed', which is not known")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"maximum": 512, "anon": [[0, 1]]}]}""", "guest 1 has no 'name'")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "anon": [[0, 1]]}]}""", "guest 'g' has no 'maximum'")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512}]}""", "guest 'g' has no 'anon'")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": []}]}""", "'anon' of guest 'g' has no points")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[9, 1], [8, 1]]}]}""", "'anon' of guest 'g' goes back in time after 9")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[9]]}]}""", "'anon' of guest 'g' is not a list of [seconds, MiB]")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[0, -1]]}]}""", "'anon' of guest 'g' is not a list of numbers from 0 to")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[0, 1e308]]}]}""", "'anon' of guest 'g' is not a list of numbers from 0 to")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "anon": [[-1e300, 1]]}]}""", "'anon' of guest 'g' is not a list of numbers from")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "start": 513, "anon": [[0, 1]]}]}""", "guest 'g' has a start above its maximum")]
    [InlineData("""{"memory": 1024, "overhead": 1000, "seconds": 60, "guests": [GUEST]}""", "the scenario leaves no memory for guests")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "\ud800"}]}""", "the scenario has a text that is not Unicode")]
    [InlineData("""{"memory": 1024, "\ud800": 60}""", "the scenario has a text that is not Unicode")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "minimum": 600, "anon": [[0, 1]]}]}""", "guest 'g' has a minimum above its maximum")]
    [InlineData("""{"memory": 1024, "seconds": 60, "guests": [{"name": "g", "maximum": 512, "swap": 1, "anon": [[0, 1]]}]}""", "guest 'g' has 'swap', which is not known")]
    public void What_is_no_scenario_is_refused_with_its_place(string json, string complaint)
    {
        string text = json.Replace("GUEST", """{"name": "g", "maximum": 512, "anon": [[0, 100]]}""", StringComparison.Ordinal);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ScenarioReader.Read(Encoding.UTF8.GetBytes(text)));
        Assert.StartsWith(complaint, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        byte[] json = Encoding.UTF8.GetBytes("""{"about": "?", "memory": 1024}""");
        json[Array.IndexOf(json, (byte)'?')] = 0xff;
        Assert.StartsWith("the scenario", Assert.Throws<InvalidDataException>(() => ScenarioReader.Read(json)).Message, StringComparison.Ordinal);
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
}
