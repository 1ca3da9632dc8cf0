using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>What a running command works with.</summary>
internal sealed class CommandInvocation(
    ParsedCommand arguments, Connection? connection, CommandOutput output, CliHost host, bool isQuiet, CancellationToken cancellationToken)
{
    public ParsedCommand Arguments { get; } = arguments;

    public Connection Connection =>
        connection ?? throw new InvalidOperationException($"Command {Arguments.Command.Name} runs without a connection.");

    public TextOutput Out { get; } = output.Out;

    /// <summary>Whether it was called as virsh.</summary>
    public bool IsVirsh { get; } = host.IsVirsh;

    /// <summary>Whether people read the output, and want more than virsh says.</summary>
    public bool IsForPeople { get; } = host is { IsVirsh: false, IsOutputTerminal: true };

    /// <summary>The same of what goes to standard error.</summary>
    public bool MayRemark { get; } = host is { IsVirsh: false, IsErrorTerminal: true };

    public TimeProvider TimeProvider { get; } = host.TimeProvider;

    /// <summary>Whether headings are left out.</summary>
    public bool IsQuiet { get; } = isQuiet;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Says on standard error what the user should know though the command succeeds.</summary>
    public void Warn(string text) => output.ErrorText($"warning: {SafeText.Escape(text)}\n");

    /// <summary>The same where nothing is wrong.</summary>
    public void Remark(string text) => output.ErrorText($"{SafeText.Escape(text)}\n");
}
