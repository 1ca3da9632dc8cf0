using System.Globalization;

namespace Ballast.Tests.Integration.Worlds;

/// <summary>
/// One world after another, in a process with namespaces of its own: there nobody is found but the world's own processes.
/// Described by the environment, because it is this program that is started once more.
/// </summary>
internal sealed record WorldLane(string Programs, string Results, int First, int Step, int End, int MaxViolations)
{
    private const string Variable = "BALLAST_WORLD_LANE";

    public static WorldLane FromEnvironment()
    {
        string[] words = (Environment.GetEnvironmentVariable(Variable) ?? throw new InvalidOperationException(
            $"{Variable} is not set: this is what WorldsTests starts.")).Split(' ');
        int[] numbers = [.. words[2..].Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
        return new WorldLane(words[0], words[1], numbers[0], numbers[1], numbers[2], numbers[3]);
    }

    public IReadOnlyDictionary<string, string> ToEnvironment() => new Dictionary<string, string>
    {
        [Variable] = string.Create(CultureInfo.InvariantCulture, $"{Programs} {Results} {First} {Step} {End} {MaxViolations}"),
    };

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using Nursery nursery = await Nursery.StartAsync(Programs, cancellationToken);
        int calls = 0, answered = 0;
        for (int seed = First; seed < End && Stories(Results).Length < MaxViolations; seed += Step)
        {
            WorldOutcome outcome = await World.RunAsync(seed, nursery, Programs, cancellationToken);
            calls += outcome.Calls;
            answered += outcome.Answered;
            if (outcome.Violation is { } violation)
                await File.WriteAllTextAsync(Path.Combine(Results, $"{seed}.story"), $"{violation.Message}\n{outcome.Story}\n", cancellationToken);
        }

        await File.WriteAllTextAsync(Path.Combine(Results, $"{First}.calls"), $"{calls} {answered}", cancellationToken);
    }

    /// <summary>A file for each world that failed: what was violated, and the world's story.</summary>
    public static string[] Stories(string results) =>
        [.. Directory.GetFiles(results, "*.story").OrderBy(file => int.Parse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture))];

    /// <summary>How many calls all lanes made, and how many of them did not fail.</summary>
    public static (int Calls, int Answered) Sum(string results)
    {
        int[][] sums = [.. Directory.GetFiles(results, "*.calls").Select(file =>
            File.ReadAllText(file).Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture)).ToArray())];
        return (sums.Sum(sum => sum[0]), sums.Sum(sum => sum[1]));
    }
}
