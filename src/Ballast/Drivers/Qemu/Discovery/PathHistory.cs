using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Whether a path may have led elsewhere when a process followed it: each link and directory on the way, and what lies at its end, is
/// looked at for what was done to it since.
/// </summary>
/// <param name="pid">The process.</param>
/// <param name="startTicks">When it started, in clock ticks since the host booted.</param>
internal sealed class PathHistory(int pid, ulong startTicks)
{
    private readonly Dictionary<string, FileFacts> _passed = [];

    // A script may write the file and become QEMU: the process is older then, but not the first thread that QEMU made, which is there
    // before QEMU reads anything.
    private readonly Remembered<ulong?> _running = new(() => ProcessTable.FirstThreadTicks(pid));

    /// <summary>A link, or what it leads to, is younger than what the process can have seen.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>
    /// A directory may have been put in another one's place. Its names changed too, or its rights, and nothing tells which it was.
    /// </summary>
    public bool MayHaveChanged { get; private set; }

    /// <summary>Looks at the next thing on the way.</summary>
    /// <param name="root">The directory that is not left.</param>
    /// <param name="path">A path below it without links.</param>
    /// <param name="staysInMount">Whether the root's own mount is not left.</param>
    /// <returns>The target of a link; null where it is none, or nothing.</returns>
    public string? Pass(SafeFileHandle root, string path, bool staysInMount)
    {
        using SafeFileHandle entry = LinuxFiles.OpenEntryWithin(root, path, staysInMount);
        if (entry.IsInvalid || LinuxFiles.Stat(entry, path) is not { } facts)
        {
            // What could not be looked at may be anything; the file may be found all the same, a moment later.
            HasChanged = true;
            return null;
        }

        _passed[path] = facts;
        if (!facts.IsDirectory)
        {
            // Nobody can set the time of a change back, and to move it to its place is one.
            HasChanged |= IsYounger(facts.ChangedAt);
            return facts.IsLink ? LinuxFiles.ReadLink(entry, path) : null;
        }

        // One that was moved to its place was changed by that, and so were the names in the directory above. Names that came and went
        // in both change the same.
        HasChanged |= facts.BornAt is { } bornAt && IsYounger(bornAt);
        MayHaveChanged |= IsYounger(facts.ChangedAt) && (Above(root, path) is not { } above || IsYounger(above.ModifiedAt));
        return null;
    }

    private FileFacts? Above(SafeFileHandle root, string path)
    {
        string directory = Path.GetDirectoryName(path) ?? "/";
        return _passed.TryGetValue(directory, out FileFacts passed) ? passed : directory == "/" ? LinuxFiles.Stat(root, "/") : null;
    }

    // Both are rounded down, and the clock of files is not ahead: what was done before the start is no younger by this.
    private bool IsYounger(Int128 time)
    {
        long ticks = ProcessBirths.TicksSinceBoot(time);
        return ticks > (long)startTicks && !(_running.Value is { } running && ticks <= (long)running);
    }
}
