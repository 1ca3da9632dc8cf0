using System.Runtime.CompilerServices;
using Ballast.Drivers;
using Ballast.Server;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Rpc;

/// <summary>What is kept of events for those who read them later: so many, and so much.</summary>
public sealed class EventFeedTests
{
    private const int Mebi = 1024 * 1024;

    private static readonly FakeDomain Guest = new("guest", 7);

    [Fact]
    public async Task However_long_the_texts_are_only_some_mebibytes_of_them_are_kept()
    {
        const int events = 64;
        EventFeed feed = await JoinedAsync();
        long place = feed.Now();
        WeakReference[] texts = [.. Enumerable.Range(0, events).Select(_ => AddLong(feed))];

        long now = place;
        Assert.True(feed.TryRead(ref now, out _, out bool isMissing));
        Assert.True(isMissing);

        // The last one is there for all who have read the others.
        now = place + events - 1;
        Assert.True(feed.TryRead(ref now, out DriverEvent last, out isMissing));
        Assert.False(isMissing);
        Assert.Equal(Mebi, last.NamespaceUri!.Length);
        Assert.False(feed.TryRead(ref now, out _, out _));

        GC.Collect();
        Assert.Single(texts, text => text.IsAlive);
        GC.KeepAlive(feed);
    }

    [Fact]
    public async Task Of_ordinary_events_as_many_are_kept_as_ever_and_each_is_read_in_its_place()
    {
        EventFeed feed = await JoinedAsync();
        long first = feed.Now();
        AddLong(feed);
        for (int i = 0; i < EventFeed.Kept; i++)
            ((IDriverEventSink)feed).Add(DriverEvent.BalloonChange(Guest.Identity, (ulong)i));

        long place = first;
        Assert.True(feed.TryRead(ref place, out _, out bool isMissing));
        Assert.True(isMissing);
        for (int i = 0; i < EventFeed.Kept; i++)
        {
            Assert.True(feed.TryRead(ref place, out DriverEvent happened, out isMissing));
            Assert.Equal((false, (ulong)i), (isMissing, happened.ActualKiB));
        }
    }

    [Fact]
    public async Task After_an_interruption_those_miss_something_who_stood_before_it_and_no_others()
    {
        EventFeed feed = await JoinedAsync();
        IDriverEventSink sink = feed;
        sink.Add(DriverEvent.BalloonChange(Guest.Identity, 1));
        long hasRead = feed.Now();
        sink.Interrupt();
        long joined = feed.Now();
        sink.Add(DriverEvent.BalloonChange(Guest.Identity, 2));

        Assert.True(feed.TryRead(ref hasRead, out _, out bool isMissing));
        Assert.True(isMissing);
        Assert.True(feed.TryRead(ref joined, out DriverEvent happened, out isMissing));
        Assert.Equal((false, 2ul), (isMissing, happened.ActualKiB));
    }

    private static async Task<EventFeed> JoinedAsync()
    {
        EventFeed feed = new(new Connection(new FakeDriver(Guest), "fake:///", new ConnectionOptions()), new ServerEvents(TimeProvider.System));
        await feed.JoinAsync(TestContext.Current.CancellationToken);
        return feed;
    }

    // Apart, so that nothing here keeps the text.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AddLong(EventFeed feed)
    {
        string text = new('a', Mebi);
        ((IDriverEventSink)feed).Add(DriverEvent.MetadataChange(Guest.Identity, DomainMetadataType.Element, text));
        return new WeakReference(text);
    }
}
