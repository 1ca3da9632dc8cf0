using System.Reflection;
using Ballast.Guests;

namespace Ballast.Tests;

/// <summary>The checkout's own scripts.</summary>
public sealed class ScriptTests
{
    private static readonly string Root = typeof(LinuxGuestImage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(data => data.Key == "RepositoryRoot").Value!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Scripts { get; } = ["run", "build", "test", "eng/debian13", "tests/guest/build-linux-guest", "tests/fuzz", "bindings/python/test", "tests/suites/run", "tests/systemd/run"];

    [Fact]
    public void Tests_of_the_native_programs_say_that_they_need_them()
    {
        // ./test quick builds none of them.
        IEnumerable<string> silent = Directory.GetFiles(Path.Combine(Root, "tests/Ballast.Tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file) is var text
                && (text.Contains("BallastProgram.Path", StringComparison.Ordinal) || text.Contains("BallastProgram.Run", StringComparison.Ordinal) || text.Contains("BallastDaemon.Start", StringComparison.Ordinal))
                && !text.Contains("Trait(\"needs\"", StringComparison.Ordinal));
        Assert.Equal([$"{nameof(ScriptTests)}.cs"], silent.Select(Path.GetFileName));
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task None_ends_silently(string script)
    {
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(Root, script), Token);
        int strict = Array.IndexOf(lines, "set -euo pipefail"), common = Array.FindIndex(lines, line => line.StartsWith(". \"", StringComparison.Ordinal) && line.EndsWith("/common.sh\"", StringComparison.Ordinal));
        Assert.True(strict >= 0, "set -euo pipefail");
        Assert.InRange(common, strict + 1, strict + 3);
    }

    [Theory]
    [InlineData("false", "false")]
    [InlineData("found=$(grep nonsense /dev/null | head -n 1)", "grep nonsense /dev/null")]
    [InlineData("look() { false; echo there; }; look", "false")]
    [InlineData("look() { ls /nonsense 2>/dev/null | cat; }; look", "cat")]
    public async Task A_command_that_ends_a_script_is_named(string script, string command)
    {
        CommandResult result = await ChildProcess.RunAsync(
            "bash", ["-c", $"set -euo pipefail; . \"$0\"; {script}; echo on", Path.Combine(Root, "eng/common.sh")], cancellationToken: Token);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains("this failed: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains(command, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_that_may_fail_are_not_named()
    {
        CommandResult result = await ChildProcess.RunAsync(
            "bash",
            ["-c", "set -euo pipefail; . \"$0\"; if false; then :; fi; false || true; found=$(false) || found=; ! true || true; echo on", Path.Combine(Root, "eng/common.sh")],
            cancellationToken: Token);
        Assert.Equal(new CommandResult(0, "on\n", ""), result);
    }
}
