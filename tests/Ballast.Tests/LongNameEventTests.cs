using Ballast.Drivers;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests;

/// <summary>A daemon that calls its domains by megabytes does not fill the program that subscribed.</summary>
public sealed class LongNameEventTests
{
    private const int Megabyte = 1_000_000;

    [Fact]
    public async Task Events_beyond_some_mebibytes_are_counted_and_not_kept()
    {
        DomainEventSubscription events = new(null!, new DomainEventFilter { Capacity = int.MaxValue });
        IDriverEventSink sink = events;
        DomainIdentity domain = new(new string('x', Megabyte), Guid.NewGuid(), 1);
        for (int i = 0; i < 100; i++)
            sink.Add(DriverEvent.Reboot(domain));

        await using IAsyncEnumerator<DomainEvent> read = events.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        int kept = 0;
        while (await read.MoveNextAsync().AsTask().In() && read.Current is DomainRebootEvent)
            kept++;

        Assert.InRange(kept, 1, (int)(DomainEventSubscription.MostBytes / Megabyte / sizeof(char)));
        Assert.Equal(100 - kept, Assert.IsType<EventsMissed>(read.Current).Count);

        // There is room again.
        sink.Add(DriverEvent.Reboot(domain));
        Assert.True(await read.MoveNextAsync().AsTask().In());
        _ = Assert.IsType<DomainRebootEvent>(read.Current);
    }
}
