using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The program as it ships, compiled ahead of time; ./test builds it and says where it is.</summary>
internal static class BallastProgram
{
    public static string Path =>
        Environment.GetEnvironmentVariable("BALLAST_CLI") is { Length: > 0 } path
            ? path
            : throw new InvalidOperationException("BALLAST_CLI does not name the native program: run ./build and set it, or run ./test.");

    public static Task<CommandResult> RunAsync(CancellationToken cancellationToken, params string[] arguments) =>
        ChildProcess.RunAsync(Path, arguments, cancellationToken: cancellationToken);

    /// <summary>What it says under its own name without its hints, which virsh has not.</summary>
    public static string WithoutHints(string errors) => Regex.Replace(errors, "(?m)^hint: .*\n", "", RegexOptions.None, TimeSpan.FromSeconds(10));

    /// <summary>The lines of <c>dommemstat</c> as pairs, in their order.</summary>
    public static List<KeyValuePair<string, ulong>> ParseStats(string output) =>
        [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .Select(parts => KeyValuePair.Create(parts[0], ulong.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)))];
}
