using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Cli;

/// <summary>Functions of the C library, by its names.</summary>
internal static partial class Libc
{
    [LibraryImport("libc", EntryPoint = "chdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChDir(string path);

    /// <summary><c>MB_CUR_MAX</c>.</summary>
    [LibraryImport("libc", EntryPoint = "__ctype_get_mb_cur_max")]
    public static partial nuint CTypeGetMbCurMax();

    [LibraryImport("libc", EntryPoint = "fdopen", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint FdOpen(int descriptor, string mode);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    public static partial int IoCtl(int descriptor, nuint request, ref ushort argument);

    [LibraryImport("libc", EntryPoint = "isatty")]
    public static partial int IsATty(int descriptor);

    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode = 0);

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe2(ref int ends, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, ref byte buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "setlocale", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint SetLocale(int category, string name);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> facts);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, Span<byte> facts);

    [LibraryImport("libc", EntryPoint = "tcflow")]
    public static partial int TcFlow(int descriptor, int action);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    public static partial int TcGetAttr(int descriptor, ref byte mode);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    public static partial int TcSetAttr(int descriptor, int when, in byte mode);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, in byte buffer, nuint length);

    /// <summary><c>struct pollfd</c>.</summary>
    public struct PollEntry(int descriptor, short wanted)
    {
        public const short CanRead = 1, CanWrite = 4;

        public readonly int Descriptor = descriptor;
        public readonly short Wanted = wanted;
        public short Found;
    }
}
