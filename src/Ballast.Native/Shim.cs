using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>What the C shim does for managed code, and what the system does.</summary>
internal static unsafe partial class Shim
{
    [LibraryImport("shim", EntryPoint = "shim_set_error", StringMarshalling = StringMarshalling.Utf8)]
    public static partial void SetError(
        int code, int domain, int level, string message, string? str1, string? str2, string? str3, int int1, int int2);

    /// <summary>The thread's last error, of a text that needs no memory: there is none left, or something failed of which more cannot be told.</summary>
    [LibraryImport("shim", EntryPoint = "shim_set_plain_error")]
    public static partial void SetPlainError(int isOutOfMemory);

    /// <summary>Tells the thread's last error to a handler, when managed code has been left; null: to the global one, or to standard error.</summary>
    [LibraryImport("shim", EntryPoint = "shim_tell_later")]
    public static partial void TellError(delegate* unmanaged<nint, NativeError*, void> handler, nint userData);

    /// <summary>The same to the global one, or to standard error.</summary>
    [LibraryImport("shim", EntryPoint = "shim_tell_everybody_later")]
    public static partial void TellEverybody();

    /// <summary>What an event loop calls when events wait: a function of the shim's, for <c>managed_ready</c>.</summary>
    [LibraryImport("shim", EntryPoint = "shim_ready_function")]
    public static partial delegate* unmanaged<int, int, int, nint, void> ReadyFunction();

    /// <summary>What it calls when it does not look at the descriptor any more, for <c>managed_forget</c>.</summary>
    [LibraryImport("shim", EntryPoint = "shim_forget_function")]
    public static partial delegate* unmanaged<nint, void> ForgetFunction();

    /// <summary>Keeps a copy of the thread's last error, in place of another one.</summary>
    [LibraryImport("shim", EntryPoint = "shim_keep_error")]
    public static partial void KeepError(NativeError* to);

    /// <summary>Copies an error over memory that held none.</summary>
    [LibraryImport("shim", EntryPoint = "shim_copy_error")]
    public static partial void CopyError(NativeError* from, NativeError* to);

    /// <summary>Reads a number as C does into the parameter's value; 0 where the text is none.</summary>
    [LibraryImport("shim", EntryPoint = "shim_read_number")]
    public static partial int ReadNumber(int type, byte* text, NativeParameter* to);

    /// <summary>Whether this thread can do without those that it starts; else, where it is one of the runtime's, they are made when there is room for them.</summary>
    [LibraryImport("shim", EntryPoint = "shim_threads_may_fail")]
    public static partial void ThreadsMayFail(int may);

    /// <summary>Where it stands how often the program has forked.</summary>
    [LibraryImport("shim", EntryPoint = "shim_forks")]
    public static partial nint Forks();

    /// <summary>Where it stands how many calls that slept have gone on, and with them the program.</summary>
    [LibraryImport("shim", EntryPoint = "shim_returns")]
    public static partial nint Returns();

    /// <summary>Whether the program wants no call of its functions any more.</summary>
    [LibraryImport("shim", EntryPoint = "shim_callbacks_are_ended")]
    public static partial int CallbacksAreEnded();

    [LibraryImport("shim", EntryPoint = "virResetError")]
    public static partial void ResetError(NativeError* error);
}

/// <summary>System calls.</summary>
internal static unsafe partial class Libc
{
    public const short PollIn = 1, PollOut = 4, PollError = 8, PollHangUp = 16, PollInvalid = 32;

    public const int Interrupted = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Fd;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, int milliseconds);
}
