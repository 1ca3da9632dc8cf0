using System.Text.Json;
using Ballast.Balance.Simulation;

namespace Ballast.Tests.Balance;

/// <summary>What the reference model, a program in Python, says of a scenario, unrounded.</summary>
internal sealed record ReferenceFigures(string Scenario, string Policy, int Period, IReadOnlyList<double> Figures)
{
    /// <summary>The figures' names, in the order of <see cref="Figures"/>.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["stall_percent", "worst_guest_percent", "host_swap_mib", "host_idle_percent", "moved_mib"];

    public static IReadOnlyList<ReferenceFigures> All { get; } =
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "balance/figures.jsonl")).Select(Read)];

    /// <summary>The scenarios' files by their names.</summary>
    public static IReadOnlyDictionary<string, string> Files { get; } = Directory
        .EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "balance"), "*.json", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetFileNameWithoutExtension(file)!);

    public static Scenario Load(string name) => ScenarioReader.Read(File.ReadAllBytes(Files[name]));

    private static ReferenceFigures Read(string line)
    {
        JsonElement figures = JsonDocument.Parse(line).RootElement;
        return new ReferenceFigures(
            figures.GetProperty("scenario").GetString()!, figures.GetProperty("policy").GetString()!, figures.GetProperty("period").GetInt32(),
            [.. Names.Select(name => figures.GetProperty(name).GetDouble())]);
    }
}
