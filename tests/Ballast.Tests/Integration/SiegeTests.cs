using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Monitors, QEMUs and clients attack together: the short form of the siege that is measured by Ballast.Benchmarks.</summary>
[Trait("needs", "qemu")]
[Trait("speed", "slow")]
public sealed class SiegeTests
{
    // A machine that builds something beside it is slow too; what does not end at all takes longer.
    private static readonly TimeSpan SiegeTime = TimeSpan.FromSeconds(8), EndTime = TimeSpan.FromSeconds(10), Longest = TimeSpan.FromSeconds(60);

    /// <summary>Some of each kind.</summary>
    internal static readonly SiegeAttack Attack = new(
        "all together",
        [.. SiegeAttack.Floods.Select(flood => (flood, 1)), ("garbage", 2)],
        [("watches", 150), ("pipelines", 150), ("halves", 150), ("connects", 100)]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Under_siege_a_privileged_client_sees_no_error_the_daemon_ends_when_told_and_nothing_stays_behind()
    {
        await using BesiegedDaemon besieged = await BesiegedDaemon.StartAsync(healthy: 4, Token);
        await besieged.CallAsync(TimeSpan.FromSeconds(1), Token);
        DaemonTakes before = besieged.Look();

        await using (await besieged.AttackAsync(Attack, Longest, Token))
            Assert.InRange(await besieged.CallAsync(SiegeTime, Token), 10, int.MaxValue);
        await besieged.CalmAsync(before, Token);

        await using (await besieged.AttackAsync(Attack, Longest, Token))
        {
            await besieged.CallAsync(TimeSpan.FromSeconds(1), Token);
            Assert.Equal(0, await besieged.Daemon.TerminateAsync(Token).WaitAsync(EndTime, Token));
        }
    }
}
