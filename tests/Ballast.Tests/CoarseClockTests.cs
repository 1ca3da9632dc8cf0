using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests;

/// <summary>The clock ticks for all who wait, and again after it stopped because nobody did.</summary>
public sealed class CoarseClockTests
{
    [Fact]
    public async Task It_ticks_whenever_somebody_waits()
    {
        for (int i = 0; i < 3; i++)
        {
            Task first = CoarseClock.NextTick(), second = CoarseClock.NextTick();
            await Task.WhenAll(first, second).In();

            // Whoever goes on from there waits for the next one.
            await CoarseClock.NextTick().In();

            // Long enough for it to stop.
            await Task.Delay(4 * CoarseClock.Tick, TestContext.Current.CancellationToken);
        }
    }
}
