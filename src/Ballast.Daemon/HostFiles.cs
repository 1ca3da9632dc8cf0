using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Daemon;

/// <summary>What lies at a place in a file system.</summary>
/// <param name="Id">Its device and its number there, which no other has as long as it is used.</param>
/// <param name="Owner">Whose it is.</param>
/// <param name="Mode">Its type and permissions.</param>
/// <param name="Links">How many names it has.</param>
internal readonly record struct HostFile((uint Major, uint Minor, ulong Inode) Id, uint Owner, int Mode, uint Links)
{
    private const int TypeMask = 0xF000, Socket = 0xC000, Regular = 0x8000, Directory = 0x4000;
    private const int Sticky = 0x200, GroupOrOtherWrite = 0x12, Permissions = 0xFFF;

    public bool IsSocket => (Mode & TypeMask) == Socket;

    public bool IsRegular => (Mode & TypeMask) == Regular;

    public bool IsDirectory => (Mode & TypeMask) == Directory;

    /// <summary>Of a directory: whether others than its owner may replace what is theirs and what is not.</summary>
    public bool IsReplacedByOthers => (Mode & GroupOrOtherWrite) != 0 && (Mode & Sticky) == 0;

    /// <summary>As chmod takes it.</summary>
    public string ModeText => "0" + Convert.ToString(Mode & Permissions, 8);
}

/// <summary>
/// Files by a descriptor of their directory and a name, links not followed: what was looked at is what is changed.
/// Errors are the system's, in one line.
/// </summary>
internal static partial class HostFiles
{
    /// <summary>The longest path that fits into a unix socket's address, in bytes.</summary>
    public const int MaxAddressBytes = 107;

    private const int NoEntry = 2, AtCurrent = -100, AtNoFollow = 0x100, StatxBytes = 256;
    private const uint StatxBasic = 0x7FF;
    private const int OpenPath = 0x200000, OpenClose = 0x80000, OpenNoWait = 0x800, OpenNoTerminal = 0x100, OpenReadWrite = 2, OpenCreate = 0x40;
    private const int LockExclusive = 2, LockNoWait = 4, WriteAndEnter = 3, WouldBlock = 11;
    private const int UnixStream = 1, CloseOnExec = 0x80000, UnixFamily = 1;
    private const uint OnlyOwner = 0x180;

    private static readonly bool IsArm64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int OpenNoFollow = IsArm64 ? 0x8000 : 0x20000, OpenDirectoryOnly = IsArm64 ? 0x4000 : 0x10000;

    /// <summary>What a path leads to; null where nothing is there.</summary>
    /// <exception cref="IOException">It cannot be told.</exception>
    public static HostFile? Look(string path, bool followsLinks)
    {
        Span<byte> facts = stackalloc byte[StatxBytes];
        return Read(Libc.Statx(AtCurrent, path, followsLinks ? 0 : AtNoFollow, StatxBasic, facts), facts, path);
    }

    /// <summary>What a name in a directory is; null where there is none.</summary>
    /// <exception cref="IOException">It cannot be told.</exception>
    public static HostFile? Look(SafeFileHandle directory, string name)
    {
        Span<byte> facts = stackalloc byte[StatxBytes];
        return Read(Libc.Statx(directory, name, AtNoFollow, StatxBasic, facts), facts, name);
    }

    /// <exception cref="IOException">It cannot be opened.</exception>
    public static SafeFileHandle OpenDirectory(string path) =>
        Valid(new SafeFileHandle(Libc.Open(path, OpenPath | OpenDirectoryOnly | OpenClose), ownsHandle: true), path);

