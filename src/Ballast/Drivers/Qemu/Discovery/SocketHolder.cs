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
            if (ProcessSockets.Read(pid) is { } sockets && sockets.Overlaps(wanted))
                return (pid, Describe(pid));
        }

        return null;
    }

    /// <summary>The program and process id at the other end of such a connection, or null where it cannot be told.</summary>
    public static string? Describe(IEnumerable<uint> inodes) => Find(inodes)?.Text;

    /// <summary>A process's program and id.</summary>
    public static string Describe(int pid)
    {
        string name;
        try
        {
            name = DisplayText.Escape(File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n'));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"process {pid}");
        }

        return string.Create(CultureInfo.InvariantCulture, $"{name} (process {pid})");
    }
}
