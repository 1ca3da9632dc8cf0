using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>What statx tells of a file.</summary>
/// <param name="Inode">Its number within its file system.</param>
/// <param name="Device">The device that stat shows; not always the one that the kernel's socket table shows.</param>
/// <param name="Mount">The id of the mount it was reached through, as in mountinfo; null before Linux 5.8.</param>
/// <param name="Mode">Its type and permissions.</param>
/// <param name="Owner">Its user.</param>
/// <param name="Bytes">Its size; 0 for files that the kernel makes up when they are read, which may keep a reader waiting.</param>
/// <param name="ModifiedAt">When it was modified, in nanoseconds; of a directory, when a name in it changed.</param>
/// <param name="ChangedAt">When anything of it was changed, its contents, owner or name, in nanoseconds: nobody can set that back.</param>
internal readonly record struct FileFacts(ulong Inode, uint Device, ulong? Mount, ushort Mode, uint Owner, ulong Bytes, Int128 ModifiedAt, Int128 ChangedAt)
{
    private const ushort TypeMask = 0xF000, Socket = 0xC000, Link = 0xA000, Regular = 0x8000, Directory = 0x4000;

    public bool IsDirectory => (Mode & TypeMask) == Directory;

    public bool IsRegular => (Mode & TypeMask) == Regular;

    public bool IsSocket => (Mode & TypeMask) == Socket;

    public bool IsLink => (Mode & TypeMask) == Link;

    /// <summary>When it was made, in nanoseconds; null where its file system does not keep that.</summary>
    public Int128? BornAt { get; init; }
}

/// <summary>Takes a link's name and its target, which are valid during the call.</summary>
internal delegate void ReadLinkTarget(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target);

/// <summary>Takes a piece of a file, which is valid during the call.</summary>
internal delegate void ReadPiece(ReadOnlySpan<byte> piece);

/// <summary>
/// Files as descriptors that name them and open nothing (O_PATH): what was looked at is what is used, whoever renames
/// what meanwhile.
/// </summary>
[SkipLocalsInit] // A look at a host reads hundreds of files: to clear each buffer first would take longer than some of them.
internal static partial class LinuxFiles
{
    public const int NoEntry = 2, Loop = 40;

    private const int NotPermitted = 1, AccessDenied = 13;

    private const int AtNoFollow = 0x100, AtEmptyPath = 0x1000, AtNoSync = 0x4000;
    private const int OpenPath = 0x200000, OpenClose = 0x80000, OpenNoWait = 0x800, OpenNoTerminal = 0x100;
    private const ulong NoOtherMount = 1, NoMagicLinks = 2, NoLinks = 4, InRoot = 0x10;
    private const uint StatxWanted = 0x1 | 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | StatxBirth, StatxAccess = 0x20, StatxBirth = 0x800, StatxMount = 0x1000;
    private const int MaxLinkBytes = 4096, EntriesBytes = 8 * 1024;

