using System.Buffers.Text;
using System.Globalization;
using Ballast.Interop;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The host's processes in the order of their ids, which are mostly given in the order of birth.</summary>
internal sealed class ProcessBirths
{
    private const int RealTime = 0, BootTime = 7;
    private const int TicksPerSecond = 100, NanosecondsPerSecond = 1_000_000_000;

    // From a program's start to what it makes, on a busy machine; how far two clocks may be apart, and how far they are as a rule.
    private const long LongestStart = 10 * TicksPerSecond, Slack = TicksPerSecond, UsualSlack = 2;

    private const int MostLooks = 128, MostLooksAtOnce = 4;

    private readonly Dictionary<int, long?> _births = [];

    /// <summary>As /proc lists them.</summary>
    public IReadOnlyList<int> Pids { get; } = ProcessTable.Pids();

    /// <summary>A few processes that may have made at their start what was made at a time, the likeliest first.</summary>
    /// <param name="madeAt">In nanoseconds since 1970.</param>
    public IEnumerable<int> BornAbout(Int128 madeAt)
    {
        long made = TicksSinceBoot(madeAt);
        int end = CountBornBefore(made + UsualSlack, 0, Pids.Count), nearest = Math.Max(end - MostLooksAtOnce, 0);
        for (int at = end - 1; at >= nearest; at--)
            yield return Pids[at];
        for (int at = nearest - 1, begin = CountBornBefore(made - LongestStart, Math.Max(end - MostLooks, 0), nearest); at >= begin; at--)
            yield return Pids[at];
        for (int at = end, last = CountBornBefore(made + Slack, end, Math.Min(end + MostLooks, Pids.Count)); at < last; at++)
            yield return Pids[at];
    }

    /// <summary>A time of the host's clock in clock ticks since the host booted, as /proc counts them.</summary>
    /// <param name="nanoseconds">Since 1970.</param>
    public static long TicksSinceBoot(Int128 nanoseconds) => TicksSinceBoot(nanoseconds, Now);

    /// <summary>The same with clocks of the caller's: by their numbers, in nanoseconds.</summary>
    /// <param name="nanoseconds">Since 1970.</param>
    /// <param name="now">What a clock says.</param>
    internal static long TicksSinceBoot(Int128 nanoseconds, Func<int, Int128> now)
    {
        // The thread may have to wait between its looks at the two clocks. A time that is taken for an earlier one makes a file look
        // as if its process had read it, so the second look at the boot's clock counts: it errs to the later only.
        const int tries = 5, near = NanosecondsPerSecond / 10_000;
        Int128 boot = now(BootTime), real, before;
        int left = tries;
        do
        {
            before = boot;
            real = now(RealTime);
            boot = now(BootTime);
        }
        while (boot - before > near && --left > 0);
        return (long)((boot - (real - nanoseconds)) / (NanosecondsPerSecond / TicksPerSecond));
    }

    private static Int128 Now(int clock)
    {
        _ = Libc.ClockGetTime(clock, out Libc.Time time);
        return ((Int128)time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
    }

    // Where the first stands that was born then or later, from low to high: a look at a few, since they stand in order.
    private int CountBornBefore(long ticks, int low, int high)
    {
        while (low < high)
        {
            int middle = low + ((high - low) / 2);

            // One that is gone since counts as the one before it would.
            if (Birth(middle) is { } born && born >= ticks)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    // In ticks since the system was started; null where the process is gone.
    private long? Birth(int at)
    {
        if (!_births.TryGetValue(at, out long? birth))
            _births[at] = birth = ReadBirth(Pids[at]);
        return birth;
    }

    private static long? ReadBirth(int pid)
    {
        // Behind the name, which may hold anything.
        const int startTime = 19;
        Span<byte> buffer = stackalloc byte[512];
        ReadOnlySpan<byte> text = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"), buffer);
        text = text[(text.LastIndexOf((byte)')') + 1)..];
        int field = -1;
        foreach (Range range in text.Split((byte)' '))
        {
            if (field++ == startTime)
                return Utf8Parser.TryParse(text[range], out long ticks, out _) ? ticks : null;
        }

        return null;
    }
}
