using Ballast.Rpc;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Rpc;

/// <summary>What a long-lived connection to a daemon keeps of subscriptions that came and went.</summary>
public sealed class RemoteEventsTests
{
    private const RemoteProcedure Register = RemoteProcedure.ConnectDomainEventCallbackRegisterAny,
        Deregister = RemoteProcedure.ConnectDomainEventCallbackDeregisterAny;

    // Registrations of a subscription.
    private const int Kinds = 4;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_loss_is_told_once_however_many_subscriptions_came_and_went()
    {
        PipedDaemon daemon = new();
        await using Connection connection = await daemon.ConnectAsync(new ConnectionOptions { Reconnect = true }, Token);
        for (int loss = 1; loss <= 3; loss++)
        {
            for (int i = 0; i < 200; i++)
                await (await connection.SubscribeAsync(cancellationToken: Token)).DisposeAsync();
            DomainEventSubscription[] subscriptions =
                [await connection.SubscribeAsync(cancellationToken: Token), await connection.SubscribeAsync(cancellationToken: Token)];
            await RegisteredAsync(daemon);
            int before = daemon.CountOf(Register);
            daemon.Drop();

            // Again on the next connection.
            await daemon.AskedAsync(Register, before + Kinds);
            foreach (DomainEventSubscription subscription in subscriptions)
            {
                // Who wakes the others one after the other shall have the time for it.
                await Task.Delay(100, Token);
                await subscription.DisposeAsync();
                List<DomainEvent> told = [];
                await foreach (DomainEvent happened in subscription.WithCancellation(Token))
                    told.Add(happened);
                Assert.Equal(new EventsMissed(EventsMissedCause.ConnectionLost, null), Assert.Single(told));
            }
        }
    }

    [Fact]
    public async Task One_that_is_given_up_leaves_no_registration_behind()
    {
        PipedDaemon daemon = new() { Silent = { Register } };
        await using Connection connection = await daemon.ConnectAsync(new ConnectionOptions(), Token);
        for (int i = 0; i < 20; i++)
        {
            using CancellationTokenSource cancel = new();
            Task<DomainEventSubscription> subscribing = connection.SubscribeAsync(cancellationToken: cancel.Token).AsTask();
            await daemon.AskedAsync(Register);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing.In());
        }

        Assert.Equal(1, daemon.CountOf(Register));
        daemon.Recover();
        await GoneAsync(daemon);
        await using DomainEventSubscription subscription = await connection.SubscribeAsync(cancellationToken: Token);
        Assert.Equal(Kinds, daemon.Callbacks);
    }

    [Fact]
    public async Task One_that_is_answered_too_late_is_taken_back()
    {
        PipedDaemon daemon = new() { Silent = { Register } };
        await using Connection connection = await daemon.ConnectAsync(new ConnectionOptions { DaemonTimeout = TimeSpan.FromSeconds(2) }, Token);
        await connection.SubscribeAsync(cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal(1, daemon.CountOf(Register));

        daemon.Recover();

        await GoneAsync(daemon);
        await using DomainEventSubscription subscription = await connection.SubscribeAsync(cancellationToken: Token);
        Assert.Equal(Kinds, daemon.Callbacks);
    }

    [Fact]
    public async Task Whoever_leaves_does_not_wait_for_a_silent_daemon()
    {
        PipedDaemon daemon = new();
        Connection connection = await daemon.ConnectAsync(new ConnectionOptions(), Token);
        DomainEventSubscription subscription = await connection.SubscribeAsync(cancellationToken: Token);
        daemon.IsDead = true;
        long since = TimeProvider.System.GetTimestamp();
        await subscription.DisposeAsync();
        await connection.DisposeAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(since).TotalSeconds, 0, 5);
    }

    [Fact]
    public async Task Registrations_that_nobody_needs_any_more_are_taken_back()
    {
        PipedDaemon daemon = new();
        await using Connection connection = await daemon.ConnectAsync(new ConnectionOptions(), Token);
        for (int i = 0; i < 3; i++)
        {
            await using (await connection.SubscribeAsync(cancellationToken: Token))
            {
                await using DomainEventSubscription second = await connection.SubscribeAsync(cancellationToken: Token);
                Assert.Equal(Kinds, daemon.Callbacks);
            }

            await GoneAsync(daemon);
        }
    }

    private static Task RegisteredAsync(PipedDaemon daemon) => UntilAsync(() => daemon.Callbacks % Kinds == 0 && daemon.CountOf(Register) % Kinds == 0);

    private static Task GoneAsync(PipedDaemon daemon) => UntilAsync(() => daemon.Callbacks == 0 && daemon.CountOf(Deregister) > 0);

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (int i = 0; !isSo(); i++)
        {
            Assert.True(i < 1000, "it never comes to that");
            await Task.Delay(10, Token);
        }
    }
}
