using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>What a running command works with.</summary>
internal sealed class CommandInvocation(
    ParsedCommand arguments, Connection? connection, TextOutput output, bool isQuiet, CancellationToken cancellationToken)
{
    public ParsedCommand Arguments { get; } = arguments;

    public Connection Connection =>
        connection ?? throw new InvalidOperationException($"Command {Arguments.Command.Name} runs without a connection.");

    public TextOutput Out { get; } = output;

    /// <summary>Whether headings are left out.</summary>
    public bool IsQuiet { get; } = isQuiet;

    public CancellationToken CancellationToken { get; } = cancellationToken;
}
