namespace Ballast.Cli.Parsing;

/// <summary>
/// One entry of the command table. Arguments, help and later the shell and completion are all made from it; nothing
/// here runs before <see cref="Execute"/> is called.
/// </summary>
internal sealed record Command(string Name, string Summary)
{
    /// <summary>Paragraphs of help, in lines as they are printed.</summary>
    public string Description { get; init; } = "";

    public IReadOnlyList<CommandOption> Options { get; init; } = [];

    /// <summary>Whether it works on a hypervisor; one that does not runs without a connection.</summary>
    public bool NeedsConnection { get; init; } = true;

    /// <summary>Whether it opens the connections that were named itself, all of them: their troubles are its own to tell.</summary>
    public bool OpensConnections { get; init; }

    /// <summary>Whether it asks all connections that were named, by a <see cref="HostGroup"/>.</summary>
    public bool TakesSeveral { get; init; }

    /// <summary>The exit status where it cannot find out what it is asked, as against an answer that is no.</summary>
    public int FailureExitCode { get; init; } = CliProgram.Failure;

    /// <summary>Whether words and options that the command does not take are passed over, as virsh does for <c>help</c>.</summary>
    public bool IgnoresUnknownArguments { get; init; }

    /// <summary>
    /// Whether completion offers an option, or a value of it, behind the words that were typed; a command that does several things takes
    /// different ones for each.
    /// </summary>
    public Func<IReadOnlyList<string>, CommandOption, string?, bool> Offers { get; init; } = static (_, _, _) => true;

    /// <summary>What completion offers as a value of an option there.</summary>
    public Func<IReadOnlyList<string>, CommandOption, ValueCompletion> Completes { get; init; } = static (_, option) => option.Completes;

    public required Func<CommandInvocation, ValueTask> Execute { get; init; }
}
