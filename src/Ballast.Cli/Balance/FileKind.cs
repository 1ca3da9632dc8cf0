using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Cli.Balance;

/// <summary>What lies at a path: .NET does not tell a pipe from a file without opening it, and that may wait for ever.</summary>
/// <param name="Mode">Its type and permissions.</param>
/// <param name="Id">Its device and its number there.</param>
internal readonly record struct FileKind(int Mode, (uint Major, uint Minor, ulong Inode) Id)
{
    private const int TypeMask = 0xF000, Pipe = 0x1000, Terminal = 0x2000, Regular = 0x8000, Link = 0xA000;

    // AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; STATX_BASIC_STATS.
    private const int AtCurrent = -100, AtNoFollow = 0x100, AtEmptyPath = 0x1000, Bytes = 256;
    private const uint Basic = 0x7FF;
    private const int ModeAt = 28, InodeAt = 32, MajorAt = 136, MinorAt = 140;

    public bool IsRegular => (Mode & TypeMask) == Regular;

    public bool IsLink => (Mode & TypeMask) == Link;

    /// <summary>A pipe, or a device such as a terminal: writing there replaces nothing.</summary>
    public bool IsFlow => (Mode & TypeMask) is Pipe or Terminal;

    /// <summary>Null where nothing is there, or the system does not tell.</summary>
    public static FileKind? Of(string path, bool followsLinks)
    {
        Span<byte> facts = stackalloc byte[Bytes];
        return Libc.Statx(AtCurrent, path, followsLinks ? 0 : AtNoFollow, Basic, facts) == 0 ? Read(facts) : null;
    }

    /// <summary>Of an open file.</summary>
    public static FileKind? Of(SafeFileHandle file)
    {
        Span<byte> facts = stackalloc byte[Bytes];
        return Libc.Statx(file, "", AtEmptyPath, Basic, facts) == 0 ? Read(facts) : null;
    }

    private static FileKind Read(ReadOnlySpan<byte> facts) => new(
        MemoryMarshal.Read<ushort>(facts[ModeAt..]),
        (MemoryMarshal.Read<uint>(facts[MajorAt..]), MemoryMarshal.Read<uint>(facts[MinorAt..]), MemoryMarshal.Read<ulong>(facts[InodeAt..])));
}
