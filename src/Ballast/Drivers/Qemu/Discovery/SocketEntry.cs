using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>An entry of a file system that was found and is held: whatever happens to its path, this is the one that is connected to.</summary>
internal sealed class SocketEntry : IDisposable
{
    private readonly SafeFileHandle _handle;

    private SocketEntry(SafeFileHandle handle, in FileFacts facts, Int128 accessedAt, MountTable mounts)
    {
        _handle = handle;
        IsSocket = facts.IsSocket;
        Bytes = facts.IsRegular && !(facts.Mount is { } mount && mounts.TypeOf(mount) is { } type && MountTable.IsKernels(type)) ? facts.Bytes : 0;
        File = SocketFile.Of(facts, mounts);
        ModifiedAt = facts.ModifiedAt;
        MadeAt = facts.BornAt ?? facts.ModifiedAt;
        WasConnectedTo = IsSocket && IsAccessed(facts, accessedAt);
    }

    public SocketFile File { get; }

    public bool IsSocket { get; }

    /// <summary>Where it lies, by a path without symbolic links, as whoever named it sees it; null where nobody knows.</summary>
    public string? Place { get; private set; }

    /// <summary>In nanoseconds since 1970; of a socket, when it was made.</summary>
    public Int128 ModifiedAt { get; }

    /// <summary>
    /// When it was made, in nanoseconds since 1970: that tells it from one that was given its number later. Where its file system does not
    /// keep that, it is when a socket was modified last, which hardly anybody does.
    /// </summary>
    public Int128 MadeAt { get; }

    /// <summary>
    /// Whether somebody has connected to the socket: the kernel notes that as an access, also if a security module then refused it, or it came
    /// before the socket listened. False also where it was at the time that the socket was made, or its file system does not keep it
    /// (noatime).
    /// </summary>
    public bool WasConnectedTo { get; }

    /// <summary>The size of a plain file; 0 for anything else, also for files that the kernel makes up (/proc/kmsg keeps its reader waiting).</summary>
    public ulong Bytes { get; }

    /// <summary>A path to it that is short, whatever its own is, and leads to no other.</summary>
    public string ConnectPath => $"/proc/self/fd/{_handle.DangerousGetHandle()}";

    /// <summary>What lies at a path of this process's, links followed; null with the kernel's error number where it cannot be told.</summary>
    public static SocketEntry? Open(string path, MountTable mounts, out int errno) => Take(LinuxFiles.Open(path, out errno), path, mounts, ref errno);

    /// <summary>What lies at a path within a root; null with the reason or error number.</summary>
    /// <param name="root">A directory that is not left.</param>
    /// <param name="at">Where that directory is, for <see cref="Place"/>; null where nobody knows.</param>
    /// <param name="path">The path below it.</param>
    /// <param name="mounts">The mounts through which it is reached.</param>
    /// <param name="traps">
    /// The mounts by their paths below the root: where a look could hang is not entered. Null where nobody knows those
    /// paths: then the root's own mount is not left.
    /// </param>
    /// <param name="refusal">Why the path is not followed.</param>
    /// <param name="errno">The kernel's error number.</param>
    /// <param name="ofFollower">What it means below the directory that /proc has of its process, where it leads there: then nothing is opened.</param>
    /// <param name="history">Looks at each thing on the way; null: nobody wants to know.</param>
    public static SocketEntry? OpenWithin(
        SafeFileHandle root, string? at, string path, MountTable mounts, MountTable? traps, out string? refusal, out int errno,
        out string? ofFollower, PathHistory? history = null)
    {
        bool staysInMount = traps is null;
        traps ??= MountTable.Empty;
        errno = 0;
        ofFollower = null;
        Func<string, string?> readLink = next => history is null ? LinuxFiles.ReadLinkWithin(root, next, staysInMount) : history.Pass(root, next, staysInMount);

        // Without links, which is the usual case, the path's text says where it leads; not where it leads up: that may be up from a link's target.
        bool isText = history is null && !ProcessPath.LeadsUp(path);
        if (!SafeSocketPath.TryResolve(path, traps, isText ? static _ => null : readLink, out string resolved, out refusal))
            return null;
        if ((ofFollower = SafeSocketPath.BelowFollower(resolved, traps)) is not null)
            return null;
        SafeFileHandle handle = LinuxFiles.OpenWithin(root, resolved, staysInMount, out errno);
        if (errno == LinuxFiles.Loop && isText)
        {
            handle.Dispose();
            if (!SafeSocketPath.TryResolve(path, traps, readLink, out resolved, out refusal)
                || (ofFollower = SafeSocketPath.BelowFollower(resolved, traps)) is not null)
            {
                return null;
            }

            handle = LinuxFiles.OpenWithin(root, resolved, staysInMount, out errno);
        }

        SocketEntry? entry = Take(handle, path, mounts, ref errno);
        if (entry is not null && at is not null)
            entry.Place = Path.Join(at.TrimEnd('/'), resolved);
        return entry;
    }

    /// <summary>
    /// Whether something was accessed after it was made. Anybody who owns it may set the time of its last modification back; not that of its
    /// last change, which tells where its file system does not keep when it was made.
    /// </summary>
    internal static bool IsAccessed(in FileFacts facts, Int128 accessedAt) => accessedAt > Int128.Max(facts.BornAt ?? facts.ChangedAt, facts.ModifiedAt);

    public void Dispose() => _handle.Dispose();

    private static SocketEntry? Take(SafeFileHandle handle, string path, MountTable mounts, ref int errno)
    {
        if (!handle.IsInvalid)
        {
            FileFacts? facts;
            Int128 accessedAt;
            try
            {
                facts = LinuxFiles.Stat(handle, path, out accessedAt);
            }
            catch (LookStuckException)
            {
                // Held, it would keep its mount busy.
                handle.Dispose();
                throw;
            }

            if (facts is { } seen)
                return new SocketEntry(handle, seen, accessedAt, mounts);
            errno = Marshal.GetLastPInvokeError();
        }

        if (errno == 0)
            errno = LinuxFiles.NoEntry;
        handle.Dispose();
        return null;
    }
}
