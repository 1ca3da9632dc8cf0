using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Ballast.Interop;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The host's processes.</summary>
internal static class ProcessTable
{
    private const int MaxStatusBytes = 1024 * 1024;
    private const uint Root = 0;

    private static readonly uint Self = Libc.GetEffectiveUid();

    // By how many ids /proc shows this process: its own in the PID namespace that /proc is of, then those further in.
    private static readonly Remembered<string[]> OwnIds = new(static () =>
        (StatusLine("self", "NSpid:") ?? StatusLine("self", "Pid:"))?.Split('\t', StringSplitOptions.RemoveEmptyEntries) ?? []);

    /// <summary>Whether /proc shows this process at all; else it is not mounted, or another PID namespace's.</summary>
    public static bool ShowsSelf => OwnIds.Value.Length > 0;

    /// <summary>
    /// Whether /proc is this process's PID namespace's. Else its numbers are no ids: to the kernel, the same number is another
    /// process of ours.
    /// </summary>
    public static bool IsOurs => OwnIds.Value is [var only] && only == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    // The first PID namespace, whose number the kernel fixes, and whose first process everybody sees who sees all.
    private static readonly Remembered<bool> SeesAll = new(static () =>
        LinuxFiles.ReadLink("/proc/self/ns/pid") == "pid:[4026531836]" && LinuxFiles.StatProc("/proc/1") is not null);

    /// <summary>Whether there may be processes that /proc does not show: the host's, to a program in a container, or other users'.</summary>
    public static bool HidesOthers => !SeesAll.Value;

    /// <summary>The ids of all processes there are now.</summary>
    public static IReadOnlyList<int> Pids()
    {
        List<int> pids = LinuxFiles.ReadNumbers("/proc");

        // It shows at least this process, or that of the namespace whose it is.
        if (pids.Count == 0)
            LookTrouble.Fail(LookFailure.NoProcesses);
        return pids;
    }

    /// <summary>What a process with one thread made and has not waited for; none where the kernel does not tell.</summary>
    public static IEnumerable<int> Children(int pid) =>
        Text($"/proc/{pid}/task/{pid}/children", MaxStatusBytes).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(static child => int.Parse(child, NumberStyles.None, CultureInfo.InvariantCulture));

    /// <summary>When the first thread started that a process's program made beside its own; null where it has none.</summary>
    /// <returns>In clock ticks since the host booted.</returns>
    public static ulong? FirstThreadTicks(int pid)
    {
        // In the order in which they were made.
        int first = LinuxFiles.ReadNumbers($"/proc/{pid}/task").Find(thread => thread != pid);
        return first > 0 ? StartTicks($"/proc/{pid}/task/{first}") : null;
    }

    /// <summary>When a process started, by the host's clock, to a second; null where it is gone.</summary>
    public static DateTimeOffset? StartedAt(int pid)
    {
        const ulong ticksPerSecond = 100;
        const string bootTime = "btime ";
        string? boot = Text("/proc/stat", MaxStatusBytes).Split('\n').FirstOrDefault(line => line.StartsWith(bootTime, StringComparison.Ordinal));
        return StartTicks($"/proc/{pid}") is { } ticks
            && ulong.TryParse(boot?[bootTime.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seconds)
            && seconds + (ticks / ticksPerSecond) is var start and <= MemoryStatsFacts.MaxUnixSeconds
            ? DateTimeOffset.FromUnixTimeSeconds((long)start)
            : null;
    }

    /// <summary>
    /// Whether a process is gone or ends: it has given back its memory, and its descriptors next. False where nobody could look.
    /// </summary>
    public static bool IsEnding(int pid)
    {
        using LookTrouble trouble = new();
        Span<byte> buffer = stackalloc byte[64];
        ReadOnlySpan<byte> size = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/statm"), buffer);
        return size.IsEmpty ? trouble.IsAnswered && !trouble.IsDenied && !IsThere(pid) : size is [(byte)'0', ..];
    }

    /// <summary>
    /// Whether a process of this PID namespace is there and has not ended, though /proc may not show it: mounted with hidepid, it shows nobody
    /// processes into which they may not look.
    /// </summary>
    public static bool IsThere(int pid)
    {
        if (!IsOurs || pid <= 0)
            return false;
        const int noSignal = 0, noSuchProcess = 3;
        using SafeFileHandle process = new((nint)Libc.SyscallPidfdOpen(Libc.PidfdOpen, pid, 0), ownsHandle: true);
        if (!process.IsInvalid)
            return Libc.HasEnded(process) != true;
        if (Marshal.GetLastPInvokeError() == noSuchProcess)
            return false;

        // No descriptor is left, or a filter of system calls knows none of processes. To send it a signal may be forbidden in several ways;
        // only this one says that there is none. One that ended and was not waited for is there.
        return Libc.Kill(pid, noSignal) == 0 || Marshal.GetLastPInvokeError() != noSuchProcess;
    }

    private static ulong? StartTicks(string directory)
    {
        // The name is in parentheses and may have anything in it; the 20th field after it is the start, in ticks since the boot.
        const int maxBytes = 4096, startField = 19;
        string stat = Text($"{directory}/stat", maxBytes);
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > startField && ulong.TryParse(fields[startField], NumberStyles.None, CultureInfo.InvariantCulture, out ulong ticks)
            ? ticks
            : null;
    }

    private static string Text(string path, int maxBytes) =>
        LinuxFiles.ReadAll(path, maxBytes) is { } read ? Encoding.UTF8.GetString(read.Span) : "";

    /// <summary>Whether a user is the one that this process acts as.</summary>
    public static bool IsSelf(uint uid) => uid == Self;

    /// <summary>Whether a user is the one that this process acts as, or root, whom nobody has to be told to trust.</summary>
    public static bool IsOwn(uint uid) => uid == Self || uid == Root;

    /// <summary>The user that a process acts as; null where it is gone.</summary>
    /// <remarks>
    /// It is the owner of the process's directory, which everybody may enter: of that the kernel tells it in any case. Files in there are
    /// root's where the process lets nobody look into its memory.
    /// </remarks>
    public static uint? OwnerOf(int pid) => LinuxFiles.StatProc(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/"))?.Owner;

    private static string? StatusLine(string process, string name)
    {
        foreach (string line in Text($"/proc/{process}/status", MaxStatusBytes).Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return line[name.Length..].Trim();
        }

        return null;
    }
}
