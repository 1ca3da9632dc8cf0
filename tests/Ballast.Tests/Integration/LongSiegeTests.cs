using System.Globalization;

namespace Ballast.Tests.Integration;

/// <summary>
/// An hour of everything together: attackers of each kind come and go, while clients call, watch, follow events and come
/// anew. At its end the daemon takes what it took. <c>BALLAST_SIEGE_MINUTES</c> says how long.
/// </summary>
[Trait("needs", "qemu")]
[Trait("speed", "long")]
public sealed class LongSiegeTests(ITestOutputHelper output)
{
    private const string Variable = "BALLAST_SIEGE_MINUTES";

    private static readonly TimeSpan
        AttackTime = TimeSpan.FromSeconds(40), PeaceTime = TimeSpan.FromSeconds(5), Longest = TimeSpan.FromMinutes(3), EndTime = TimeSpan.FromSeconds(10);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static TimeSpan Length =>
        TimeSpan.FromMinutes(double.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out double minutes) ? minutes : 60);

    [Fact]
    public async Task However_long_everything_goes_on_together_nothing_stays_behind()
    {
        await using BesiegedDaemon besieged = await BesiegedDaemon.StartAsync(healthy: 10, Token);
        long end = Environment.TickCount64 + (long)Length.TotalMilliseconds;

        // What a daemon takes that has been through it once is no growth.
        await BesiegeAsync(besieged);
        DaemonTakes before = besieged.Look();
        output.WriteLine($"at first: {before}");
        do
        {
            await BesiegeAsync(besieged);
            output.WriteLine($"{TimeSpan.FromMilliseconds(Math.Max(0, end - Environment.TickCount64)):hh\\:mm\\:ss} left: {besieged.Look()}");
        }
        while (Environment.TickCount64 < end);

        await besieged.CalmAsync(before, Token);
        Assert.Equal(0, await besieged.Daemon.TerminateAsync(Token).WaitAsync(EndTime, Token));
    }

    /// <summary>One attack, and a while of peace after it, in which the clients are there still.</summary>
    private static async Task BesiegeAsync(BesiegedDaemon besieged)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] clients =
        [
            WatchAsync(besieged, besieged.Daemon.Uri, stop.Token), WatchAsync(besieged, besieged.Daemon.ReadOnlyUri, stop.Token),
            FollowAsync(besieged, stop.Token), ComeAndGoAsync(besieged, stop.Token),
        ];
        await using (await besieged.AttackAsync(SiegeTests.Attack, Longest, Token))
            Assert.NotEqual(0, await besieged.CallAsync(AttackTime, Token));
        Assert.NotEqual(0, await besieged.CallAsync(PeaceTime, Token));
        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }

    private static async Task WatchAsync(BesiegedDaemon besieged, string uri, CancellationToken stop)
    {
        HashSet<Guid> seen = [];
        await using Connection connection = await Connection.OpenAsync(uri, cancellationToken: Token);
        try
        {
            await foreach (DomainMemorySample sample in connection.WatchMemoryStatsAsync(TimeSpan.FromSeconds(1), cancellationToken: stop))
                seen.Add(sample.Domain.Uuid);
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
        }

        Assert.Empty(besieged.Healthy.Except(seen));
    }

    private static async Task FollowAsync(BesiegedDaemon besieged, CancellationToken stop)
    {
        await using Connection connection = await Connection.OpenAsync(besieged.Daemon.Uri, cancellationToken: Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);
        try
        {
            await foreach (DomainEvent one in events.WithCancellation(stop))
                Assert.False(one is DomainLifecycleEvent { Change: DomainLifecycleChange.Stopped } stopped && besieged.Healthy.Contains(stopped.Domain.Uuid));
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
        }
    }

    private static async Task ComeAndGoAsync(BesiegedDaemon besieged, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await using Connection connection = await Connection.OpenAsync(besieged.Daemon.Uri, cancellationToken: Token);
            IReadOnlyList<Domain> list = await connection.ListDomainsAsync(cancellationToken: Token);
            Assert.Empty(besieged.Healthy.Except(list.Select(domain => domain.Uuid)));
            await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
        }
    }
}
