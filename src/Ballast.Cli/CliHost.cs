using Ballast.Cli.Shell;
using Ballast.Cli.Terminal;

namespace Ballast.Cli;

/// <summary>Opens a connection; null stands for the default URI.</summary>
internal delegate ValueTask<Connection> ConnectionOpener(
    string? uri, ConnectionOptions options, CancellationToken cancellationToken);

/// <summary>What the program needs of the process around it, so that tests run it inside theirs.</summary>
internal sealed record CliHost(Stream StandardOutput, Stream StandardError)
{
    /// <summary>Bytes that a command passes on.</summary>
    public Lazy<Stream> StandardInput { get; init; } = new(Stream.Null);

    /// <summary>Lets the terminal hide what is typed until the result is disposed; null where there is no terminal.</summary>
    public Func<IDisposable?> HideTyping { get; init; } = static () => null;

    /// <summary>Whether the program was called as virsh: then it says and refuses nothing that virsh does not.</summary>
    public bool IsVirsh { get; init; }

    /// <summary>Whether people read the output, rather than a program.</summary>
    public bool IsOutputTerminal { get; init; }

    /// <summary>The same of the errors.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Columns of the terminal; null where the output is none, or nobody knows.</summary>
    public Func<int?> Columns { get; init; } = static () => null;

    /// <summary>Takes the terminal for a program that fills its screen; null where there is none.</summary>
    public Func<ITerminal?> OpenTerminal { get; init; } = static () => null;

    /// <summary>The number of the signal that asked the program to end; null: none did.</summary>
    public Func<int?> EndingSignal { get; init; } = static () => null;

    /// <summary>
    /// What is typed, or comes from a file or a pipe: commands, where the program was given none, and answers to questions.
    /// </summary>
    public IShellInput Input { get; init; } = new StreamInput(Stream.Null);

    /// <summary>Calls an action at Ctrl-C, instead of ending the program, until the result is disposed.</summary>
    public Func<Action, IDisposable> OnInterrupt { get; init; } = static _ => Stream.Null;

    /// <summary>Where procfs is mounted.</summary>
    public string ProcPath { get; init; } = "/proc";

    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    public ConnectionOpener Open { get; init; } = Connection.OpenAsync;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
