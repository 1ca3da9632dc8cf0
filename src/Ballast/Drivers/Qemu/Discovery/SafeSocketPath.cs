namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Follows a path that somebody else wrote, one component at a time, and stops before a file system that can hang or that
/// a user serves: the look-up itself would be the trap.
/// </summary>
internal static class SafeSocketPath
{
    // As the kernel: more links than this are a loop.
    private const int MaxLinks = 40;

    // The kernel follows none that is longer; a stranger's may be as long as its command line.
    private const int MaxPathBytes = 4096;

    /// <summary>The path without symbolic links, or why it is not followed.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="mounts">The mounts of whoever wrote the path.</param>
    /// <param name="readLink">The target of a link at a path without links, null where there is none.</param>
    /// <param name="resolved">The path without links.</param>
    /// <param name="refusal">Why it is not followed.</param>
    public static bool TryResolve(
        string path, MountTable mounts, Func<string, string?> readLink, out string resolved, out string? refusal)
    {
        resolved = "/";
        refusal = null;
        if (PathText.ByteCount(path) >= MaxPathBytes)
        {
            refusal = "its path is longer than any that leads somewhere";
            return false;
        }

        Stack<string> rest = new(Split(path).Reverse());
        for (int links = 0; rest.TryPop(out string? name);)
        {
            if (name == "..")
            {
                resolved = Path.GetDirectoryName(resolved) ?? "/";
                continue;
            }

            string next = Path.Join(resolved, name);
            if (mounts.TypeAt(next) is { } type && MountTable.CanHang(type))
            {
                refusal = $"its path leads into a file system that can hang ('{next}', {type})";
                return false;
            }

            if (readLink(next) is not { } target)
            {
                resolved = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                refusal = "its path is a loop of symbolic links";
                return false;
            }

            if (Path.IsPathRooted(target))
                resolved = "/";
            foreach (string part in Split(target).Reverse())
                rest.Push(part);
        }

        return true;
    }

    private static IEnumerable<string> Split(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");
}
