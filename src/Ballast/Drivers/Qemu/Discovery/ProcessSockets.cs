using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The sockets in a process's own descriptor table: what nobody else can put there, and so the proof of whose they are.</summary>
internal static class ProcessSockets
{
    /// <summary>The inodes of the sockets that a process has open; null where this user may not know, or the process is gone.</summary>
    public static HashSet<uint>? Read(int pid)
    {
        HashSet<uint> sockets = [];
        return LinuxFiles.ReadLinks(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd"), target =>
        {
            if (Parse(target) is { } inode)
                sockets.Add(inode);
        })
            ? sockets
            : null;
    }

    /// <summary>The socket behind one of a process's descriptors; null where it is none, or this user may not know.</summary>
    public static uint? Read(int pid, int descriptor) =>
        LinuxFiles.ReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd/{descriptor}")) is { } target
            ? Parse(Encoding.UTF8.GetBytes(target))
            : null;

    private static uint? Parse(ReadOnlySpan<byte> target)
    {
        ReadOnlySpan<byte> prefix = "socket:["u8;
        return target.StartsWith(prefix) && Utf8Parser.TryParse(target[prefix.Length..], out uint inode, out _) ? inode : null;
    }
}
