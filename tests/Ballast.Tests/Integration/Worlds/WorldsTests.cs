using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Worlds;

/// <summary>
/// No call ever reaches another process than the one that was listed under its handle, in any world. BALLAST_WORLD_SEED=N
/// lives through world N alone, or from it on where BALLAST_WORLDS=COUNT is set too; BALLAST_WORLD_VIOLATIONS=COUNT goes on
/// until that many worlds failed.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class WorldsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task In_a_hundred_worlds_no_call_reaches_another_process() => RunAsync(100);

    [Fact]
    [Trait("speed", "long")]
    public Task In_two_thousand_worlds_no_call_reaches_another_process() => RunAsync(2000);

    /// <summary>What the others start, in namespaces of its own.</summary>
    [Fact(Explicit = true)]
    public Task Lane() => WorldLane.FromEnvironment().RunAsync(Token);

    private static async Task RunAsync(int count)
    {
        // Other worlds each time: those of a thousand runs are more than those of one.
        int? seed = Setting("BALLAST_WORLD_SEED");
        int first = seed ?? Random.Shared.Next(1_000_000);
        count = Setting("BALLAST_WORLDS") ?? (seed is null ? count : 1);
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        using PrivateDirectory results = new();

        // Worlds wait more than they compute.
        int lanes = Math.Min(count, 3 * Environment.ProcessorCount), most = Setting("BALLAST_WORLD_VIOLATIONS") ?? 1;
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(async lane => await RunLaneAsync(
            new WorldLane(programs.Directory, results.Path, first + lane, lanes, first + count, most))));
        string[] failed = WorldLane.Stories(results.Path);
        Assert.True(failed.Length == 0, Report(failed, first, count));

        // What fails always reaches nobody else either: most calls must be answered.
        (int calls, int answered) = WorldLane.Sum(results.Path);
        TestContext.Current.TestOutputHelper?.WriteLine($"{count} worlds from {first} on: {calls} calls, {answered} answered");
        Assert.True(answered > calls / 2, $"of {calls} calls only {answered} were answered");
    }

    private static async Task RunLaneAsync(WorldLane lane)
    {
        CommandResult result = await ChildProcess.RunAsync(
            "unshare",
            ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", Environment.ProcessPath!,
                "-noColor", "-explicit", "only", "-method", $"{typeof(WorldsTests).FullName}.{nameof(Lane)}"],
            lane.ToEnvironment(), TimeSpan.FromHours(2), Token);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    private static string Report(string[] failed, int first, int count)
    {
        IEnumerable<string> lines = failed.Select(file => $"world {Path.GetFileNameWithoutExtension(file)}: {File.ReadLines(file).First()}");
        return failed.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
            $"{failed.Length} of the worlds {first} to {first + count - 1} failed:\n{string.Join('\n', lines)}\n\n"
            + $"BALLAST_WORLD_SEED={Path.GetFileNameWithoutExtension(failed[0])} lives through the first again:\n{File.ReadAllText(failed[0])}");
    }

    private static int? Setting(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
}
