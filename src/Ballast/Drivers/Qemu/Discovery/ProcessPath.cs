using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Where a path leads that a process wrote: below its own root, which a container's processes have, and from its own
/// working directory, or the one it was started in.
/// </summary>
internal static class ProcessPath
{
    private const string OwnProcess = "/proc/self/", OwnThread = "/proc/thread-self/", OwnDescriptors = "/dev/fd/";

    /// <summary>
    /// The entries that a path may mean, the likeliest first. A QEMU that became a daemon or changed its root wrote the path
    /// before it did: so there are several, and whoever uses one has to see whether it is the process's.
    /// </summary>
    public static IEnumerable<SocketEntry> Entries(
        int pid, string path, string? launchDirectory, MountTable mounts, MountTable ownMounts, LookFailures reasons)
    {
        if (InProc(pid, path) is { } descriptor)
        {
            if (OpenBelow(descriptor.Root, descriptor.Path, mounts, MountTable.Empty, reasons) is { } entry)
                yield return entry;
            yield break;
        }

        string?[] absolute = Path.IsPathRooted(path) ? [path] : [launchDirectory is null ? null : Path.Join(launchDirectory, path)];
        if (!Path.IsPathRooted(path) && OpenFromWorkingDirectory(pid, path, mounts, reasons) is { } relative)
            yield return relative;
        foreach (string root in (string[])[$"/proc/{pid}/root", "/"])
        {
            foreach (string? candidate in absolute)
            {
                MountTable seen = root == "/" ? ownMounts : mounts;
                if (candidate is not null && OpenBelow(root, candidate, seen, seen, reasons) is { } entry)
                    yield return entry;
            }
        }
    }

    private static SocketEntry? OpenFromWorkingDirectory(int pid, string path, MountTable mounts, LookFailures reasons)
    {
        // The link's text is good for one thing: it says where a look could hang.
        string link = $"/proc/{pid}/cwd";
        if (LinuxFiles.ReadLink(link) is not { } text)
        {
            reasons.Add("this user may not know in which directory QEMU was started", LookFailures.Denied);
            return null;
        }

        if (SafeSocketPath.TryResolve(Path.Join(text, path), mounts, static _ => null, out _, out string? refusal))
            return OpenBelow(link, path, mounts, MountTable.Empty, reasons);
        reasons.Add(refusal!, 0);
        return null;
    }

    private static SocketEntry? OpenBelow(string root, string path, MountTable mounts, MountTable traps, LookFailures reasons)
    {
        using SafeFileHandle handle = LinuxFiles.Open(root, out int errno);
        if (handle.IsInvalid)
        {
            reasons.Add($"'{path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
            return null;
        }

        SocketEntry? entry = SocketEntry.OpenWithin(handle, path, mounts, traps, out string? refusal, out errno);
        if (entry is null)
            reasons.Add(refusal ?? $"'{path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
        return entry;
    }

    private static (string Root, string Path)? InProc(int pid, string path)
    {
        foreach ((string prefix, string own) in ((string, string)[])
            [(OwnProcess, $"/proc/{pid}/"), (OwnThread, $"/proc/{pid}/"), (OwnDescriptors, $"/proc/{pid}/fd/")])
        {
            if (!path.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            string rest = path[prefix.Length..], root = own;
            if (prefix != OwnDescriptors && rest.StartsWith("fd/", StringComparison.Ordinal))
            {
                root += "fd/";
                rest = rest[3..];
            }

            int slash = rest.IndexOf('/', StringComparison.Ordinal);
            return slash < 0 ? (root, rest) : (root + rest[..slash], rest[(slash + 1)..]);
        }

        return null;
    }
}
