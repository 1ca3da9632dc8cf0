using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>
/// The QEMU that made a socket. It makes its sockets when it starts: so a few looks at those of that age find most, and each
/// process is looked at only where they do not.
/// </summary>
internal static class SocketMaker
{
    private const int LookBytes = 4096;

    /// <summary>The process that was started to wait at a path for a monitor's first client, or may have been; null where it is not found.</summary>
    /// <param name="name">The path as the socket was bound to it.</param>
    /// <param name="inode">The socket's own inode, as in /proc/PID/fd.</param>
    /// <param name="madeAt">When the socket was made, in nanoseconds since 1970.</param>
    public static WaitingProcess? FindWaiting(string name, uint inode, Int128 madeAt)
    {
        ProcessBirths processes = new();
        byte[] mark = Mark(name);

        // Ids are used again where all have been used once: then those of that age are not where they are looked for first.
        foreach (int pid in processes.BornAbout(madeAt).Concat(processes.Pids))
        {
            // Another user's need not let anybody read what it says: it has to be a QEMU that has the socket.
            bool? holds = null;
            bool isOwn = ProcessTable.OwnerOf(pid) is not { } owner || ProcessTable.IsOwn(owner);
            if (!isOwn && !(QemuProcess.IsCalledQemu(pid) && (holds = ProcessSockets.Read(pid)?.Contains(inode)) == true))
                continue;
            if (ReadClaim(pid, name, mark) is not { } line)
                continue;
            holds ??= ProcessSockets.Read(pid)?.Contains(inode);
            if (holds != false && line.WaitsAt(name))
                return new WaitingProcess(pid, IsCertain: true);

            // Who cannot be asked for its sockets may be another one, which has the same path somewhere else, or lie.
            if (holds == true)
                return line.Binds(name) ? null : new WaitingProcess(pid, IsCertain: false);
        }

        return null;
    }

    // The command line of a QEMU that says that it made a socket at the path, or may say so in a file.
    private static QemuCommandLine? ReadClaim(int pid, string name, byte[] mark)
    {
        // Most are no QEMU, or one that does not even name the path: no more than one look at each of them.
        Span<byte> buffer = stackalloc byte[LookBytes];
        ReadOnlySpan<byte> start = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"), buffer);
        bool isWhole = start.Length < buffer.Length;
        bool isAll = isWhole && start.IndexOf("-readconfig\0"u8) < 0;
        if (!QemuProcess.MayBeQemu(pid, start, isWhole, out _) || (isAll && start.IndexOf(mark) < 0))
            return null;
        QemuCommandLine? line = isAll ? QemuCommandLine.Of(pid, start) : QemuProcess.ReadCommandLine(pid);
        return line is not null && (line.IsQemu || QemuProcess.RunsQemu(pid)) && MayBind(line) ? line : null;

        bool MayBind(QemuCommandLine line) =>
            line.Binds(name) || (line.UnreadConfiguration is not null && !line.Mentions(name));
    }

    // What stands in a command line that binds the path, however it is written there: commas are doubled.
    private static byte[] Mark(string name) =>
        PathText.Encode(name.Split(',').MaxBy(piece => piece.Length) ?? "");
}
