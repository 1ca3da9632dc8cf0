using Ballast.Cli.Commands;
using Ballast.Cli.Completion;
using Ballast.Cli.Output;

namespace Ballast.Cli.Manual;

/// <summary>
/// <c>ballast __make</c>: what is installed beside the program and made from its tables, so that it cannot go stale.
/// <c>completion bash|zsh|fish</c> writes a completion script, <c>man</c> writes ballast(1).
/// </summary>
internal static class MakeCommand
{
    public const string Name = "__make";

    public static int Run(string[] arguments, CommandOutput output, string version)
    {
        string? made = arguments switch
        {
            ["completion", var shell] => CompletionScripts.For(shell),
            ["man"] => BallastManual.Write(CommandTable.Groups, version),
            _ => null,
        };
        if (made is null)
        {
            output.Error($"{Name} takes: completion bash, completion zsh, completion fish, man");
            return CliProgram.Failure;
        }

        output.Out.Write(made);
        return CliProgram.Success;
    }
}
