using System.Globalization;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Tests.Performance;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Drivers;

/// <summary>
/// Connections that are opened, asked, watched, lost and closed at the same time by many, of a monitor and of a daemon: every call ends,
/// by an answer or by an error of ours, and nothing is thrown where nobody catches. For longer: BALLAST_RACE_SECONDS.
/// </summary>
[Collection(AlonePerProcess.Name)]
public sealed class RaceTests
{
    private const int Racers = 8;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("BALLAST_RACE_SECONDS") ?? "3", CultureInfo.InvariantCulture));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_monitor_that_comes_and_goes()
    {
        await using FakeQmp fake = FakeQmp.Start();
        ConnectionOptions options = new() { Timeout = TimeSpan.FromSeconds(1), UnsafePreferInlineContinuations = true };
        await RaceAsync(() => Connection.OpenAsync(fake.Uri, options, Token), fake.Disconnect);
    }

    [Fact]
    public async Task A_daemon_that_comes_and_goes()
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///fleet?domains=20", cancellationToken: Token), name: "test:///default");
        ConnectionOptions options = new() { Reconnect = true, UnsafePreferInlineContinuations = true };
        await RaceAsync(() => server.ConnectAsync(options), server.DropClients);
    }

    private static async Task RaceAsync(Func<ValueTask<Connection>> open, Action disturb)
    {
        List<Exception> thrown = [];
        void Hear(Exception error)
        {
            lock (thrown)
                thrown.Add(error);
        }

        Unattended.Failed += Hear;
        try
        {
            using CancellationTokenSource over = new(Length);
            Task disturbing = Task.Run(
                async () =>
                {
                    while (!over.IsCancellationRequested)
                    {
                        await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(1, 40)), Token);
                        disturb();
                    }
                },
                Token);
            long[] rounds = await Task.WhenAll(Enumerable.Range(0, Racers).Select(racer => Task.Run(() => RaceAsync(open, racer, over.Token), Token))).WaitAsync(Length + TimeSpan.FromSeconds(60), Token);
            await disturbing;
            Assert.All(rounds, count => Assert.InRange(count, 1, long.MaxValue));
        }
        finally
        {
            Unattended.Failed -= Hear;
        }

        Assert.Empty(thrown);
    }

    private static async Task<long> RaceAsync(Func<ValueTask<Connection>> open, int racer, CancellationToken over)
    {
        Random random = new(racer);
        long rounds = 0;
        for (; !over.IsCancellationRequested; rounds++)
        {
            await ToleratedAsync(async () =>
            {
                await using Connection connection = await open();
                await UseAsync(connection, random);

                // Closed by two, while it is asked.
                Task asking = ToleratedAsync(async () => _ = await connection.ListDomainsAsync(cancellationToken: Token)),
                    closing = Task.Run(async () => await connection.DisposeAsync(), Token);
                await connection.DisposeAsync();
                await asking.In();
                await closing.In();
            });
        }

        return rounds;
    }

    private static async Task UseAsync(Connection connection, Random random)
    {
        using CancellationTokenSource soon = CancellationTokenSource.CreateLinkedTokenSource(Token);
        soon.CancelAfter(TimeSpan.FromMilliseconds(random.Next(1, 60)));
        Task events = ToleratedAsync(async () =>
        {
            await using DomainEventSubscription subscription = await connection.SubscribeAsync(cancellationToken: soon.Token);
            await foreach (DomainEvent _ in subscription.WithCancellation(soon.Token))
            {
            }
        });
        Task watch = ToleratedAsync(async () =>
        {
            await foreach (DomainMemorySample _ in connection.WatchMemoryStatsAsync(TimeSpan.FromMilliseconds(10), cancellationToken: soon.Token))
            {
            }
        });
        for (int i = random.Next(5); i > 0; i--)
        {
            await ToleratedAsync(async () =>
            {
                foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: soon.Token))
                    _ = await domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: soon.Token);
            });
        }

        await events.In();
        await watch.In();
    }

    // What callers are told is theirs; that they are told is what is tried here.
    private static async Task ToleratedAsync(Func<Task> work)
    {
        try
        {
            await work().In();
        }
        catch (Exception e) when (e is LibvirtException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side or the connection was gone, or the time was over.
        }
    }
}
