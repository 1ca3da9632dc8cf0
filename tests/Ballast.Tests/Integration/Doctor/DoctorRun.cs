using System.Text.Json;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Doctor;

/// <summary>What <c>doctor</c> found.</summary>
internal sealed record Finding(string Severity, string Subject, string Check, string Text, string Remedy, string? Command)
{
    public override string ToString() => $"{Severity}: {Subject}: {Text}: {Remedy}";
}

/// <summary>The shipped program's <c>doctor</c>, and its remedies, taken at their word.</summary>
internal static class DoctorRun
{
    private static readonly string[] Order = ["error", "warning", "note"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What is wrong with guests; whatever is wrong with the machine that the tests run on is left out.</summary>
    public static async Task<IReadOnlyList<Finding>> AskAsync(string uri, params string[] guests)
    {
        CommandResult result = await BallastProgram.RunAsync(Token, ["-c", uri, "doctor", "--json", .. guests]);
        Assert.True(result is { Errors: "", ExitCode: 0 or 1 }, $"{result}");
        Finding[] all = [.. JsonDocument.Parse(result.Output).RootElement.EnumerateArray().Select(Read)];
        Assert.Equal(all.OrderBy(finding => Array.IndexOf(Order, finding.Severity)), all);
        Assert.Equal(all.Any(finding => finding.Severity != "note") ? 1 : 0, result.ExitCode);
        return [.. all.Where(finding => finding.Subject != "host" && finding.Check != "asked")];
    }

    /// <summary>Waits until these checks, and no others, find something, the worst first.</summary>
    public static async Task<IReadOnlyList<Finding>> FindsAsync(string uri, string guest, params string[] checks)
    {
        IReadOnlyList<Finding> found = await AskAsync(uri, guest);

        // A guest moves its balloon and reports at its own speed.
        DateTime end = DateTime.UtcNow + TimeSpan.FromSeconds(40);
        while (!checks.SequenceEqual(found.Select(finding => finding.Check)) && DateTime.UtcNow < end)
            found = await AskAsync(uri, guest);
        Assert.Equal(checks, found.Select(finding => finding.Check));
        Assert.All(found, finding => Assert.True(finding.Subject == guest && finding.Remedy.EndsWith(finding.Command ?? "", StringComparison.Ordinal), $"{finding}"));
        return found;
    }

    /// <summary>Finds nothing at the first look, whoever looks.</summary>
    public static async Task IsWellAsync(string uri, string guest, string after = "")
    {
        IReadOnlyList<Finding> found = await AskAsync(uri, guest);
        Assert.True(found.Count == 0, $"{after}: {string.Join("; ", found)}");
    }

    /// <summary>Runs the command of a remedy as a shell does.</summary>
    public static async Task CarryOutAsync(Finding finding)
    {
        Assert.NotNull(finding.Command);
        string path = $"{Path.GetDirectoryName(BallastProgram.Path)}:{Environment.GetEnvironmentVariable("PATH")}";
        CommandResult result = await ChildProcess.RunAsync("sh", ["-ec", finding.Command], new Dictionary<string, string> { ["PATH"] = path }, cancellationToken: Token);
        Assert.True(result.ExitCode == 0, $"{finding.Command}: {result}");
    }

    private static Finding Read(JsonElement json) => new(
        Text(json, "severity")!, Text(json, "subject")!, Text(json, "check")!, Text(json, "text")!, Text(json, "remedy")!, Text(json, "command"));

    private static string? Text(JsonElement json, string member) => json.GetProperty(member).GetString();
}
