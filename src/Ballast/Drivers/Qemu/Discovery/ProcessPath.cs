using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Where a path leads that a process wrote: below its own root, which a container's processes have, and from its own
/// working directory, or the one it was started in.
/// </summary>
internal sealed class ProcessPath
{
    // Paths that lead to /proc/self again and again: the kernel follows no more links than that.
    private const int MaxTurns = 40;

    private readonly int _pid;
    private readonly MountTable _mounts;
    private readonly MountTable _ownMounts;
    private readonly LookFailures _reasons;
    private readonly PathHistory? _history;
    private int _turns;

    private ProcessPath(int pid, MountTable mounts, MountTable ownMounts, LookFailures reasons, PathHistory? history)
    {
        _pid = pid;
        _mounts = mounts;
        _ownMounts = ownMounts;
        _reasons = reasons;
        _history = history;
    }

    /// <summary>
    /// The entries that a path may mean, the likeliest first. A QEMU that became a daemon or changed its root wrote the path
    /// before it did: so there are several, and whoever uses one has to see whether it is the process's.
    /// </summary>
    public static IEnumerable<SocketEntry> Entries(
        int pid, string path, string? launchDirectory, MountTable mounts, MountTable ownMounts, LookFailures reasons)
    {
        ProcessPath follower = new(pid, mounts, ownMounts, reasons, history: null);
        string[] absolute = [path];
        if (!Path.IsPathRooted(path))
        {
            string? workingDirectory = LinuxFiles.ReadLink($"/proc/{pid}/cwd");
            if (workingDirectory is null)
                reasons.Add("this user may not know in which directory QEMU was started", LookFailures.Denied);
            else if (!LeadsUp(path) && follower.OpenBelowHandle($"/proc/{pid}/cwd", path) is { } relative)
                yield return relative;

            // By its text too: only that leads above the directory, or into another mount below it.
            absolute = [.. ((string?[])[workingDirectory, launchDirectory]).OfType<string>().Distinct().Select(directory => Path.Join(directory, path))];
        }

        foreach (string root in (string[])[$"/proc/{pid}/root", "/"])
        {
            foreach (string candidate in absolute)
            {
                if (follower.OpenBelow(root, candidate) is { } entry)
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
        ProcessPath follower = new(pid, mounts, ownMounts, new LookFailures(), history);
        string root = $"/proc/{pid}/root", directory = $"/proc/{pid}/cwd";
        if (Path.IsPathRooted(path))
            return follower.OpenBelow(root, path);
        return (LeadsUp(path) ? null : follower.OpenBelowHandle(directory, path)) ?? follower.OpenByText(directory, path, root);
    }

    /// <summary>Whether a path leads up from a directory that it names, or from where it begins.</summary>
    public static bool LeadsUp(string path) => path.Split('/').Contains("..");

    private SocketEntry? OpenByText(string link, string path, string root) =>
        LinuxFiles.ReadLink(link) is { } at ? OpenBelow(root, Path.Join(at, path)) : null;

    // From a directory that is held open: no path of it is good for saying where a look could hang, its mount is.
    private SocketEntry? OpenBelowHandle(string link, string path)
    {
        if (IsStuck())
            return null;
        using HostLook.Subject about = HostLook.About(HostLook.PathsOf(_pid));
        using SafeFileHandle directory = LinuxFiles.Open(link, out int errno);
        string? type = "";
        if (!directory.IsInvalid && LinuxFiles.Stat(directory, link) is { Mount: { } mount })
            type = _mounts.TypeOf(mount) ?? _ownMounts.TypeOf(mount);
        if (type is null || MountTable.CanHang(type))
        {
            _reasons.Add($"its path leads into a file system that can hang ('{path}', {type ?? "one that Ballast cannot see"})", 0);
            return null;
        }

        string? at = LinuxFiles.ReadLink(link);
        return OpenBelow(directory, at, path, Path.Join(at, path), _mounts, null, errno, out _);
    }

    private SocketEntry? OpenBelow(string root, string path)
    {
        if (IsStuck())
            return null;
        MountTable seen = root == "/" ? _ownMounts : _mounts;
        using HostLook.Subject about = HostLook.About(HostLook.PathsOf(_pid));
        SocketEntry? entry;
        string? own;
        using (SafeFileHandle handle = LinuxFiles.Open(root, out int errno))
            entry = OpenBelow(handle, "/", path, path, seen, seen, errno, out own);
        return own is null ? entry : OpenOwn(own, root);
    }

    private SocketEntry? OpenBelow(
        SafeFileHandle handle, string? at, string path, string shown, MountTable mounts, MountTable? traps, int errno, out string? own)
    {
        SocketEntry? entry = null;
        string? refusal = null;
        own = null;
        if (!handle.IsInvalid)
            entry = SocketEntry.OpenWithin(handle, at, path, mounts, traps, out refusal, out errno, out own, _history);
        if (entry is null && own is null)
            _reasons.Add(refusal ?? $"'{shown}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
        return entry;
    }

    // What it reached by /proc/self: a directory that it has open, or is in. Its threads have the same.
    private SocketEntry? OpenOwn(string path, string root)
    {
        string[] parts = path.Split('/');
        if (parts is ["task", var thread, _, ..] && SafeSocketPath.IsThread(thread))
            parts = parts[2..];
        int length = parts is ["fd", _, ..] ? 2 : parts is ["cwd" or "root", ..] ? 1 : parts.Length;
        if (parts.Length <= length || ++_turns > MaxTurns)
        {
            _reasons.Add($"'/proc/self/{path}': {Marshal.GetPInvokeErrorMessage(LinuxFiles.NoEntry)}", LinuxFiles.NoEntry);
            return null;
        }

        string link = $"/proc/{_pid}/{string.Join('/', parts[..length])}", rest = string.Join('/', parts[length..]);
        return LeadsUp(rest) ? OpenByText(link, rest, root) : OpenBelowHandle(link, rest);
    }

    private bool IsStuck()
    {
        if (!HostLook.ArePathsStuck(_pid))
            return false;
        _reasons.Add("its path cannot be looked at: a file system there does not answer", 0);
        return true;
    }
}
