using Ballast.Guests;
using Ballast.Tests.Cli;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Documentation;

/// <summary>Readers can paste the code of README.md and docs/ as it stands.</summary>
public sealed class DocumentedCodeTests
{
    // What a program gets with ImplicitUsings.
    private const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("speed", "slow")]
    public async Task CSharp_compiles()
    {
        using PrivateDirectory directory = new();
        string usings = directory.File("usings.cs"), references = directory.File("references.rsp");
        await File.WriteAllTextAsync(usings, ImplicitUsings, Token);
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        await File.WriteAllLinesAsync(references, assemblies.Where(IsReferenced).Select(path => $"-r:\"{path}\""), Token);
        IReadOnlyList<(string Name, string Code)> blocks = DocumentedCode.Blocks("csharp");
        Assert.InRange(blocks.Count, 3, 50);
        foreach ((string name, string code) in blocks)
        {
            string source = directory.File("program.cs");
            await File.WriteAllTextAsync(source, code, Token);
            CommandResult result = await ChildProcess.RunAsync(
                Path.Combine(DotnetRoot, "dotnet"),
                [
                    "exec", Compiler(), "-nologo", "-noconfig", "-nostdlib", "-nullable:enable", "-warnaserror", "-langversion:latest",
                    $"-out:{directory.File("program.dll")}", $"@{references}", usings, source,
                ],
                cancellationToken: Token);
            Assert.True(result.ExitCode == 0, $"{name}: {result.Output}{result.Errors}");
        }
    }

    [Fact]
    [Trait("speed", "slow")]
    public async Task C_compiles()
    {
        using PrivateDirectory directory = new();
        IReadOnlyList<(string Name, string Code)> blocks = DocumentedCode.Blocks("c");
        Assert.NotEmpty(blocks);
        foreach ((string name, string code) in blocks)
        {
            string source = directory.File("program.c");
            await File.WriteAllTextAsync(source, code, Token);
            CommandResult result = await ChildProcess.RunAsync(
                "gcc",
                ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", Path.Combine(NativeProgram.Libraries, "include"), source],
                cancellationToken: Token);
            Assert.True(result.ExitCode == 0, $"{name}: {result.Errors}");
        }
    }

    [Fact]
    public async Task Shell_is_shell()
    {
        IReadOnlyList<(string Name, string Code)> blocks = DocumentedCode.Blocks("sh");
        Assert.NotEmpty(blocks);
        foreach ((string name, string code) in blocks)
        {
            CommandResult result = await ChildProcess.RunAsync("bash", ["-n", "-c", code], cancellationToken: Token);
            Assert.True((result.ExitCode, result.Errors) == (0, ""), $"{name}: {result.Errors}");
        }
    }

    [Fact]
    public async Task Commands_are_understood()
    {
        int run = 0;
        foreach ((string name, string code) in DocumentedCode.Blocks("sh"))
        {
            foreach (string line in code.Split('\n').Where(IsBallast))
            {
                // The shell splits the line, so that quotes and comments mean what they do for a reader.
                string command = line.Replace("./run ", "ballast ", StringComparison.Ordinal);
                CommandResult split = await ChildProcess.RunAsync(
                    "bash", ["-c", $"ballast() {{ printf '%s\\0' \"$@\"; }}\n{command}"], cancellationToken: Token);
                string[] words = split.Output.Split('\0', StringSplitOptions.RemoveEmptyEntries);
                Outcome outcome = Array.Exists(words, word => word.StartsWith("test:///", StringComparison.Ordinal))
                    ? await CliRun.BallastAsync(words)
                    : await CliRun.BallastAsync(new FakeDriver(), [.. words, "--help"]);
                Assert.True(outcome.ExitCode == 0, $"{name}: {line}: {outcome.Error}");
                run++;
            }
        }

        Assert.True(run >= 5);
    }

    private static string DotnetRoot { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));

    // The compiler that built this test.
    private static string Compiler() =>
        Directory.EnumerateFiles(Path.Combine(DotnetRoot, "sdk"), "csc.dll", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Last();

    private static bool IsReferenced(string path) =>
        Path.GetFileName(path) is "Ballast.dll" or "netstandard.dll" || Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal)
        || Path.GetFileName(path).StartsWith("Microsoft.Extensions.Logging", StringComparison.Ordinal);

    private static bool IsBallast(string line) => line.StartsWith("./run ", StringComparison.Ordinal) || line.StartsWith("ballast ", StringComparison.Ordinal);
}
