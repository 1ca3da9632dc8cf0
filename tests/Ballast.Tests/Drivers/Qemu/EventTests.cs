using Ballast.Guests;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What QEMU says of its guest, in libvirt's terms.</summary>
public sealed class EventTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string[], string[]> Translations { get; } = new()
    {
        { ["STOP"], ["Suspended Paused"] },
        { ["STOP", "RESUME"], ["Suspended Paused", "Resumed Unpaused"] },
        { ["RESET"], ["reboot"] },
        { ["SHUTDOWN {\"guest\": true, \"reason\": \"guest-shutdown\"}"], ["Shutdown Finished after guest request"] },
        { ["SHUTDOWN {\"guest\": false, \"reason\": \"host-qmp-quit\"}", "STOP"], ["Shutdown Finished after host request"] },
        { ["SUSPEND", "STOP"], ["PMSuspended Memory"] },
        { ["SUSPEND_DISK"], ["PMSuspended Disk"] },
        { ["SUSPEND", "WAKEUP"], ["PMSuspended Memory", "Started Event wakeup"] },
        { ["GUEST_PANICKED {\"action\": \"pause\"}", "STOP"], ["Crashed Panicked"] },
        { ["WATCHDOG {\"action\": \"pause\"}", "STOP"], ["Suspended Watchdog"] },
        { ["WATCHDOG {\"action\": \"reset\"}", "STOP"], ["Suspended Paused"] },
        { ["BLOCK_IO_ERROR {\"action\": \"stop\", \"device\": \"d\"}", "STOP", "RESUME", "STOP"], ["Suspended I/O Error", "Resumed Unpaused", "Suspended Paused"] },
        { ["BALLOON_CHANGE {\"actual\": 1048576}"], ["1024 KiB"] },
        { ["BALLOON_CHANGE {\"actual\": 1048577}"], ["1025 KiB"] },
        { ["BALLOON_CHANGE {\"actual\": 18446744073709551615}", "RESET"], ["reboot"] },
        { ["NIC_RX_FILTER_CHANGED {\"path\": \"x\"}", "RESET {}"], ["reboot"] },
    };

    [Theory]
    [MemberData(nameof(Translations))]
    public async Task QEMUs_events_are_libvirts(string[] sent, string[] expected)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);

        foreach (string text in sent)
            await SendAsync(fake, text);
        await SendAsync(fake, "BALLOON_CHANGE {\"actual\": 4711424}");

        List<string> got = await TakeAsync(events, expected.Length + 1);
        Assert.Equal([.. expected, "4601 KiB"], got);
    }

    [Fact]
    public async Task What_happens_right_after_the_registration_is_never_lost()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        for (int i = 0; i < 50; i++)
        {
            await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);
            await SendAsync(fake, "RESET");
            Assert.Equal(["reboot"], await TakeAsync(events, 1));
        }
    }

    [Fact]
    public async Task A_filter_takes_kinds_and_one_domain()
    {
        await using FakeQmp one = FakeQmp.Start(), two = FakeQmp.Start();
        await using FakeSession first = await FakeSession.AtAsync(one);
        await using DomainEventSubscription resets = await first.Connection.SubscribeAsync(
            new DomainEventFilter { Kinds = DomainEventKinds.Reboot }, Token);
        await using DomainEventSubscription own = await first.Connection.SubscribeAsync(
            new DomainEventFilter { Domain = first.Domain }, Token);
        await SendAsync(one, "STOP");
        await SendAsync(one, "RESET");
        Assert.Equal(["reboot"], await TakeAsync(resets, 1));
        Assert.Equal(["Suspended Paused", "reboot"], await TakeAsync(own, 2));

        await using FakeSession second = await FakeSession.AtAsync(two);
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await second.Connection.SubscribeAsync(new DomainEventFilter { Domain = first.Domain }, Token));
    }

    [Fact]
    public async Task What_does_not_fit_is_counted_where_it_is_missing()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(
            new DomainEventFilter { Kinds = DomainEventKinds.BalloonChange, Capacity = 3 }, Token);
        await using DomainEventSubscription later = await session.Connection.SubscribeAsync(
            new DomainEventFilter { Kinds = DomainEventKinds.BalloonChange }, Token);
        for (int i = 1; i <= 8; i++)
            await SendAsync(fake, $"BALLOON_CHANGE {{\"actual\": {i * 1024}}}");

        // Each is told to the earlier subscription first.
        _ = await TakeAsync(later, 8);

        Assert.Equal(["1 KiB", "2 KiB", "3 KiB", "5 missed"], await TakeAsync(events, 4));
        await SendAsync(fake, "BALLOON_CHANGE {\"actual\": 9216}");
        Assert.Equal(["9 KiB"], await TakeAsync(events, 1));
    }

    [Fact]
    public async Task What_changed_while_the_monitor_was_away_is_made_up_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);
        fake.Guest.Status = "paused";
        fake.Guest.ActualBytes = 77 * 1024;
        await FakeSession.OffendAsync(fake);
        Assert.Equal(["Suspended Paused", "77 KiB"], await TakeAsync(events, 2));

        await SendAsync(fake, "RESUME");
        Assert.Equal(["Resumed Unpaused"], await TakeAsync(events, 1));
    }

    [Fact]
    public async Task It_ends_with_the_subscription_and_with_the_connection()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeSession session = await FakeSession.AtAsync(fake);
        DomainEventSubscription mine = await session.Connection.SubscribeAsync(cancellationToken: Token);
        DomainEventSubscription other = await session.Connection.SubscribeAsync(cancellationToken: Token);
        Task<List<string>> reading = TakeAsync(mine, int.MaxValue), otherReading = TakeAsync(other, int.MaxValue);

        await SendAsync(fake, "RESET");
        await session.SettleAsync(fake);
        await mine.DisposeAsync();
        await mine.DisposeAsync();
        Assert.Contains("reboot", await reading);
        Assert.False(otherReading.IsCompleted);

        await session.DisposeAsync();
        Assert.Contains("reboot", await otherReading.In());
        await other.DisposeAsync();
    }

    [Fact]
    public async Task Reading_can_be_cancelled_and_goes_on_where_it_was()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using DomainEventSubscription events = await session.Connection.SubscribeAsync(cancellationToken: Token);
        using CancellationTokenSource cancel = new();
        IAsyncEnumerator<DomainEvent> reader = events.GetAsyncEnumerator(cancel.Token);
        ValueTask<bool> next = reader.MoveNextAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.In());

        await SendAsync(fake, "RESET");
        Assert.Equal(["reboot"], await TakeAsync(events, 1));
    }

    [Fact]
    public async Task The_monitors_of_a_directory_are_listened_to()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync($"qmp://{Path.GetDirectoryName(fake.Path)}", cancellationToken: Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);
        await SendAsync(fake, "RESET");
        Assert.Equal(["reboot"], await TakeAsync(events, 1));
    }

    [Fact]
    public async Task One_that_was_replaced_ends_before_the_new_one_begins()
    {
        // Nobody looks before the loss, and whoever looks then sees both.
        FakeTimeProvider time = new();
        using PrivateDirectory directory = new();
        await using FakeQmp old = FakeQmp.Start(path: directory.File("old"));
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", new ConnectionOptions { TimeProvider = time }, Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);
        await using FakeQmp replacement = FakeQmp.Start(path: directory.File("new"));
        old.StopListening();
        old.Disconnect();

        List<string> got = await TakeAsync(events, 2);
        Assert.StartsWith("Stopped", got[0], StringComparison.Ordinal);
        Assert.StartsWith("Started", got[1], StringComparison.Ordinal);
    }

    private static Task SendAsync(FakeQmp fake, string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return fake.SendAsync(space < 0 ? FakeQmp.Event(text) : FakeQmp.Event(text[..space], text[(space + 1)..]));
    }

    private static Task<List<string>> TakeAsync(DomainEventSubscription events, int count) => HeardEvents.TakeAsync(events, count, Token);
}
