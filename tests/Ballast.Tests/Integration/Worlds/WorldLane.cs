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
        for (int seed = First; seed < End && Directory.GetFiles(Results).Length < MaxViolations; seed += Step)
        {
            if (await World.RunAsync(seed, nursery, Programs, cancellationToken) is not var (violation, story))
                continue;
            await File.WriteAllTextAsync(
                Path.Combine(Results, seed.ToString(CultureInfo.InvariantCulture)), $"{violation.Message}\n{story}\n", cancellationToken);
        }
    }
}
