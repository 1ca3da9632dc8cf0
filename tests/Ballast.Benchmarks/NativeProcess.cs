using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ballast.Benchmarks;

/// <summary>Starts programs with as little of our own work in the figures as possible; their output goes nowhere.</summary>
internal static unsafe partial class NativeProcess
{
    private const int StructBytes = 1024; // Larger than the C library's opaque structures.
    private const int WriteOnly = 1;
    private const int DeadlineMilliseconds = 60_000;
    private const int SignalKill = 9;

    /// <summary>Runs a program to its end and returns how long that took, in milliseconds.</summary>
    public static double Run(string[] command) => Measure(command).Elapsed;

    /// <summary>Runs a program to its end; how long that took, and for how long processors worked for it, in milliseconds.</summary>
    public static (double Elapsed, double Processor) Measure(string[] command)
    {
        long start = Stopwatch.GetTimestamp();
        int pid = Start(command);
        using Timer deadline = new(_ => _ = Kill(pid, SignalKill), null, DeadlineMilliseconds, Timeout.Infinite);
        int status = Wait(pid, out ResourceUse use);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return status == 0 ? (elapsed, use.Milliseconds) : throw new InvalidOperationException($"{string.Join(' ', command)} ended with status {status}.");
    }

    /// <summary>
    /// The most memory it had resident, in KiB, from a run of its own that looks again and again: what wait4 tells begins
    /// with the size of the process that started it.
    /// </summary>
    public static long PeakResidentKiB(string[] command)
    {
        int pid = Start(command);
        long start = Stopwatch.GetTimestamp();
        long peak = 0;
        while (ReadPeak(pid) is { } now)
        {
            peak = Math.Max(peak, now);
            if (Stopwatch.GetElapsedTime(start).TotalMilliseconds > DeadlineMilliseconds)
                _ = Kill(pid, SignalKill);
        }

        _ = Wait(pid, out _);
        return peak;
    }

    private static long? ReadPeak(int pid)
    {
        foreach (string line in File.ReadLines($"/proc/{pid}/status"))
        {
            if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                return long.Parse(line.AsSpan(6, line.Length - 9), System.Globalization.CultureInfo.InvariantCulture);
        }

        return null; // It has ended; its entry stays until it is waited for.
    }

    private static int Start(string[] command)
    {
        byte* actions = stackalloc byte[StructBytes];
        Check(InitialiseActions(actions));
        foreach (int descriptor in (int[])[1, 2])
            Check(AddOpen(actions, descriptor, "/dev/null", WriteOnly, 0));
        nint[] arguments = [.. command.Select(Marshal.StringToCoTaskMemUTF8), 0];
        string[] environment = [.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(e => $"{e.Key}={e.Value}")];
        nint[] variables = [.. environment.Select(Marshal.StringToCoTaskMemUTF8), 0];
        try
        {
            Check(Spawn(out int pid, command[0], actions, null, arguments, variables));
            return pid;
        }
        finally
        {
            foreach (nint text in arguments.Concat(variables))
                Marshal.FreeCoTaskMem(text);
            _ = DestroyActions(actions);
        }
    }

    private static int Wait(int pid, out ResourceUse use)
    {
        const int interrupted = 4;
        int status;
        while (WaitFor(pid, out status, 0, out use) < 0)
        {
            if (Marshal.GetLastPInvokeError() != interrupted)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        return status;
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new Win32Exception(error);
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int InitialiseActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int DestroyActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(byte* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Spawn(out int pid, string path, byte* actions, void* attributes, nint[] arguments, nint[] environment);

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int WaitFor(int pid, out int status, int options, out ResourceUse use);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    /// <summary>The beginning of the C library's struct rusage; the rest is not looked at.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    private readonly struct ResourceUse
    {
        private readonly long _userSeconds, _userMicroseconds, _systemSeconds, _systemMicroseconds;

        public double Milliseconds => ((_userSeconds + _systemSeconds) * 1e3) + ((_userMicroseconds + _systemMicroseconds) / 1e3);
    }
}
