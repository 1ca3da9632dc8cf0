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

    // A process's threads have the same files.
    private const string AnyThread = "task/0";

    /// <summary>The path without symbolic links, or why it is not followed.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="mounts">The mounts of whoever wrote the path.</param>
    /// <param name="readLink">The target of a link at a path without links, null where there is none.</param>
    /// <param name="resolved">The path without links; where it leads to /proc/self, as it goes on from a link there, whose files are the follower's (<see cref="BelowFollower"/>).</param>
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
        string? own = null; // The follower's directory of /proc, where the path is in it.
        for (int links = 0; rest.TryPop(out string? name);)
        {
            if (name == "..")
            {
                resolved = Path.GetDirectoryName(resolved) ?? "/";
                own = own?.Length > resolved.Length ? null : own;
                continue;
            }

            string next = Path.Join(resolved, name);
            if (own is null && IsOfFollower(next, mounts))
            {
                own = Path.Join(resolved, "self");
                resolved = name == "self" ? own : Path.Join(own, AnyThread);
                continue;
            }

            if (own is not null)
            {
                // Its links are the follower's own, and all that is known of them here are our own.
                if (!IsPlain(next[(own.Length + 1)..]))
                {
                    resolved = Path.Join(next, string.Join('/', rest));
                    return true;
                }

                resolved = next;
                continue;
            }

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

    /// <summary>Whether a name below /proc/self/task is a thread's.</summary>
    public static bool IsThread(string name) => name.All(char.IsAsciiDigit);

    /// <summary>What a path without links means below the directory that /proc has of whoever follows it; null where it does not lead there.</summary>
    public static string? BelowFollower(string resolved, MountTable mounts)
    {
        for (int slash = resolved.IndexOf('/', 1); slash > 0; slash = resolved.IndexOf('/', slash + 1))
        {
            if (IsOfFollower(resolved[..slash], mounts))
                return resolved[(slash + 1)..];
        }

        return null;
    }

    // /proc/self, wherever it is mounted; also where nobody knows the mounts.
    private static bool IsOfFollower(string path, MountTable mounts) =>
        Path.GetFileName(path) is "self" or "thread-self" && Path.GetDirectoryName(path) is { } directory
        && (directory == "/proc" || mounts.TypeAt(directory) == "proc");

    // A directory of the kernel's below the follower's, and no link.
    private static bool IsPlain(string below) => below.Split('/') switch
    {
        ["fd" or "task"] => true,
        ["task", var thread] => IsThread(thread),
        ["task", var thread, "fd"] => IsThread(thread),
        _ => false,
    };

    private static IEnumerable<string> Split(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");
}
