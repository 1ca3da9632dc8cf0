namespace Ballast.Cli.Parsing;

/// <summary>A command failed; each of the lines becomes one <c>error:</c> line.</summary>
internal sealed class CommandException : Exception
{
    public CommandException(params IReadOnlyList<string> lines)
        : base(lines[0]) => Lines = lines;

    /// <summary>The command's own line, then libvirt's error.</summary>
    public CommandException(string line, LibvirtException cause)
        : base(line, cause) => Lines = [line, cause.Message];

    public IReadOnlyList<string> Lines { get; }

    /// <summary>What was probably meant, or what to do. Under virsh's name nobody reads it.</summary>
    public string? Hint { get; init; }
}
