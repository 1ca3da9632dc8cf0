using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A change that gets no answer says whether it may still take effect; one that nobody waits for is never sent.</summary>
public sealed class SilentWriteTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);
    private const string SetPeriod = "set guest-stats-polling-interval";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    [Fact]
    public async Task A_write_that_was_sent_says_that_it_may_still_take_effect()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = fake.Hold(SetPeriod);

        Task call = session.SetPeriodAsync(7);
        await fake.ReceivedAsync(SetPeriod);
        _time.Advance(Timeout);

        LibvirtException error = await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("did not answer qom-set within 2 s; it may still take effect", error.Message, StringComparison.Ordinal);
        release.SetResult();
        await Waiting.UntilAsync("answer", () => !session.Monitor.IsBusy);
        Assert.Equal(TimeSpan.FromSeconds(7), (await session.SampleAsync()).Period);
    }

    [Fact]
    public async Task A_balloon_command_that_was_sent_says_that_it_may_still_take_effect()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        fake.Hold("balloon");

        Task call = session.SetMemoryAsync(1024 * 1024);
        await fake.ReceivedAsync("balloon");
        _time.Advance(Timeout);

        LibvirtException error = await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("did not answer balloon within 2 s; it may still take effect", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_behind_a_silent_monitor_is_not_sent_and_says_so()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> query = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        _time.Advance(TimeSpan.FromSeconds(1));
        Task period = session.SetPeriodAsync(7);
        _time.Advance(TimeSpan.FromSeconds(1));
        await query.FailsAsync(ErrorCode.OperationTimeout);
        Assert.False(period.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        LibvirtException error = await period.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("qom-set was not sent", error.Message, StringComparison.Ordinal);
        LibvirtException atOnce = await session.SetPeriodAsync(8).FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("it was not asked again", atOnce.Message, StringComparison.Ordinal);

        release.SetResult();
        await Waiting.UntilAsync("answer", () => !session.Monitor.IsBusy);
        _ = await session.StatsAsync();
        Assert.Equal(0, fake.CountOf(SetPeriod));
    }

    [Fact]
    public async Task A_new_size_that_waits_behind_a_silent_monitor_says_that_it_was_not_sent()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        fake.Hold("query-memory-size-summary");
        Task call = session.SetMemoryAsync(1024 * 1024);
        await fake.ReceivedAsync("query-memory-size-summary");
        _time.Advance(Timeout);

        LibvirtException error = await call.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("balloon was not sent", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, fake.CountOf("balloon"));
    }

    [Fact]
    public async Task A_write_whose_caller_cancelled_while_it_waited_is_never_sent()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> query = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        using CancellationTokenSource cancel = new();
        Task period = session.SetPeriodUnlessAsync(7, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => period.In());

        release.SetResult();
        _ = await query.In();
        _ = await session.StatsAsync();
        Assert.Equal(0, fake.CountOf(SetPeriod));
    }

    [Fact]
    public async Task A_write_of_a_caller_that_had_cancelled_already_is_never_sent()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        long sent = session.Monitor.CommandsSent;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.SetPeriodUnlessAsync(7, new(canceled: true)).In());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.SetMemoryUnlessAsync(7, new(canceled: true)).In());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.StatsUnlessAsync(new(canceled: true)).In());

        Assert.Equal(sent, session.Monitor.CommandsSent);
    }

    [Fact]
    public async Task The_answer_to_a_cancelled_write_is_not_taken_for_that_of_the_next()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = fake.Hold(SetPeriod);
        using CancellationTokenSource cancel = new();
        Task first = session.SetPeriodUnlessAsync(7, cancel.Token);
        await fake.ReceivedAsync(SetPeriod);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.In());
        fake.On(SetPeriod, FakeQmp.Error("GenericError", "timer value is too big"));
        Task second = session.SetPeriodAsync(8);

        release.SetResult();

        await second.FailsAsync(ErrorCode.OperationInvalid);
        Assert.Equal(1, fake.Clients);
    }

    // Or those of one kind, coming again and again, would keep the others waiting for ever.
    [Theory]
    [InlineData(SetPeriod, "set,query,set,query,set,set")]
    [InlineData("guest-stats", "query,set,query,set,query,set")]
    public async Task Writers_and_readers_that_wait_take_turns(string held, string order)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold(held);
        Task first = held == SetPeriod ? session.SetPeriodAsync(1) : session.StatsAsync();
        await fake.ReceivedAsync(held);
        Task[] writes = [session.SetPeriodAsync(2), session.SetPeriodAsync(3), session.SetPeriodAsync(4)];
        Task read = session.StatsAsync();
        TaskCompletionSource second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int before = fake.Commands.Count;
        fake.On("query-balloon", async command =>
        {
            if (command.Index > before)
                await second.Task;
            return fake.Guest.Answer(command);
        });
        release.SetResult();
        await fake.ReceivedAsync("query-balloon", held == SetPeriod ? 2 : 3);
        Task another = session.StatsAsync();
        second.SetResult();
        await Task.WhenAll([first, read, another, .. writes]).In();

        string[] turns =
            [.. fake.Commands.Where(command => command.Key is SetPeriod or "guest-stats").Select(command => command.Key == SetPeriod ? "set" : "query")];
        Assert.Equal(order, string.Join(',', turns));
    }
}
