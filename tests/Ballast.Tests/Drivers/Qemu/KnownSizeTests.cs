using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>The balloon's size is not asked for where QEMU would have told of a change.</summary>
public sealed class KnownSizeTests
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_size_just_told_is_not_asked_for_again_within_the_second()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);

        Assert.Equal(["guest-stats", "query-balloon"], await AskedAsync(fake, session));
        Assert.Equal(["guest-stats"], await AskedAsync(fake, session));
        time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(["guest-stats"], await AskedAsync(fake, session));

        // Memory was plugged in, of which there is no event.
        fake.Guest.ActualBytes += 1 << 30;
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(["guest-stats", "query-balloon"], await AskedAsync(fake, session));
        Assert.Equal(["guest-stats"], await AskedAsync(fake, session));
    }

    [Fact]
    public async Task Soon_after_the_connection_was_made_it_is_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);

        for (TimeSpan passed = TimeSpan.Zero; passed < Quiet; passed += TimeSpan.FromSeconds(0.5))
        {
            Assert.Equal(["guest-stats", "query-balloon"], await AskedAsync(fake, session));
            time.Advance(TimeSpan.FromSeconds(0.5));
        }
    }

    [Fact]
    public async Task Soon_after_an_event_it_is_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);
        _ = await AskedAsync(fake, session);
        await session.SettleAsync(fake);

        // What comes within a second of an event has none of its own yet.
        fake.Guest.ActualBytes = 77 << 20;
        time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal(["guest-stats", "query-balloon"], await AskedAsync(fake, session));
        time.Advance(Quiet - TimeSpan.FromSeconds(0.5));
        Assert.Equal(["guest-stats", "query-balloon"], await AskedAsync(fake, session));
        Assert.Equal(["guest-stats"], await AskedAsync(fake, session));
    }

    [Fact]
    public async Task An_event_before_the_answer_makes_it_ask_after_all()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);
        _ = await AskedAsync(fake, session);
        int commands = fake.Commands.Count;
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats", 2);
        await session.SettleAsync(fake);
        fake.Guest.ActualBytes = 99 << 20;
        release.SetResult();

        Assert.Contains(new MemoryStat(MemoryStatTag.ActualBalloon, 99 << 10), await call);
        Assert.Equal(["guest-stats", "query-balloon"], fake.Commands.Skip(commands).Select(command => command.Key));
    }

    [Fact]
    public async Task A_caller_that_went_meanwhile_is_not_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);
        _ = await AskedAsync(fake, session);
        TaskCompletionSource release = fake.Hold("guest-stats");
        using CancellationTokenSource cancellation = new();
        Task<MemoryStat[]> call = session.StatsUnlessAsync(cancellation.Token);
        await fake.ReceivedAsync("guest-stats", 2);
        await session.SettleAsync(fake);
        await cancellation.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        int commands = fake.Commands.Count;
        release.SetResult();

        fake.Guest.ActualBytes = 33 << 20;
        Assert.Contains(new MemoryStat(MemoryStatTag.ActualBalloon, 33 << 10), await session.StatsAsync());
        Assert.Equal(["query-status", "guest-stats", "query-balloon"], fake.Commands.Skip(commands).Select(command => command.Key));
    }

    [Fact]
    public async Task Where_the_statistics_are_refused_the_size_is_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);
        _ = await AskedAsync(fake, session);
        fake.On("guest-stats", FakeQmp.Error("GenericError", "guest hasn't updated any stats yet"));
        fake.On("query-balloon", FakeQmp.Error("GenericError", "not now"));

        Assert.DoesNotContain(await session.StatsAsync(), stat => stat.Tag == MemoryStatTag.ActualBalloon);
    }

    [Fact]
    public async Task A_size_that_was_refused_is_not_known()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);
        fake.On("query-balloon", FakeQmp.Error("GenericError", "not now"));

        for (int i = 0; i < 3; i++)
        {
            int commands = fake.Commands.Count;
            Assert.DoesNotContain(await session.StatsAsync(), stat => stat.Tag == MemoryStatTag.ActualBalloon);
            Assert.Equal(["guest-stats", "query-balloon"], fake.Commands.Skip(commands).Select(command => command.Key));
        }
    }

    [Fact]
    public async Task Where_no_statistics_are_asked_the_size_always_is()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        time.Advance(Quiet);
        _ = await AskedAsync(fake, session);
        int asked = fake.CountOf("query-balloon");

        _ = await session.Domain.GetPeriodAsync(Token);

        Assert.Equal(asked + 1, fake.CountOf("query-balloon"));
    }

    /// <summary>What one call asks; it must find the size as it is.</summary>
    private static async Task<IEnumerable<string>> AskedAsync(FakeQmp fake, FakeSession session)
    {
        int commands = fake.Commands.Count;
        Assert.Contains(new MemoryStat(MemoryStatTag.ActualBalloon, fake.Guest.ActualBytes / 1024), await session.StatsAsync());
        return fake.Commands.Skip(commands).Select(command => command.Key);
    }
}
