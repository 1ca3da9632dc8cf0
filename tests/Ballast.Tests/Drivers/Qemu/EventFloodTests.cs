using Ballast.Drivers;
using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A QEMU that tells the same again and again, and subscribers that take their time.</summary>
public sealed class EventFloodTests
{
    private const int Many = 3000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_subscriber_that_takes_its_time_keeps_no_monitor_waiting()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        using SlowSink sink = new();
        await using IAsyncDisposable registration = await session.Connection.Driver.SubscribeAsync(DomainEventKinds.All, null, sink, Token);
        try
        {
            await fake.SendAsync(FakeQmp.Event("RESET"));
            await sink.Entered.Task.In();
            Assert.Equal(2, (await Task.Run(() => session.StatsAsync(), Token).In()).Length);
        }
        finally
        {
            sink.Release();
        }
    }

    [Fact]
    public async Task A_guests_flood_costs_no_other_guests_events()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp loud = FakeQmp.Start(path: directory.File("loud")), quiet = FakeQmp.Start(path: directory.File("quiet"));
        (loud.Guest.Name, loud.Guest.Uuid, quiet.Guest.Name, quiet.Guest.Uuid) = ("loud", $"{Guid.NewGuid()}", "quiet", $"{Guid.NewGuid()}");
        await using Connection connection = await Connection.OpenAsync($"qmp://{Path.GetDirectoryName(loud.Path)}", cancellationToken: Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);

        await SendManyAsync(loud, FakeQmp.Event("RESET"), Many);
        await loud.SendAsync(FakeQmp.Event("STOP"));
        await quiet.SendAsync(FakeQmp.Event("STOP"));

        List<DomainEvent> got = await TakeUntilAsync(events, static got => got.OfType<DomainLifecycleEvent>().Count() == 2);
        Assert.DoesNotContain(got, happened => happened is EventsMissed);
        Assert.Equal(2, got.OfType<DomainLifecycleEvent>().Select(happened => happened.Domain.Uuid).Distinct().Count());
        Assert.InRange(got.OfType<DomainRebootEvent>().Count(), 50, Many / 4);
    }

    [Fact]
    public async Task What_is_merged_comes_in_order_and_ends_with_what_is_so()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);

        await SendManyAsync(fake, $"{FakeQmp.Event("SUSPEND")}\r\n{FakeQmp.Event("WAKEUP")}", Many / 2);
        for (ulong kib = 1; kib <= 100; kib++)
            await fake.SendAsync(FakeQmp.Event("BALLOON_CHANGE", $$"""{"actual": {{kib * 1024}}}"""));
        await fake.SendAsync(FakeQmp.Event("STOP"));

        List<DomainEvent> got = await TakeUntilAsync(events, static got => got is [.., DomainLifecycleEvent { Change: DomainLifecycleChange.Suspended }]);
        Assert.DoesNotContain(got, happened => happened is EventsMissed);
        Assert.InRange(got.Count, 50, Many / 4);
        List<string> states = [.. got.OfType<DomainLifecycleEvent>().Select(HeardEvents.Text)];
        Assert.Equal("PMSuspended Memory", states[0]);
        Assert.Equal(["Started Event wakeup", "Suspended Paused"], states[^2..]);
        Assert.Equal(Enumerable.Range(0, 50).SelectMany(static _ => (string[])["PMSuspended Memory", "Started Event wakeup"]), states[..100]);
        List<ulong> sizes = [.. got.OfType<BalloonChangeEvent>().Select(balloon => balloon.ActualKiB)];
        Assert.Equal(sizes.Order(), sizes);
        Assert.Equal(100ul, sizes[^1]);
    }

    [Fact]
    public async Task What_is_held_back_is_told_before_the_end()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        DomainEventSubscription events = await session.Connection.SubscribeAsync(new DomainEventFilter { Kinds = DomainEventKinds.Lifecycle }, Token);
        await SendManyAsync(fake, $"{FakeQmp.Event("SUSPEND")}\r\n{FakeQmp.Event("WAKEUP")}", Many / 2);
        await fake.SendAsync(FakeQmp.Event("STOP"));
        await session.SettleAsync(fake);
        await events.DisposeAsync();

        List<string> got = await HeardEvents.TakeAsync(events, int.MaxValue, Token);
        Assert.Equal("Suspended Paused", got[^1]);
    }

    private static Task SendManyAsync(FakeQmp fake, string text, int count) => Task.Run(async () =>
    {
        // Below what a monitor may send in a second.
        const int portion = 50;
        string some = string.Concat(Enumerable.Repeat(text + "\r\n", portion));
        for (int sent = 0; sent < count; sent += portion)
        {
            await fake.SendRawAsync(some);
            await Task.Delay(10);
        }
    });

    private static async Task<List<DomainEvent>> TakeUntilAsync(DomainEventSubscription events, Predicate<List<DomainEvent>> isEnough)
    {
        List<DomainEvent> got = [];
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Deadline.Default);
        await foreach (DomainEvent happened in events.WithCancellation(limit.Token))
        {
            got.Add(happened);
            if (isEnough(got))
                break;
        }

        return got;
    }

    private sealed class SlowSink : IDriverEventSink, IDisposable
    {
        private readonly ManualResetEventSlim _released = new();

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(in DriverEvent happened)
        {
            Entered.TrySetResult();
            _released.Wait(TimeSpan.FromSeconds(30), CancellationToken.None);
        }

        public void Interrupt()
        {
        }

        public void End(Exception? error)
        {
        }

        public void Release() => _released.Set();

        public void Dispose() => _released.Dispose();
    }
}
