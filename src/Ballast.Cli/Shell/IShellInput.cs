namespace Ballast.Cli.Shell;

/// <summary>The standard input, on which a reader waits for several things at once.</summary>
internal interface IShellInput
{
    /// <summary>What <see cref="Read"/> returns where Ctrl-C came first.</summary>
    const int Interrupted = -1;

    /// <summary>What it returns after <see cref="Wake"/>.</summary>
    const int Woken = -2;

    /// <summary>Whether somebody types there.</summary>
    bool IsTerminal { get; }

    /// <summary>Waits for bytes.</summary>
    /// <returns>How many there are; 0 at the end; or one of the constants.</returns>
    /// <exception cref="OperationCanceledException">The program is to end.</exception>
    int Read(Span<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Ends the wait that is under way, or the next one. From any thread.</summary>
    void Wake();
}
