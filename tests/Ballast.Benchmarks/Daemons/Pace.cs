using System.Diagnostics;

namespace Ballast.Benchmarks.Daemons;

/// <summary>How long a call takes, and how many there are in a second.</summary>
internal static class Pace
{
    /// <summary>Microseconds of the median of so many calls, one after the other.</summary>
    public static async Task<double> MedianAsync(int calls, Func<ValueTask> call)
    {
        double[] times = new double[calls];
        for (int i = 0; i < calls; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await call();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        return Samples.MedianOf(times);
    }

    /// <summary>Calls per second of many callers, each with what it calls.</summary>
    public static async Task<double> RateAsync(TimeSpan time, IReadOnlyList<Func<ValueTask>> callers)
    {
        long start = Stopwatch.GetTimestamp();

        // A thread for each, as the C library's calls block; an awaited call leaves it at once.
        long[] counts = await Task.WhenAll(callers.Select(call => Task.Factory.StartNew(
            async () =>
            {
                long count = 0;
                for (; Stopwatch.GetElapsedTime(start) < time; count++)
                    await call();
                return count;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
