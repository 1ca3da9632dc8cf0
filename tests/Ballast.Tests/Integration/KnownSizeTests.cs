using System.Diagnostics;
using Ballast.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>QEMU's events come when the driver relies on them.</summary>
[Trait("needs", "qemu")]
public sealed class KnownSizeTests
{
    private const uint MachineMib = 32;
    private const uint PagesPerMib = 256;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_size_is_right_in_the_very_call_after_it_moved()
    {
        await using Opened guest = await Opened.StartAsync();
        uint balloonMib = 0;
        for (int round = 0; round < 2; round++)
        {
            long asked;
            Stopwatch quiet = Stopwatch.StartNew();
            do
            {
                Assert.True(quiet.Elapsed < TimeSpan.FromSeconds(30), "the size is always asked for");
                await Task.Delay(20, Token);
                asked = CommandsSent(guest);
                Assert.Equal(MachineMib - balloonMib, await ActualMibAsync(guest));
            }
            while (CommandsSent(guest) - asked > 1);

            // The first move has its event at once, those that follow up to a second later.
            for (int i = 0; i < 20; i++)
            {
                balloonMib = (balloonMib + 3) % (MachineMib / 2);
                await guest.Driven.WriteActualPagesAsync(balloonMib * PagesPerMib, Token);
                Assert.Equal(MachineMib - balloonMib, await ActualMibAsync(guest));
            }
        }
    }

    private static long CommandsSent(Opened guest) => ((QemuDriver)guest.Connection.Driver).Monitor.CommandsSent;

    private static async Task<ulong> ActualMibAsync(Opened guest)
    {
        MemoryStat[] stats = new MemoryStat[13];
        int count = await guest.Domain.FillMemoryStatsAsync(stats, cancellationToken: Token);
        return stats[..count].Single(stat => stat.Tag == MemoryStatTag.ActualBalloon).Value / 1024;
    }
}