    /// <summary>A file to be locked, which is made where it is not there; whatever a stranger may have laid there is not followed, nor waited for.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static SafeFileHandle OpenToLock(SafeFileHandle directory, string name, string path) => Valid(
        new SafeFileHandle(
            Libc.OpenAt(directory, name, OpenReadWrite | OpenCreate | OpenNoFollow | OpenNoWait | OpenNoTerminal | OpenClose, OnlyOwner), ownsHandle: true),
        path);

    /// <summary>The entry itself, be it a socket or a link, to look at and to say whose it is.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public static SafeFileHandle OpenEntry(SafeFileHandle directory, string name, string path)
    {
        const int pathOnly = 0x200000;
        return Valid(new SafeFileHandle(Libc.OpenAt(directory, name, pathOnly | OpenNoFollow | OpenClose, 0), ownsHandle: true), path);
    }

    /// <summary>What was opened.</summary>
    /// <exception cref="IOException">It cannot be told.</exception>
    public static HostFile LookAt(SafeFileHandle file, string path)
    {
        const int emptyPath = 0x1000;
        Span<byte> facts = stackalloc byte[StatxBytes];
        return Read(Libc.Statx(file, "", emptyPath, StatxBasic, facts), facts, path)!.Value;
    }

    /// <summary>False where somebody else holds it.</summary>
    /// <exception cref="IOException">It cannot be locked.</exception>
    public static bool TryLock(SafeFileHandle file, string path)
    {
        if (Libc.Flock(file, LockExclusive | LockNoWait) == 0)
            return true;
        int error = Marshal.GetLastPInvokeError();
        return error == WouldBlock ? false : throw Failed(path, error);
    }

    /// <summary>Does nothing where it is gone already.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    public static void Remove(SafeFileHandle directory, string name, string path)
    {
        if (Libc.UnlinkAt(directory, name, 0) != 0 && Marshal.GetLastPInvokeError() is var error and not NoEntry)
            throw Failed(path, error);
    }

    /// <exception cref="IOException">This process may not make anything there.</exception>
    public static void RequireWritable(string directory)
    {
        if (Libc.Access(directory, WriteAndEnter) != 0)
            throw Failed(directory, Marshal.GetLastPInvokeError());
    }

    /// <summary>A path without links.</summary>
    /// <exception cref="IOException">It cannot be followed.</exception>
    public static string RealPath(string path)
    {
        Span<byte> resolved = stackalloc byte[4096];
        return Libc.RealPath(path, resolved) != 0 ? Encoding.UTF8.GetString(resolved[..resolved.IndexOf((byte)0)]) : throw Failed(path, Marshal.GetLastPInvokeError());
    }

    /// <summary>A socket that waits for clients at an address.</summary>
    /// <param name="address">The path, short enough.</param>
    /// <param name="path">The path, for errors.</param>
    /// <param name="open">Sets who may connect, before anybody can.</param>
    /// <exception cref="IOException">It cannot be bound.</exception>
    public static SafeFileHandle Listen(string address, string path, Action open)
    {
        const int backlog = 512, familyBytes = 2;
        Span<byte> name = stackalloc byte[familyBytes + MaxAddressBytes + 1];
        name.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(name, UnixFamily);
        int length = familyBytes + Encoding.UTF8.GetBytes(address, name[familyBytes..^1]);
        SafeFileHandle socket = Valid(new SafeFileHandle(Libc.Socket(UnixFamily, UnixStream | CloseOnExec, 0), ownsHandle: true), path);
        try
        {
            if (Libc.Bind(socket, name, length + 1) != 0)
                throw Failed(path, Marshal.GetLastPInvokeError());
            open();
            return Libc.Listen(socket, backlog) == 0 ? socket : throw Failed(path, Marshal.GetLastPInvokeError());
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Who listens at an address: whether anybody does, and the process where it can be told.</summary>
    public static (bool IsAlive, int? Pid) Listener(string address)
    {
        if (Encoding.UTF8.GetByteCount(address) > MaxAddressBytes)
            return (false, null);
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(address));
            return (true, UnixAccess.Peer(probe) is { Pid: > 0 and var pid } ? pid : null);
        }
        catch (SocketException e)
        {
            // A full queue, other kinds of sockets and those that are closed to us are somebody's too.
            return (e.SocketErrorCode is not (SocketError.ConnectionRefused or SocketError.AddressNotAvailable), null);
        }
    }

    private static HostFile? Read(int result, ReadOnlySpan<byte> facts, string path)
    {
        const int notDirectory = 20, links = 16, owner = 20, mode = 28, inode = 32, major = 136, minor = 140;
        if (result != 0)
            return Marshal.GetLastPInvokeError() is var error and not (NoEntry or notDirectory) ? throw Failed(path, error) : null;
        return new HostFile(
            (MemoryMarshal.Read<uint>(facts[major..]), MemoryMarshal.Read<uint>(facts[minor..]), MemoryMarshal.Read<ulong>(facts[inode..])),
            MemoryMarshal.Read<uint>(facts[owner..]), MemoryMarshal.Read<ushort>(facts[mode..]), MemoryMarshal.Read<uint>(facts[links..]));
    }

    private static SafeFileHandle Valid(SafeFileHandle handle, string path)
    {
        int error = Marshal.GetLastPInvokeError();
        if (!handle.IsInvalid)
            return handle;
        handle.Dispose();
        throw Failed(path, error);
    }

    private static IOException Failed(string path, int error) => new($"{path}: {Marshal.GetPInvokeErrorMessage(error)}");
}
