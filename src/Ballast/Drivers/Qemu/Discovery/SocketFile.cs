using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Which file a path leads to, as the kernel names files: inode and device.</summary>
internal readonly partial record struct SocketFile(ulong Inode, uint Device)
{
    private const int AtFdCwd = -100;
    private const uint InodeWanted = 0x100;
    private const int StatxBytes = 256, InodeOffset = 32, MajorOffset = 136, MinorOffset = 140;
    private const int MinorBits = 20;

    /// <summary>Null where there is no such file, or this user may not know.</summary>
    public static SocketFile? Of(string path)
    {
        Span<byte> stat = stackalloc byte[StatxBytes];
        if (Statx(AtFdCwd, path, 0, InodeWanted, stat) != 0)
            return null;
        uint major = BinaryPrimitives.ReadUInt32LittleEndian(stat[MajorOffset..]);
        uint minor = BinaryPrimitives.ReadUInt32LittleEndian(stat[MinorOffset..]);
        return new SocketFile(BinaryPrimitives.ReadUInt64LittleEndian(stat[InodeOffset..]), (major << MinorBits) | minor);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> result);
}
