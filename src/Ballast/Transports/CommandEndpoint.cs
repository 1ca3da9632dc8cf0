namespace Ballast.Transports;

/// <summary>A daemon behind the standard input and output of a program, as ssh.</summary>
internal sealed class CommandEndpoint(string program, IReadOnlyList<string> arguments) : IEndpoint
{
    public required string Daemon { get; init; }

    public required string Advice { get; init; }

    public bool IsPrivate => true;

    /// <summary>Says what an end of the program means.</summary>
    public required Func<CommandEnd, LibvirtException> Explain { get; init; }

    public ValueTask<ITransport> ConnectAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(CommandTransport.Start(program, arguments, Explain));
    }
}

/// <summary>How a program ended.</summary>
/// <param name="StartError">The kernel's error number where it could not be started; else 0.</param>
/// <param name="ExitStatus">Its status; null where it did not exit by itself, or nobody knows.</param>
/// <param name="Signal">The signal that ended it.</param>
/// <param name="Errors">The last of what it wrote to its standard error.</param>
/// <param name="HasAnswered">Whether anything had come from it.</param>
internal readonly record struct CommandEnd(int StartError, int? ExitStatus, int? Signal, string Errors, bool HasAnswered);
