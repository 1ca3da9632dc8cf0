using System.Globalization;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Interop;

namespace Ballast.Drivers.Qemu;

/// <summary>
/// The QEMU that made a socket. Ids are mostly given in the order of birth, and a QEMU makes its sockets when it starts: so a few
/// looks find most, and each process is looked at only where they do not.
/// </summary>
internal static class SocketMaker
{
    private const int RealTime = 0, BootTime = 7;
    private const int TicksPerSecond = 100, NanosecondsPerSecond = 1_000_000_000;

    // From QEMU's start to its sockets, on a busy machine; and how far two clocks may be apart.
    private const long LongestStart = 10 * TicksPerSecond, Slack = TicksPerSecond;

    private const int MostLooks = 32;

    /// <summary>The process that was started to wait at a path for a monitor's first client; null where it is not found.</summary>
    /// <param name="name">The path as the socket was bound to it.</param>
    /// <param name="madeAt">When the socket was made, in nanoseconds since 1970.</param>
    public static int? FindWaiting(string name, Int128 madeAt)
    {
        int[] pids = [.. ProcessTable.Pids().Order()];
        long made = TicksSinceBoot(madeAt);

        // Whoever says that it does not wait may be another one, which has the same path somewhere else, or a lie.
        bool isKnown = false;
        int last = CountBornBefore(pids, made + Slack) - 1;
        for (int at = last; at >= 0 && last - at < MostLooks && Born(pids[at]) is var born && !(born < made - LongestStart); at--)
        {
            bool? waits = Waits(pids[at], name);
            if (waits == true)
                return pids[at];
            isKnown |= waits is not null;
        }

        if (isKnown)
            return null;

        // Ids are used again where all have been used once.
        foreach (int pid in pids)
        {
            if (Waits(pid, name) == true)
                return pid;
        }

        return null;
    }

    // Null where it is not the maker.
    private static bool? Waits(int pid, string name) =>
        QemuProcess.IsCalledQemu(pid) && QemuCommandLine.TryRead(pid, out QemuCommandLine? line) && line.Binds(name) ? line.WaitsAt(name) : null;

    private static long TicksSinceBoot(Int128 nanoseconds) =>
        (long)((Now(BootTime) - (Now(RealTime) - nanoseconds)) / (NanosecondsPerSecond / TicksPerSecond));

    private static Int128 Now(int clock)
    {
        _ = Libc.ClockGetTime(clock, out Libc.Time time);
        return ((Int128)time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
    }

    private static int CountBornBefore(int[] pids, long ticks)
    {
        (int low, int high) = (0, pids.Length);
        while (low < high)
        {
            int middle = low + ((high - low) / 2);

            // One that is gone since counts as the one before it would.
            if (Born(pids[middle]) is { } born && born >= ticks)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    // In ticks since the system was started; null where the process is gone.
    private static long? Born(int pid)
    {
        // Behind the name, which may hold anything.
        const int startTime = 19;
        Span<byte> buffer = stackalloc byte[512];
        string text = Encoding.ASCII.GetString(LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"), buffer));
        string[] fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > startTime && long.TryParse(fields[startTime], NumberStyles.None, CultureInfo.InvariantCulture, out long ticks) ? ticks : null;
    }
}
