using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Follows a path that somebody else wrote, one component at a time, and stops before a file system that can hang or that
/// a user serves: the look-up itself would be the trap.
/// </summary>
internal static class SafeSocketPath
{
    // As the kernel: more links than this are a loop.
    private const int MaxLinks = 40;

    private static readonly string[] HangingTypes =
        ["nfs", "cifs", "smb", "fuse", "9p", "ceph", "afs", "glusterfs", "lustre", "autofs", "ncp", "coda", "gfs", "ocfs2", "virtiofs", "beegfs"];

    /// <summary>The path without symbolic links, or why it is not followed.</summary>
    public static bool TryResolve(string path, IReadOnlyDictionary<string, string> mounts, out string resolved, out string? refusal)
    {
        resolved = "/";
        refusal = null;
        Stack<string> rest = new(Split(path).Reverse());
        for (int links = 0; rest.TryPop(out string? name);)
        {
            if (name == "..")
            {
                resolved = Path.GetDirectoryName(resolved) ?? "/";
                continue;
            }

            string next = Path.Join(resolved, name);
            if (mounts.TryGetValue(next, out string? type) && CanHang(type))
            {
                refusal = $"its path leads into a file system that can hang ('{next}', {type})";
                return false;
            }

            if (new FileInfo(next).LinkTarget is not { } target)
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

    /// <summary>The mount points of this process's view of the host, with the type of what is mounted there last.</summary>
    public static IReadOnlyDictionary<string, string> ReadMounts()
    {
        const int mountPoint = 4;
        Dictionary<string, string> mounts = [];
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            string[] fields = line.Split(' ');
            int separator = Array.IndexOf(fields, "-");
            if (separator > mountPoint && separator + 1 < fields.Length)
                mounts[Unescape(fields[mountPoint])] = fields[separator + 1];
        }

        return mounts;
    }

    private static bool CanHang(string type) =>
        Array.Exists(HangingTypes, hanging => type.StartsWith(hanging, StringComparison.Ordinal));

    // Spaces, tabs, line ends and backslashes are written as octal numbers.
    private static string Unescape(string text)
    {
        int at = text.IndexOf('\\', StringComparison.Ordinal);
        if (at < 0 || at + 3 >= text.Length)
            return text;
        ReadOnlySpan<char> digits = text.AsSpan(at + 1, 3);
        int code = 0;
        foreach (char digit in digits)
            code = (code * 8) + (digit - '0');
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, at)}{(char)code}{Unescape(text[(at + 4)..])}");
    }

    private static IEnumerable<string> Split(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");
}
