using System.Runtime.InteropServices;
using Ballast.Interop;
using Ballast.Transports;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// The system calls by which the host is looked at. Each failure is noted for the look under way (<see cref="LookTrouble"/>), so
/// that nothing that could not be looked at is taken for gone. What a call that does not return is about is left out (<see cref="HostLook"/>).
/// </summary>
internal static class HostCalls
{
    private static readonly AsyncLocal<Func<string, string, int>?> Faults = new();
    private static bool _hasFaults;

    /// <summary>For tests: the error that a call, by its name and what it is about, shall fail with; 0 for none. Holds for whoever sets it, and what it begins.</summary>
    internal static Func<string, string, int>? Fault
    {
        set
        {
            _hasFaults = true;
            Faults.Value = value;
        }
    }

    public static int Open(string path, int flags, LookKind kind) => Fails("open", path, kind) ? -1 : (int)Opened(Libc.Open(path, flags), path);

    public static long OpenAt2(int root, string path, ref Libc.OpenHow how)
    {
        const long number = 437;
        return Fails("openat2", path, LookKind.Paths)
            ? -1
            : Opened((nint)Libc.SyscallOpenAt2(number, root, path, ref how, Marshal.SizeOf<Libc.OpenHow>()), path);
    }

    public static nint Read(SafeFileHandle file, Span<byte> buffer, string shown) =>
        Fails("read", shown, LookKind.Kernel) ? -1 : Noted(Libc.Read(file, buffer, buffer.Length), shown);

    /// <summary>Connects a socket of ours to an entry that is held: its file system may be asked who may use it.</summary>
    /// <returns>The kernel's error number; 0 where it is connected.</returns>
    public static int Connect(UnixSocketHandle socket, SocketEntry entry, string shown)
    {
        // Where nobody waits for it any more, it shall not connect late: the monitor would serve nobody else meanwhile.
        using HostLook.Leaving leaving = HostLook.WhenLeft(() => UnixSocketClient.Forbid(socket));
        if (Fails("connect", shown, LookKind.Named))
            return Marshal.GetLastPInvokeError();
        int errno = UnixSocketClient.Connect(socket, entry.ConnectPath);
        Ended();
        return errno;
    }

    // What needs nobody but the kernel does not hang, but on a busy machine it may be late. No look is left because of it: what it
    // returns would be lost, and what it is about is everybody's.

    /// <summary>Reads a file of a process again from its beginning, one that needs no lock of its memory.</summary>
    /// <returns>-1 where it cannot be read.</returns>
    public static int ReadAgain(SafeFileHandle file, Span<byte> buffer, out int errno)
    {
        const string shown = "a file of /proc";
        errno = 0;
        if (IsFaulty("pread", shown))
        {
            errno = Marshal.GetLastPInvokeError();
            return -1;
        }

        // The runtime's own reading would go on without a place where there is none, and take what is another's.
        nint length = Libc.PRead(file, buffer, buffer.Length, 0);
        if (length < 0)
            LookTrouble.Note(errno = Marshal.GetLastPInvokeError(), shown);
        return (int)length;
    }

    public static nint ReadLink(string path, Span<byte> target) =>
        Fails("readlink", path, LookKind.Kernel) ? -1 : Noted(Libc.ReadLink(path, target, target.Length), path);

    public static nint ReadLinkAt(SafeFileHandle directory, ref byte name, Span<byte> target, string shown) =>
        Fails("readlinkat", shown, LookKind.Kernel) ? -1 : Noted(Libc.ReadLinkAt(directory, ref name, target, target.Length), shown);

    public static nint ReadLinkAt(SafeFileHandle link, Span<byte> target, string shown) =>
        Fails("readlinkat", shown, LookKind.Paths) ? -1 : Noted(Libc.ReadLinkAt(link, "", target, target.Length), shown);

    public static nint GetDents(SafeFileHandle directory, Span<byte> entries, string shown, LookKind kind) =>
        Fails("getdents64", shown, kind) ? -1 : Noted(Libc.GetDents64(directory, entries, entries.Length), shown);

