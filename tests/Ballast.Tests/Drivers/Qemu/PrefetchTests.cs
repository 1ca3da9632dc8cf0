using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>
/// Where the guest's statistics are asked for again and again, the next question is sent ahead but for its last byte. Alone,
/// because nothing is sent ahead while others wait for answers.
/// </summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PrefetchTests
{
    private const string Name = nameof(PrefetchTests);

    private const string Question =
        """{"execute":"qom-get","arguments":{"path":"/machine/peripheral/balloon0","property":"guest-stats"}}""";

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_answer_is_of_the_time_after_the_caller_asked()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await BegunAsync(fake);
        int commands = fake.Commands.Count, chunks = fake.Chunks;
        fake.Guest.Report(77, 123 << 20);

        MemoryStat[] stats = await session.StatsAsync();

        Assert.Contains(new MemoryStat(MemoryStatTag.LastUpdate, 77), stats);
        Assert.Contains(new MemoryStat(MemoryStatTag.Unused, 123 << 10), stats);
        Assert.Equal([Question, """{"execute":"query-balloon"}"""], fake.Commands.Skip(commands).Select(command => command.Text));

        // The rest in one write, and the next one is begun.
        await Waiting.UntilAsync("the next one", () => fake.Chunks == chunks + 2);
    }

    [Fact]
    public async Task Who_asks_for_other_things_too_is_answered_all_of_them()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await BegunAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(2048ul << 10, sample.ActualKiB);
        Assert.Equal(TimeSpan.FromSeconds(5), sample.Period);
    }

    [Fact]
    public async Task What_else_is_asked_ends_it_and_nobody_gets_its_answer()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await BegunAsync(fake);
        int commands = fake.Commands.Count;
        ulong last = fake.Guest.LastNumber;

        Assert.Equal(5, await session.Domain.GetPeriodAsync(Token));

        Assert.Equal(
            ["guest-stats", "query-balloon", "guest-stats-polling-interval"], fake.Commands.Skip(commands).Select(command => command.Key));
        Assert.Equal([last + 4, last + 3, 1], (await session.StatsAsync()).Select(stat => stat.Value));
        Assert.Equal((ulong)fake.Commands.Count, (ulong)session.Monitor.CommandsSent + Handshake);
    }

    [Fact]
    public async Task A_change_ends_it_too()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await BegunAsync(fake);
        fake.On("guest-stats", FakeQmp.Error("GenericError", "nobody is told"));
        int commands = fake.Commands.Count;

        await session.SetPeriodAsync(7);

        Assert.Equal(["guest-stats", "set guest-stats-polling-interval"], fake.Commands.Skip(commands).Select(command => command.Key));
        Assert.Equal(7, fake.Guest.Interval);
    }

    [Fact]
    public async Task A_refused_change_is_told_the_refusal_of_the_change()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await BegunAsync(fake);
        fake.On("set guest-stats-polling-interval", FakeQmp.Error("GenericError", "no"));

        await session.SetPeriodAsync(7).FailsAsync(ErrorCode.OperationInvalid);

        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Who_asks_for_this_and_that_in_turns_has_nothing_begun()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        int chunks = fake.Chunks;

        for (int i = 0; i < 4; i++)
        {
            _ = await session.StatsAsync();
            _ = await session.Domain.GetPeriodAsync(Token);
        }

        await session.SettleAsync(fake);
        Assert.Equal(chunks + 8, fake.Chunks);
        Assert.Equal(4, fake.CountOf("guest-stats"));
    }

    [Fact]
    public async Task A_reply_that_nobody_asked_for_is_not_taken_for_its_answer()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await BegunAsync(fake);
        await fake.SendAsync("""{"return": {"stats": {"stat-free-memory": 4096}, "last-update": 9}}""");
        await session.SettleAsync(fake);
        int commands = fake.Commands.Count;
        ulong last = fake.Guest.LastNumber;

        // The begun one is ended, and its answer comes before the mark.
        Assert.Equal([last + 3, last + 2, 1], (await session.StatsAsync()).Select(stat => stat.Value));

        Assert.Equal(
            ["guest-stats", "query-status", "guest-stats", "query-balloon"], fake.Commands.Skip(commands).Select(command => command.Key));
    }

    [Fact]
    public async Task A_monitor_that_falls_silent_is_found_to_be_and_comes_back()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await BegunAsync(fake, TimeSpan.FromSeconds(2));
        int before = fake.CountOf("guest-stats");
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats", before + 1);
        _time.Advance(TimeSpan.FromSeconds(2));
        await call.FailsAsync(ErrorCode.OperationTimeout);
        await session.StatsAsync().FailsAsync(ErrorCode.OperationTimeout);
        release.SetResult();
        await Waiting.UntilAsync("mark", () => !session.Monitor.IsBusy);
        ulong last = fake.Guest.LastNumber;

        Assert.Equal([last + 2, last + 1, 1], (await session.StatsAsync()).Select(stat => stat.Value));
    }

    [Fact]
    public async Task A_caller_that_stalls_with_its_last_byte_is_overtaken_by_nothing()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await BegunAsync(fake, TimeSpan.FromSeconds(2));

        await StallAsync(session).FailsAsync(ErrorCode.OperationTimeout);

        await Waiting.UntilAsync("mark", () => !session.Monitor.IsBusy);
        Assert.Equal(3, (await session.StatsAsync()).Length);
    }

    private Task<MemoryStat[]> StallAsync(FakeSession session)
    {
        lock (session.Monitor.SendGate)
        {
            Task<MemoryStat[]> call = Task.Run(() => session.StatsAsync(), Token);
            Assert.True(SpinWait.SpinUntil(() => session.Monitor.IsBusy, TimeSpan.FromSeconds(10)));

            // The mark is sent from here, where the lock is held.
            _time.Advance(TimeSpan.FromSeconds(2));
            return call;
        }
    }

    [Fact]
    public async Task A_lost_connection_takes_it_along()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await BegunAsync(fake);
        await session.LoseAsync(fake);

        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(5, await session.Domain.GetPeriodAsync(Token));
    }

    [Fact]
    public async Task A_balloon_that_is_unplugged_and_plugged_elsewhere_is_asked_where_it_is()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await BegunAsync(fake);
        await fake.SendAsync(FakeQmp.Event("DEVICE_DELETED", """{"path": "/machine/peripheral/balloon0"}"""));
        fake.Guest.Balloon = $"{FakeGuest.Anonymous}/device[3]";
        fake.Guest.Report(88, 5 << 20);
        await session.SettleAsync(fake);

        Assert.Contains(new MemoryStat(MemoryStatTag.LastUpdate, 88), await session.StatsAsync());
    }

    [Fact]
    public async Task Nothing_is_begun_while_others_wait_and_then_it_is()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time);
        FakeQmp[] silent = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => FakeQmp.Start())];
        FakeSession[] others = await Task.WhenAll(silent.Select(other => FakeSession.AtAsync(other, _time)));
        TaskCompletionSource[] releases = [.. silent.Select(other => other.Hold("guest-stats"))];
        Task[] waiting = [.. others.Select(other => other.StatsAsync())];
        foreach (FakeQmp other in silent)
            await other.ReceivedAsync("guest-stats");
        int chunks = fake.Chunks;
        for (int i = 0; i < 3; i++)
            _ = await session.StatsAsync();
        await session.SettleAsync(fake);
        Assert.Equal(chunks + 3, fake.Chunks);

        foreach (TaskCompletionSource release in releases)
            release.SetResult();
        await Task.WhenAll(waiting).In();

        await Waiting.UntilAsync("a question begun", () => fake.Chunks == chunks + 4);
        Assert.Equal(2, (await session.StatsAsync()).Length);
        foreach (FakeSession other in others)
            await other.DisposeAsync();
        foreach (FakeQmp other in silent)
            await other.DisposeAsync();
    }

    private const ulong Handshake = 7;

    private async Task<FakeSession> BegunAsync(FakeQmp fake, TimeSpan? timeout = null)
    {
        FakeSession session = await FakeSession.AtAsync(fake, _time, timeout);
        int chunks = fake.Chunks;
        _ = await session.StatsAsync();
        _ = await session.StatsAsync();
        await Waiting.UntilAsync("a question begun", () => fake.Chunks == chunks + 3);
        return session;
    }
}
