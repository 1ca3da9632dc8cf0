namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>What a call of a look may wait for. Whoever calls says it; no text tells, since a caller may name any path.</summary>
internal enum LookKind
{
    /// <summary>What /proc says of its own: it waits for nobody, and however many are late, no other is left out for it.</summary>
    Kernel,

    /// <summary>The same of the memory of a process, whose lock somebody may hold.</summary>
    Memory,

    /// <summary>The paths that a process wrote.</summary>
    Paths,

    /// <summary>A path that a caller named, or a file below it.</summary>
    Named,
}

/// <summary>What a call of a look is about.</summary>
/// <param name="Kind">What it may wait for.</param>
/// <param name="What">Which thing of that kind.</param>
internal readonly record struct LookTarget(LookKind Kind, string What)
{
    /// <summary>How many kinds there are.</summary>
    public const int Kinds = (int)LookKind.Named + 1;

    private const string CommandLine = "/cmdline", Environment = "/environ", Maps = "/maps";

    /// <summary>What hangs with it: all that needs the lock of a process's memory does.</summary>
    public LookTarget Whole => Kind == LookKind.Kernel && IsOfMemory()
        ? new LookTarget(LookKind.Memory, string.Concat(What.AsSpan(0, What.LastIndexOf('/')), CommandLine))
        : this;

    /// <summary>Of what was named: what one file system keeps waiting mostly lies in one directory.</summary>
    public string? Directory => Kind == LookKind.Named ? Path.GetDirectoryName(What) : null;

    private bool IsOfMemory() => What.EndsWith(CommandLine, StringComparison.Ordinal)
        || What.EndsWith(Environment, StringComparison.Ordinal) || What.EndsWith(Maps, StringComparison.Ordinal);
}
