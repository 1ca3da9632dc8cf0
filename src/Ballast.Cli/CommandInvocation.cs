using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>What a running command works with.</summary>
internal sealed class CommandInvocation(
    ParsedCommand arguments, Connection? connection, CommandOutput output, bool isQuiet, CancellationToken cancellationToken)
{
    public ParsedCommand Arguments { get; } = arguments;

    public Connection Connection =>
        connection ?? throw new InvalidOperationException($"Command {Arguments.Command.Name} runs without a connection.");

    public TextOutput Out { get; } = output.Out;

    /// <summary>Whether headings are left out.</summary>
    public bool IsQuiet { get; } = isQuiet;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Says on standard error what the user should know though the command succeeds.</summary>
    public void Warn(string text) => output.ErrorText($"warning: {SafeText.Escape(text)}\n");
}
