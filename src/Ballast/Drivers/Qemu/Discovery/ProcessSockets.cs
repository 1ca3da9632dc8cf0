using System.Globalization;
using System.IO.Enumeration;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The sockets in a process's own descriptor table: what nobody else can put there, and so the proof of whose they are.</summary>
internal static class ProcessSockets
{
    private const string Prefix = "socket:[";

    /// <summary>The inodes of the sockets that a process has open; null where this user may not know, or the process is gone.</summary>
    public static HashSet<uint>? Read(int pid)
    {
        HashSet<uint> sockets = [];
        string directory = $"/proc/{pid}/fd";
        try
        {
            // Only names: to ask for more of each would follow it.
            foreach (string name in new FileSystemEnumerable<string>(directory, static (ref FileSystemEntry entry) => entry.FileName.ToString()))
            {
                if (Parse(LinuxFiles.ReadLink($"{directory}/{name}")) is { } inode)
                    sockets.Add(inode);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return sockets;
    }

    /// <summary>The socket behind one of a process's descriptors; null where it is none, or this user may not know.</summary>
    public static uint? Read(int pid, int descriptor) => Parse(LinuxFiles.ReadLink($"/proc/{pid}/fd/{descriptor}"));

    private static uint? Parse(string? target) =>
        target is not null && target.StartsWith(Prefix, StringComparison.Ordinal)
        && uint.TryParse(target.AsSpan(Prefix.Length).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out uint inode)
            ? inode
            : null;
}
