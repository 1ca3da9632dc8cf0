using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Whose sockets are; for error messages, where it may be looked up without haste.</summary>
internal static class SocketHolder
{
    /// <summary>A process that has one of the sockets, and its user; null where it cannot be told.</summary>
    public static (int Pid, string Text)? Find(IEnumerable<uint> inodes)
    {
        HashSet<uint> wanted = [.. inodes];
        if (wanted.Count == 0)
            return null;
        foreach (int pid in ProcessTable.Pids())
        {
            if (ProcessSockets.Read(pid) is { } sockets && wanted.Overlaps(sockets.Inodes))
                return (pid, Describe(pid));
        }

        return null;
    }

    /// <summary>
    /// The program and process id at the other end of such a connection, since when it runs, and the URI to ask it by where it is
    /// a daemon; null where it cannot be told. Linux does not tell when a connection was made, but it is no older than its process.
    /// </summary>
    public static (string Text, string? Uri)? Describe(IEnumerable<uint> inodes) =>
        Find(inodes) is { } holder ? (DescribeWithStart(holder.Pid), FindUri(holder.Pid)) : null;

    // Whatever its name is: it listens where daemons of libvirt's protocol do, or at a path that ends as theirs.
    private static string? FindUri(int pid)
    {
        const string ownSystem = "/run/ballast/ballast-sock";
        if (ProcessSockets.Read(pid) is not { } sockets || UnixSocketTable.Read(NetNamespace.Own) is not { } table)
            return null;
        string? path = table.PathsOfListeners(sockets.Inodes).FirstOrDefault(IsDaemonSocket) ?? (IsBallastd(pid) ? table.PathsOfListeners(sockets.Inodes).FirstOrDefault() : null);
        return path is null ? null
            : path is ownSystem || path.EndsWith("/run/libvirt/libvirt-sock", StringComparison.Ordinal) ? "qemu:///system"
            : $"qemu+unix:///system?socket={DisplayText.Escape(path)}";
    }

    private static bool IsDaemonSocket(string path) =>
        Path.GetFileName(path) is "ballast-sock" or "libvirt-sock" or "virtqemud-sock";

    private static bool IsBallastd(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm") == "ballastd\n";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>A process's program and id.</summary>
    public static string Describe(int pid) => Describe(pid, start: null);

    private static string DescribeWithStart(int pid) => Describe(pid, ProcessTable.StartedAt(pid));

    private static string Describe(int pid, DateTimeOffset? start)
    {
        string since = start is { } time ? string.Create(CultureInfo.InvariantCulture, $", running since {time:yyyy-MM-dd HH:mm:ss} UTC") : "";
        string name;
        try
        {
            name = DisplayText.Escape(File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n'));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"process {pid}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{name} (process {pid}{since})");
    }
}
