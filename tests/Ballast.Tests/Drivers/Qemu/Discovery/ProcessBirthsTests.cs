using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>A file's time, by the host's clock, as a time since the host booted.</summary>
public sealed class ProcessBirthsTests
{
    private const int BootTime = 7;
    private const long Booted = 1_700_000_000_000_000_000, Second = 1_000_000_000, Tick = Second / 100;

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData(".*")]
    [InlineData("..*")]
    [InlineData("***")]
    [InlineData("*.*.*")]
    [InlineData("**********")]
    public void A_thread_that_waits_between_its_looks_at_the_clocks_takes_no_file_for_an_older_one(string waits)
    {
        long time = 50 * Second;
        int looks = 0;
        long ticks = ProcessBirths.TicksSinceBoot(Booted + (20 * Second), Now);
        Assert.InRange(ticks, 20 * Second / Tick, waits.Length < 10 ? 20 * Second / Tick : long.MaxValue);

        // One look is not made in no time.
        Int128 Now(int clock)
        {
            time += 100 + (looks < waits.Length && waits[looks] == '*' ? Second : 0);
            looks++;
            return clock == BootTime ? time : Booted + time;
        }
    }
}
