namespace Ballast.Cli.Shell;

/// <summary>Where the shell gets its lines from.</summary>
internal interface ILineReader : IDisposable
{
    /// <summary>Shows the prompt and waits for a line.</summary>
    /// <returns>The line without its end; null at the end of the input; empty where it was given up with Ctrl-C.</returns>
    /// <exception cref="OperationCanceledException">The program is to end.</exception>
    string? Read(string prompt, CancellationToken cancellationToken);

    /// <summary>Keeps a line for the user to find it again.</summary>
    void Remember(string line);
}