    public static int Statx(SafeHandle file, int flags, uint mask, Span<byte> result, string shown) =>
        Fails("statx", shown, LookKind.Named) ? -1 : (int)Noted(Libc.Statx(file, "", flags, mask, result), shown);

    public static int Statx(string path, int flags, uint mask, Span<byte> result, LookKind kind)
    {
        const int current = -100;
        return Fails("statx", path, kind) ? -1 : (int)Noted(Libc.Statx(current, path, flags, mask, result), path);
    }

    public static int Socket(int family, int type, int protocol, string shown) =>
        IsFaulty("socket", shown) ? -1 : (int)Told(Libc.Socket(family, type, protocol), shown);

    public static int SetNs(SafeFileHandle target, int kind, string shown) =>
        IsFaulty("setns", shown) ? -1 : (int)Told(Libc.SetNs(target, kind), shown);

    public static nint Send(SafeHandle socket, ReadOnlySpan<byte> buffer, string shown) =>
        IsFaulty("send", shown) ? -1 : Told(Libc.Send(socket, buffer, buffer.Length, 0), shown);

    public static nint Recv(SafeHandle socket, Span<byte> buffer, string shown) =>
        IsFaulty("recv", shown) ? -1 : Told(Libc.Recv(socket, buffer, buffer.Length, 0), shown);

    /// <summary>Statx of a socket of our own.</summary>
    public static int StatxOwn(SafeHandle socket, int flags, uint mask, Span<byte> result)
    {
        const string shown = "a socket of ours";
        return IsFaulty("statx", shown) ? -1 : (int)Told(Libc.Statx(socket, "", flags, mask, result), shown);
    }

    /// <summary>Runs on a thread of its own, which ends with it; what fails there is noted here.</summary>
    public static void RunOnThread(string name, Action run)
    {
        LookTrouble? met = null;
        if (IsFaulty("clone", name))
            return;
        bool isStarted = Unattended.TryStartThread(name, Run, out Thread thread);
        if (isStarted)
            thread.Join();
        if (!isStarted)
            LookTrouble.Note(LookTrouble.NoThread, name);
        met?.NoteHere();

        void Run()
        {
            using LookTrouble trouble = met = new LookTrouble();
            run();
        }
    }

    private static nint Noted(nint result, string what)
    {
        int errno = result < 0 ? Marshal.GetLastPInvokeError() : 0;
        Ended();
        if (result < 0)
            Note(errno, what);
        return result;
    }

    private static nint Told(nint result, string what)
    {
        if (result < 0)
            Note(Marshal.GetLastPInvokeError(), what);
        return result;
    }

    private static void Note(int errno, string what)
    {
        LookTrouble.Note(errno, what);
        Marshal.SetLastPInvokeError(errno);
    }

    // Nobody would close the descriptor that comes when nobody waits for it any more.
    private static nint Opened(nint descriptor, string what)
    {
        int errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (!HostLook.End())
        {
            new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
            throw new LookStuckException();
        }

        if (descriptor < 0)
            Note(errno, what);
        return descriptor;
    }

    private static void Ended()
    {
        if (!HostLook.End())
            throw new LookStuckException();
    }

    private static bool Fails(string call, string what, LookKind kind)
    {
        int errno = HostLook.LeftOut;
        if (HostLook.Begin(what, kind))
        {
            try
            {
                errno = FaultOf(call, what);
                if (errno == 0)
                    return false;
            }
            catch
            {
                Ended();
                throw;
            }

            Ended();
        }

        Note(errno, what);
        return true;
    }

    private static bool IsFaulty(string call, string what)
    {
        int errno = FaultOf(call, what);
        if (errno != 0)
            Note(errno, what);
        return errno != 0;
    }

    private static int FaultOf(string call, string what) => _hasFaults ? Faults.Value?.Invoke(call, what) ?? 0 : 0;
}
