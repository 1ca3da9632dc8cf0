using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Interop;

/// <summary>What starts and ends programs.</summary>
internal static unsafe partial class Libc
{
    /// <summary>Numbers of system calls, the same on every processor.</summary>
    public const long PidfdOpen = 434, PidfdSendSignal = 424;

    /// <summary>Whether the process of a descriptor (<see cref="PidfdOpen"/>) has ended; null with the kernel's error number where it cannot be told.</summary>
    public static bool? HasEnded(SafeFileHandle process)
    {
        // It can be read then.
        const short readable = 1;
        PollRequest request = new() { Descriptor = (int)process.DangerousGetHandle(), Events = readable };
        return Poll(ref request, count: 1, timeout: 0) switch
        {
            < 0 => null,
            var ended => ended > 0,
        };
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "sigaddset")]
    public static partial int SigAddSet(byte* set, int signal);

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    public static partial int SigEmptySet(byte* set);

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    public static partial int SocketPair(int family, int type, int protocol, Span<int> pair);

    [LibraryImport("libc", EntryPoint = "posix_spawnp", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Spawn(out int pid, string file, byte* actions, byte* attributes, nint* arguments, nint* environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    public static partial int SpawnActionsAddCloseFrom(byte* actions, int first);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    public static partial int SpawnActionsAddDup2(byte* actions, int descriptor, int number);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    public static partial int SpawnActionsDestroy(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    public static partial int SpawnActionsInit(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    public static partial int SpawnAttributesDestroy(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    public static partial int SpawnAttributesInit(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    public static partial int SpawnAttributesSetDefault(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SpawnAttributesSetFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    public static partial int SpawnAttributesSetMask(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    public static partial int WaitId(int kind, int id, Span<byte> information, int options);
}
