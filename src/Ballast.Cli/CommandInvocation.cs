using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Terminal;

namespace Ballast.Cli;

/// <summary>What a running command works with.</summary>
internal sealed class CommandInvocation(
    ParsedCommand arguments, CommandSession session, CommandOutput output, CliHost host, bool isQuiet, CancellationToken cancellationToken)
{
    public ParsedCommand Arguments { get; } = arguments;

    public Connection Connection =>
        Session.Connection ?? throw new InvalidOperationException($"Command {Arguments.Command.Name} runs without a connection.");

    /// <summary>The hosts that it asks at once, of which <see cref="Connection"/> is one; null: that one alone.</summary>
    public HostGroup? Hosts { get; private init; }

    /// <summary>What stands before each line on standard error: which of the hosts it is about.</summary>
    private string Place { get; init; } = "";

    /// <summary>What it shares with the commands before and behind it.</summary>
    public CommandSession Session { get; } = session;

    /// <summary>Takes the terminal for a program that fills its screen; null where there is none.</summary>
    public Func<ITerminal?> OpenTerminal { get; } = host.OpenTerminal;

    /// <summary>Whether the terminal can move its cursor.</summary>
    public bool HasScreen { get; } = host.Variable("TERM") is not (null or "" or "dumb");

    public TextOutput Out { get; } = output.Out;

    /// <summary>Whether it was called as virsh.</summary>
    public bool IsVirsh { get; } = host.IsVirsh;

    /// <summary>Whether people read the output, and want more than virsh says.</summary>
    public bool IsForPeople { get; } = host is { IsVirsh: false, IsOutputTerminal: true };

    /// <summary>The same of what goes to standard error.</summary>
    public bool MayRemark { get; } = host is { IsVirsh: false, IsErrorTerminal: true };

    /// <summary>The room of the terminal; null: there is none to keep to.</summary>
    public int? Columns { get; } = host.IsOutputTerminal ? host.Columns() : null;

    /// <summary>Whether the terminal shows colours, and its user wants them.</summary>
    public bool HasColour { get; } = host.IsOutputTerminal && string.IsNullOrEmpty(host.Variable("NO_COLOR")) && host.Variable("TERM") is not (null or "" or "dumb");

    /// <summary>Where what was seen is kept for the next time; null where the user has no such place.</summary>
    public string? LookDirectory { get; } =
        host.Variable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime) ? Path.Combine(runtime, "ballast")
        : host.Variable("XDG_CACHE_HOME") is { Length: > 0 } cache ? Path.Combine(cache, "ballast")
        : host.Variable("HOME") is { Length: > 0 } home && Directory.Exists(home) ? Path.Combine(home, ".cache", "ballast")
        : null;

    /// <summary>Where procfs is mounted.</summary>
    public string ProcPath { get; } = host.ProcPath;

    /// <summary>Whether the command failed, though it has no error to show.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Whether what was written is a document to which no empty line may be added.</summary>
    public bool IsDocument { get; set; }

    public TimeProvider TimeProvider { get; } = host.TimeProvider;

    /// <summary>Whether it was Ctrl-C that cancelled: a command for which that is the usual end says so, and succeeds or not by what it did.</summary>
    public bool IsInterrupted => CancellationToken.IsCancellationRequested && host.EndingSignal() is null or EndingSignals.Interrupt;

    /// <summary>Whether headings and confirmations are left out.</summary>
    public bool IsQuiet { get; } = isQuiet;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Says what was done, where that is wanted.</summary>
    public void Confirm(string text)
    {
        if (!IsQuiet)
            Out.WriteLine(SafeText.Escape(text));
    }

    /// <summary>The same command on one of several hosts.</summary>
    public CommandInvocation On(HostGroup hosts, string name, Connection connection, CancellationToken token) =>
        new(Arguments, Session.With(connection), output, host, IsQuiet, token) { Hosts = hosts, Place = $"{name}: " };

    /// <summary>Holds messages for standard error back until the result is disposed.</summary>
    public IDisposable HoldNotes() => output.HoldNotes();

    /// <summary>Says on standard error what failed though the command goes on.</summary>
    public void Error(string text) => output.Error(text);

    /// <summary>Says on standard error what the user should know though the command succeeds.</summary>
    public void Warn(string text) => output.ErrorText($"warning: {SafeText.Escape(Place + text)}\n");

    /// <summary>The same where nothing is wrong.</summary>
    public void Remark(string text) => output.ErrorText($"{SafeText.Escape(Place + text)}\n");

    /// <summary>Replaces the line that says how far it is, where a terminal shows one; an empty one removes it.</summary>
    public void ShowProgress(string text)
    {
        if (MayRemark && HasScreen && !IsQuiet)
            output.ErrorText($"\r{SafeText.Escape(text)}\e[K");
    }

    /// <summary>Adds a line that suggests what was probably meant or what to do; not under the name virsh.</summary>
    public void Hint(string text)
    {
        if (!IsVirsh)
            output.Hint(text);
    }

    /// <summary>Shows it as an error, though the command succeeds.</summary>
    public void WriteError(string text) => output.Error(text);
}
