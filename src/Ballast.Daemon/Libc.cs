using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Daemon;

/// <summary>Functions of the C library, by its names.</summary>
internal static partial class Libc
{
    /// <summary>The size of <c>sigset_t</c>.</summary>
    public const int SignalSetBytes = 128;

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(SafeFileHandle socket, ReadOnlySpan<byte> address, int length);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Chown(string path, uint owner, uint group);

    [LibraryImport("libc", EntryPoint = "sigaddset")]
    public static partial int AddSignal(Span<byte> set, int signal);

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    public static partial int EmptySignals(Span<byte> set);

    /// <summary>Of the calling thread.</summary>
    [LibraryImport("libc", EntryPoint = "pthread_sigmask")]
    public static partial int ChangeSignalMask(int how, ReadOnlySpan<byte> set, Span<byte> before);

    /// <summary>Ends the process at once: nothing of it runs any more, nor is waited for.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void ExitNow(int status);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    public static partial int GetRLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "getuid")]
    public static partial uint GetUid();

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(SafeFileHandle socket, int backlog);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "openat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int OpenAt(SafeFileHandle directory, string name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial nint RealPath(string path, Span<byte> resolved);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    public static partial int SetRLimit(int resource, in Limit limit);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Statx(SafeFileHandle directory, string path, int flags, uint mask, Span<byte> result);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> result);

    [LibraryImport("libc", EntryPoint = "umask")]
    public static partial uint Umask(uint mask);

    [LibraryImport("libc", EntryPoint = "unlinkat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int UnlinkAt(SafeFileHandle directory, string name, int flags);

    /// <summary><c>struct rlimit</c>.</summary>
    public readonly record struct Limit(ulong Soft, ulong Hard);
}
