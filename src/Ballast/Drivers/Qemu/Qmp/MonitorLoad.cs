using System.Collections.Concurrent;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// How many monitors of this process owe an answer. What is done ahead of time waits until there are fewer of them than
/// processors: it would take time from a QEMU that somebody waits for.
/// </summary>
internal static class MonitorLoad
{
    private static readonly int Processors = Environment.ProcessorCount;
    private static readonly ConcurrentQueue<Action> Waiting = [];

    private static int _underWay;
    private static int _isDraining;

    public static bool IsCalm => Volatile.Read(ref _underWay) < Processors;

    /// <summary>A monitor was asked something.</summary>
    public static void Asked() => Interlocked.Increment(ref _underWay);

    /// <summary>It has answered, or nobody waits for it any more.</summary>
    public static void Answered()
    {
        _ = Interlocked.Decrement(ref _underWay);
        Look();
    }

    /// <summary>Does something when there is time for it.</summary>
    public static void WhenCalm(Action work)
    {
        Waiting.Enqueue(work);
        Look();
    }

    private static void Look()
    {
        if (IsCalm && !Waiting.IsEmpty && Interlocked.Exchange(ref _isDraining, 1) == 0)
            _ = DrainAsync();
    }

    // At the next tick: where calls follow each other, the next one has begun by then.
    private static async Task DrainAsync()
    {
        try
        {
            // Never at once: whoever is here may hold the lock of a monitor.
            await CoarseClock.NextTick().ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            while (IsCalm && Waiting.TryDequeue(out Action? work))
                Unattended.Run(work);
        }
        catch (Exception e)
        {
            Unattended.Note(e);
            Volatile.Write(ref _isDraining, 0);
            return;
        }

        Volatile.Write(ref _isDraining, 0);

        // What came, or came to rest, before that was seen.
        Look();
    }
}
