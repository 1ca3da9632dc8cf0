using System.Globalization;
using System.Text.Json;

namespace Ballast.Balance.Simulation;

/// <summary>Reads scenarios. An unknown member is an error, because a misspelt one would change the scenario.</summary>
public static class ScenarioReader
{
    private const int MaxGuests = 10_000, MaxSeconds = 10_000_000, MaxPoints = 1_000_000;

    // The model takes minutes for so many steps of a guest, by all policies.
    private const double MaxSteps = 1e8;

    // Reports that are under way are kept.
    private const int MaxReportAge = 600;

    // Larger than any host, small enough for sums of them.
    private const double MaxNumber = 1e15;

    /// <summary>Reads a scenario's JSON.</summary>
    /// <param name="json">The text, as UTF-8.</param>
    /// <exception cref="InvalidDataException">The text is no scenario. The message says why, with line and column, counted from 1.</exception>
    public static Scenario Read(ReadOnlyMemory<byte> json)
    {
        ScenarioText text = new(json);
        using JsonDocument document = text.Parse();
        return ReadScenario(new ScenarioMembers(text, document.RootElement, "the scenario"));
    }

    private static Scenario ReadScenario(ScenarioMembers members)
    {
        Scenario scenario = new()
        {
            About = members.Text("about") ?? "",
            Memory = members.Number("memory", 1, MaxNumber) ?? throw members.Missing("memory"),
            Overhead = members.Number("overhead", 0, MaxNumber) ?? 0,
            Reserve = members.Number("reserve", 0, MaxNumber) ?? 32,
            Seconds = (int)(members.Number("seconds", 1, MaxSeconds, isWhole: true) ?? throw members.Missing("seconds")),
            Constants = members.Members("constants") is { } constants ? ReadConstants(constants) : new SimulationConstants(),
            Guests = ReadGuests(members),
        };
        members.End();
        if (scenario.Overhead + scenario.Reserve >= scenario.Memory)
            throw members.Wrong("leaves no memory for guests: 'overhead' and 'reserve' (32 where it is left out) take all of 'memory'");
        if ((double)scenario.Guests.Count * scenario.Seconds > MaxSteps)
            throw members.Wrong(string.Create(CultureInfo.InvariantCulture, $"would take too long: the number of guests times 'seconds' is above {MaxSteps:F0}"));
        return scenario;
    }

    private static SimulationConstants ReadConstants(ScenarioMembers members)
    {
        SimulationConstants usual = new();
        SimulationConstants constants = new()
        {
            KernelShare = members.Number("kernel_share", 0, 1) ?? usual.KernelShare,
            Deflate = members.Number("deflate", 0, MaxNumber) ?? usual.Deflate,
            Inflate = members.Number("inflate", 0, MaxNumber) ?? usual.Inflate,
            InflateSwapping = members.Number("inflate_swapping", 0, MaxNumber) ?? usual.InflateSwapping,
            SwapOut = members.Number("swap_out", 0, MaxNumber) ?? usual.SwapOut,
            SwapIn = members.Number("swap_in", 0, MaxNumber) ?? usual.SwapIn,
            Read = members.Number("read", 0, MaxNumber) ?? usual.Read,
            FreeTouched = members.Number("free_touched", 0, 1) ?? usual.FreeTouched,
            ReportAge = members.Number("report_age", 0, MaxReportAge) ?? usual.ReportAge,
        };
        members.End();
        return constants;
    }

    private static GuestScenario[] ReadGuests(ScenarioMembers members)
    {
        HashSet<string> names = [];
        return [.. members.Objects("guests", MaxGuests, "guest").Select(guest => ReadGuest(guest, names))];
    }

    private static GuestScenario ReadGuest(ScenarioMembers members, HashSet<string> names)
    {
        string name = members.Text("name") ?? throw members.Missing("name");
        if (!names.Add(name))
            throw members.Wrong($"is called '{name}' as another one; names differ");
        members.Call($"guest '{name}'");
        GuestScenario guest = new()
        {
            Name = name,
            Maximum = members.Number("maximum", 1, MaxNumber) ?? throw members.Missing("maximum"),
            Minimum = members.Number("minimum", 0, MaxNumber) ?? 0,
            Anonymous = members.Series("anon", MaxPoints, MaxNumber) ?? throw members.Missing("anon"),
            Hot = members.Series("hot", MaxPoints, MaxNumber) ?? TimeSeries.Constant(0),
            Data = members.Number("data", 0, MaxNumber) ?? 0,
            SilentFrom = members.Number("silent_from", -MaxNumber, MaxNumber, mayBeNull: true),
            DeafFrom = members.Number("deaf_from", -MaxNumber, MaxNumber, mayBeNull: true),
            Claims = members.Number("claims", 0, MaxNumber) ?? 1,
            Shared = members.Series("shared", MaxPoints, MaxNumber) ?? TimeSeries.Constant(0),
            TotalStays = members.Flag("total_stays"),
            Shares = members.Number("shares", 0, MaxNumber) ?? 1,
            Start = members.Number("start", 0, MaxNumber),
        };
        members.End();
        return guest.Minimum > guest.Maximum ? throw members.Wrong("has a minimum above its maximum")
            : guest.Start > guest.Maximum ? throw members.Wrong("has a start above its maximum")
            : guest;
    }
}
