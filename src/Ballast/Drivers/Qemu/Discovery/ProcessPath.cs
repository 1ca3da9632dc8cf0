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
            if (OpenBelowHandle(pid, descriptor.Root, descriptor.Path, mounts, ownMounts, reasons) is { } entry)
                yield return entry;
            yield break;
        }

        string[] absolute = [path];
        if (!Path.IsPathRooted(path))
        {
            string? workingDirectory = LinuxFiles.ReadLink($"/proc/{pid}/cwd");
            if (workingDirectory is null)
                reasons.Add("this user may not know in which directory QEMU was started", LookFailures.Denied);
            else if (!LeadsUp(path) && OpenBelowHandle(pid, $"/proc/{pid}/cwd", path, mounts, ownMounts, reasons) is { } relative)
                yield return relative;

            // By its text too: only that leads above the directory, or into another mount below it.
            absolute = [.. ((string?[])[workingDirectory, launchDirectory]).OfType<string>().Distinct().Select(directory => Path.Join(directory, path))];
        }

        foreach (string root in (string[])[$"/proc/{pid}/root", "/"])
        {
            foreach (string candidate in absolute)
            {
                MountTable seen = root == "/" ? ownMounts : mounts;
                if (OpenBelow(pid, root, candidate, seen, seen, reasons) is { } entry)
                    yield return entry;
            }
        }
    }

    /// <summary>
    /// What a path means that the process read at its start, by the root and the working directory that it has; null where that cannot
    /// be told. Nothing shows later that it was this file, so it is looked for nowhere else.
    /// </summary>
    /// <param name="pid">The process.</param>
    /// <param name="path">The path, as it was written.</param>
    /// <param name="mounts">The process's mounts.</param>
    /// <param name="ownMounts">This process's.</param>
    /// <param name="history">Looks at each thing on the way; null: nobody wants to know.</param>
    public static SocketEntry? File(int pid, string path, MountTable mounts, MountTable ownMounts, PathHistory? history)
    {
        LookFailures reasons = new();
        if (InProc(pid, path) is { } descriptor)
            return OpenBelowHandle(pid, descriptor.Root, descriptor.Path, mounts, ownMounts, reasons, history);
        if (!Path.IsPathRooted(path))
        {
            string directory = $"/proc/{pid}/cwd";
            if (!LeadsUp(path) && OpenBelowHandle(pid, directory, path, mounts, ownMounts, reasons, history) is { } below)
                return below;
            if (LinuxFiles.ReadLink(directory) is not { } at)
                return null;
            path = Path.Join(at, path);
        }

        return OpenBelow(pid, $"/proc/{pid}/root", path, mounts, mounts, reasons, history);
    }

    private static bool LeadsUp(string path) => path.Split('/').Contains("..");

    // From a directory that is held open: no path of it is good for saying where a look could hang, its mount is.
    private static SocketEntry? OpenBelowHandle(
        int pid, string link, string path, MountTable mounts, MountTable ownMounts, LookFailures reasons, PathHistory? history = null)
    {
        if (IsStuck(pid, reasons))
            return null;
        using HostLook.Subject about = HostLook.About(HostLook.PathsOf(pid));
        using SafeFileHandle directory = LinuxFiles.Open(link, out int errno);
        string? type = "";
        if (!directory.IsInvalid && LinuxFiles.Stat(directory, link) is { Mount: { } mount })
            type = mounts.TypeOf(mount) ?? ownMounts.TypeOf(mount);
        if (type is null || MountTable.CanHang(type))
        {
            reasons.Add($"its path leads into a file system that can hang ('{path}', {type ?? "one that Ballast cannot see"})", 0);
            return null;
        }

        string? at = LinuxFiles.ReadLink(link);
        return OpenBelow(directory, at, path, Path.Join(at, path), mounts, null, reasons, errno, history);
    }

    private static SocketEntry? OpenBelow(
        int pid, string root, string path, MountTable mounts, MountTable traps, LookFailures reasons, PathHistory? history = null)
    {
        if (IsStuck(pid, reasons))
            return null;
        using HostLook.Subject about = HostLook.About(HostLook.PathsOf(pid));
        using SafeFileHandle handle = LinuxFiles.Open(root, out int errno);
        return OpenBelow(handle, "/", path, path, mounts, traps, reasons, errno, history);
    }

    private static SocketEntry? OpenBelow(
        SafeFileHandle handle, string? at, string path, string shown, MountTable mounts, MountTable? traps, LookFailures reasons, int errno,
        PathHistory? history)
    {
        SocketEntry? entry = null;
        string? refusal = null;
        if (!handle.IsInvalid)
            entry = SocketEntry.OpenWithin(handle, at, path, mounts, traps, out refusal, out errno, history);
        if (entry is null)
            reasons.Add(refusal ?? $"'{shown}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
        return entry;
    }

    private static bool IsStuck(int pid, LookFailures reasons)
    {
        if (!HostLook.ArePathsStuck(pid))
            return false;
        reasons.Add("its path cannot be looked at: a file system there does not answer", 0);
        return true;
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