    private static readonly int OpenNoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
    private static readonly int DirectoryOnly = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    /// <summary>What a path leads to that somebody named, links followed; the handle is invalid and the error number set where it cannot be told.</summary>
    public static SafeFileHandle Open(string path, out int errno)
    {
        int descriptor = HostCalls.Open(path, OpenPath | OpenClose, LookKind.Named);
        errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>The contents of a file of /proc, or of one that is reached there, opened without waiting for whoever has a lease on it; invalid where it cannot be read.</summary>
    public static SafeFileHandle OpenToRead(string path) => new(HostCalls.Open(path, OpenNoWait | OpenNoTerminal | OpenClose, LookKind.Kernel), ownsHandle: true);

    /// <summary>A directory of /proc; invalid, with the error number set, where it cannot be opened.</summary>
    public static SafeFileHandle OpenDirectory(string path) => OpenDirectory(path, LookKind.Kernel);

    /// <summary>What a path without symbolic links leads to, within a root that it cannot leave.</summary>
    public static SafeFileHandle OpenWithin(SafeFileHandle root, string path, bool staysInMount, out int errno) =>
        Open(root, path, OpenPath | OpenClose, staysInMount, out errno);

    /// <summary>The target of a link within a root; null where there is none.</summary>
    public static string? ReadLinkWithin(SafeFileHandle root, string path, bool staysInMount)
    {
        using SafeFileHandle link = OpenEntryWithin(root, path, staysInMount);
        return link.IsInvalid ? null : ReadLink(link, path);
    }

    /// <summary>What lies at a path without symbolic links, within a root, also where it is a link itself.</summary>
    public static SafeFileHandle OpenEntryWithin(SafeFileHandle root, string path, bool staysInMount) =>
        Open(root, path, OpenPath | OpenClose | OpenNoFollow, staysInMount, out _);

    /// <summary>The target of a link that is held; null where it is none.</summary>
    /// <param name="link">The link.</param>
    /// <param name="shown">What it is called where it cannot be read.</param>
    public static string? ReadLink(SafeFileHandle link, string shown)
    {
        Span<byte> target = stackalloc byte[MaxLinkBytes];
        nint length = HostCalls.ReadLinkAt(link, target, shown);
        return length > 0 ? PathText.Decode(target[..(int)length]) : null;
    }

    /// <summary>The target of a link of /proc; null where there is none, or this user may not read it.</summary>
    public static string? ReadLink(string path)
    {
        Span<byte> target = stackalloc byte[MaxLinkBytes];
        nint length = HostCalls.ReadLink(path, target);
        return length > 0 ? PathText.Decode(target[..(int)length]) : null;
    }

    /// <summary>The same, as it is written.</summary>
    /// <returns>How much of it was written to the buffer; -1, with the error number set, where it cannot be read.</returns>
    public static int ReadLink(string path, Span<byte> target) => (int)HostCalls.ReadLink(path, target);

    /// <summary>The targets of all links in a directory of /proc, and nothing else of them: to ask for more would follow them.</summary>
    /// <returns>Whether the directory and its links could be read, and it has no more entries than that.</returns>
    public static bool ReadLinks(string directory, int maxEntries, ReadLinkTarget take)
    {
        using SafeFileHandle handle = OpenDirectory(directory);
        if (handle.IsInvalid)
            return false;
        Span<byte> entries = stackalloc byte[EntriesBytes];
        Span<byte> target = stackalloc byte[MaxLinkBytes];
        int count = 0;
        DirectoryEntries names = new(handle, entries, directory, LookKind.Kernel);
        while (names.MoveNext())
        {
            if (++count > maxEntries)
                return false;
            nint size = HostCalls.ReadLinkAt(handle, ref MemoryMarshal.GetReference(names.Current), target, directory);
            if (size > 0)
                take(names.Current, target[..(int)size]);
            else if (Marshal.GetLastPInvokeError() is NotPermitted or AccessDenied)
                return false; // The names alone may be seen, by root without CAP_SYS_PTRACE for one: that is not to have seen none.
        }

        return !names.HasFailed;
    }

    /// <summary>The names in a directory of /proc that are numbers; none where it cannot be read.</summary>
    public static List<int> ReadNumbers(string directory)
    {
        List<int> numbers = [];
        using SafeFileHandle handle = OpenDirectory(directory);
        if (handle.IsInvalid)
            return numbers;
        Span<byte> entries = stackalloc byte[EntriesBytes];
        foreach (ReadOnlySpan<byte> name in new DirectoryEntries(handle, entries, directory, LookKind.Kernel))
        {
            if (Utf8Parser.TryParse(name, out int number, out int length) && length == name.Length)
                numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>All names in a directory that somebody named; none where it cannot be read.</summary>
    public static List<string> ReadNames(string directory)
    {
        List<string> all = [];
        using SafeFileHandle handle = OpenDirectory(directory, LookKind.Named);
        if (handle.IsInvalid)
            return all;
        Span<byte> entries = stackalloc byte[EntriesBytes];
        foreach (ReadOnlySpan<byte> name in new DirectoryEntries(handle, entries, directory, LookKind.Named) { TakesHidden = true })
            all.Add(PathText.Decode(name));
        return all;
    }

    /// <summary>A file of /proc, of which so much is read at most; null where it cannot be read.</summary>
    public static ReadOnlyMemory<byte>? ReadAll(string path, int maxBytes)
    {
        int descriptor = HostCalls.Open(path, OpenClose, LookKind.Kernel);
        if (descriptor < 0)
            return null;
        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        Span<byte> start = stackalloc byte[Math.Min(EntriesBytes, maxBytes)];
        Span<byte> bytes = start;
        int length = 0;
        while (length < maxBytes)
        {
            if (length == bytes.Length)
            {
                Span<byte> larger = new byte[Math.Min(length * 2, maxBytes)];
                bytes.CopyTo(larger);
                bytes = larger;
            }

            nint count = HostCalls.Read(file, bytes[length..], path);
            if (count < 0)
                return null;
            if (count == 0)
                break;
            length += (int)count;
        }

        return bytes[..length].ToArray();
    }

    /// <summary>A file of /proc, of which so much is read at most, piece by piece: nothing of it is kept.</summary>
    /// <returns>Whether it could be read.</returns>
    public static bool ReadPieces(string path, int maxBytes, ReadPiece take)
    {
        int descriptor = HostCalls.Open(path, OpenClose, LookKind.Kernel);
        if (descriptor < 0)
            return false;
        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        Span<byte> piece = stackalloc byte[EntriesBytes];
        nint count = 1;
        for (int left = maxBytes; left > 0 && count > 0; left -= (int)count)
        {
            count = HostCalls.Read(file, piece[..Math.Min(left, piece.Length)], path);
            if (count > 0)
                take(piece[..(int)count]);
        }

        return count >= 0;
    }

    /// <summary>The beginning of a small file of /proc; none where it cannot be read.</summary>
    public static ReadOnlySpan<byte> ReadStart(string path, Span<byte> buffer)
    {
        int descriptor = HostCalls.Open(path, OpenClose, LookKind.Kernel);
        if (descriptor < 0)
            return [];
        using SafeFileHandle file = new(descriptor, ownsHandle: true);
        nint length = HostCalls.Read(file, buffer, path);
        return length > 0 ? buffer[..(int)length] : [];
    }

    /// <summary>Null where there is no such file, or this user may not know.</summary>
    /// <param name="file">The file.</param>
    /// <param name="shown">What it is called where it cannot be told.</param>
    public static FileFacts? Stat(SafeHandle file, string shown)
    {
        Span<byte> facts = stackalloc byte[StatxBytes];
        return HostCalls.Statx(file, AtEmptyPath | AtNoSync, StatxWanted | StatxMount, facts, shown) == 0 ? Read(facts) : null;
    }

    /// <summary>The same, and when it was accessed last, in nanoseconds: that is no fact of the file, since whoever uses it changes it.</summary>
    public static FileFacts? Stat(SafeHandle file, string shown, out Int128 accessedAt)
    {
        const int accessed = 64;
        Span<byte> facts = stackalloc byte[StatxBytes];
        bool isTold = HostCalls.Statx(file, AtEmptyPath | AtNoSync, StatxWanted | StatxAccess | StatxMount, facts, shown) == 0;
        accessedAt = isTold && (BinaryPrimitives.ReadUInt32LittleEndian(facts) & StatxAccess) != 0 ? ReadTime(facts[accessed..]) : 0;
        return isTold ? Read(facts) : null;
    }

    /// <summary>The same of a socket of our own.</summary>
    public static FileFacts? StatOwn(SafeHandle socket)
    {
        Span<byte> facts = stackalloc byte[StatxBytes];
        return HostCalls.StatxOwn(socket, AtEmptyPath | AtNoSync, StatxWanted | StatxMount, facts) == 0 ? Read(facts) : null;
    }

    /// <summary>The same of a path that somebody named.</summary>
    public static FileFacts? Stat(string path, bool followsLinks) => Stat(path, followsLinks, LookKind.Named);

    /// <summary>The same of what lies in /proc, be it a link.</summary>
    public static FileFacts? StatProc(string path) => Stat(path, followsLinks: false, LookKind.Kernel);

    private const int StatxBytes = 256;

    private static FileFacts? Stat(string path, bool followsLinks, LookKind kind)
    {
        Span<byte> facts = stackalloc byte[StatxBytes];
        return HostCalls.Statx(path, followsLinks ? AtNoSync : AtNoSync | AtNoFollow, StatxWanted | StatxMount, facts, kind) == 0 ? Read(facts) : null;
    }

    private static SafeFileHandle OpenDirectory(string path, LookKind kind) =>
        new(HostCalls.Open(path, DirectoryOnly | OpenClose, kind), ownsHandle: true);

    private static FileFacts Read(ReadOnlySpan<byte> facts)
    {
        const int owner = 20, mode = 28, inode = 32, size = 40, born = 80, changed = 96, modified = 112, major = 136, minor = 140, mount = 144;
        uint told = BinaryPrimitives.ReadUInt32LittleEndian(facts);
        return new FileFacts(
            BinaryPrimitives.ReadUInt64LittleEndian(facts[inode..]),
            SocketFile.MakeDevice(BinaryPrimitives.ReadUInt32LittleEndian(facts[major..]), BinaryPrimitives.ReadUInt32LittleEndian(facts[minor..])),
            (told & StatxMount) != 0 ? BinaryPrimitives.ReadUInt64LittleEndian(facts[mount..]) : null,
            BinaryPrimitives.ReadUInt16LittleEndian(facts[mode..]),
            BinaryPrimitives.ReadUInt32LittleEndian(facts[owner..]),
            BinaryPrimitives.ReadUInt64LittleEndian(facts[size..]),
            ReadTime(facts[modified..]),
            ReadTime(facts[changed..]))
        {
            BornAt = (told & StatxBirth) != 0 ? ReadTime(facts[born..]) : null,
        };
    }

    // Seconds, then nanoseconds.
    private static Int128 ReadTime(ReadOnlySpan<byte> time) =>
        ((Int128)BinaryPrimitives.ReadInt64LittleEndian(time) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(time[sizeof(long)..]);

    private static SafeFileHandle Open(SafeFileHandle root, string path, int flags, bool staysInMount, out int errno)
    {
        Libc.OpenHow how = new() { Flags = (ulong)flags, Resolve = InRoot | NoLinks | NoMagicLinks | (staysInMount ? NoOtherMount : 0) };
        bool isHeld = false;
        try
        {
            root.DangerousAddRef(ref isHeld);
            long descriptor = HostCalls.OpenAt2((int)root.DangerousGetHandle(), path, ref how);
            errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
            return new SafeFileHandle((nint)descriptor, ownsHandle: true);
        }
        finally
        {
            if (isHeld)
                root.DangerousRelease();
        }
    }
}
