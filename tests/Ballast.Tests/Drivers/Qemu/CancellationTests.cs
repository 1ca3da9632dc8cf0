using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Who cancels harms nobody else, and nobody gets the answer that it left behind.</summary>
public sealed class CancellationTests
{
    [Fact]
    public async Task Who_cancels_a_shared_query_does_not_take_it_from_the_others()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> first = session.StatsAsync();
        using CancellationTokenSource cancel = new();
        Task<MemoryStat[]> second = session.StatsUnlessAsync(cancel.Token);
        Task<MemoryStat[]> third = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");

        await cancel.CancelAsync();
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.In());
        Assert.Equal(cancel.Token, error.CancellationToken);
        release.SetResult();

        Assert.Equal([3ul, 2, 1], (await first.In()).Select(stat => stat.Value));
        Assert.Equal([5ul, 4, 1], (await third.In()).Select(stat => stat.Value));
        Assert.Equal(1, fake.Clients);
        Assert.Equal(1, fake.CountOf("query-status"));
    }

    [Fact]
    public async Task After_a_query_that_nobody_waits_for_any_more_a_marked_question_comes_before_the_next_is_believed()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("guest-stats");
        using CancellationTokenSource cancel = new();
        Task<MemoryStat[]> first = session.StatsUnlessAsync(cancel.Token);
        await fake.ReceivedAsync("guest-stats");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.In());
        Task<MemoryStat[]> second = session.StatsAsync();

        release.SetResult();

        Assert.Equal([5ul, 4, 1], (await second.In()).Select(stat => stat.Value));
        IReadOnlyList<FakeCommand> commands = fake.Commands;
        Assert.Equal(["query-status", "guest-stats", "query-balloon"], commands.TakeLast(3).Select(command => command.Key));
        Assert.NotNull(commands[^3].Id);
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task Who_cancels_while_waiting_to_be_asked_for_is_not_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> first = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        using CancellationTokenSource cancel = new();
        Task<MemoryStat[]> second = session.StatsUnlessAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.In());

        release.SetResult();
        await first.In();
        await session.SettleAsync(fake);

        Assert.Equal(1, fake.CountOf("guest-stats"));
    }

    [Fact]
    public async Task Cancelling_the_only_opener_closes_the_socket_before_it_is_told()
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        using CancellationTokenSource cancel = new();
        Task<Connection> opening = FakeSession.ConnectUnlessAsync(fake, null, null, cancel.Token);
        await fake.ConnectedAsync();

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        fake.GreetingText = FakeQmp.Greeting;

        await using FakeSession session = await FakeSession.AtAsync(fake);
        Assert.Equal(2, fake.Clients);
    }

    [Fact]
    public async Task Cancelling_one_opener_leaves_the_attempt_to_the_other()
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        using CancellationTokenSource cancel = new();
        TimeSpan patience = TimeSpan.FromSeconds(11);
        WaitingTime time = new(patience);
        Task<Connection> first = FakeSession.ConnectUnlessAsync(fake, time, null, cancel.Token);
        Task<Connection> second = FakeSession.ConnectAsync(fake, time, patience);
        await fake.ConnectedAsync();
        await time.Waits.In();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        await fake.SendAsync(FakeQmp.Greeting);

        await using Connection connection = await second;
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task Cancelling_again_and_again_leaks_no_error_that_nobody_saw()
    {
        List<Exception> unobserved = [];
        await using FakeQmp fake = FakeQmp.Start();
        void Note(object? sender, UnobservedTaskExceptionEventArgs e)
        {
            // Other tests run beside this one.
            if (e.Exception.ToString().Contains(fake.Path, StringComparison.Ordinal))
                unobserved.Add(e.Exception);
        }

        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            await CancelEverythingAsync(fake);
            // The last of them may still be on its way to its end.
            for (int i = 0; i < 10; i++)
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Empty(unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Note;
        }
    }

    private static async Task CancelEverythingAsync(FakeQmp fake)
    {
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        fake.Hold("guest-stats");
        fake.Hold("set guest-stats-polling-interval");
        using CancellationTokenSource cancel = new();
        Task[] calls =
        [
            session.SetPeriodUnlessAsync(1, cancel.Token),
            session.SetPeriodUnlessAsync(2, cancel.Token),
            session.StatsUnlessAsync(cancel.Token),
            session.StatsUnlessAsync(cancel.Token),
        ];
        await fake.ReceivedAsync("set guest-stats-polling-interval");
        await cancel.CancelAsync();
        foreach (Task call in calls)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.In());

        await session.LoseAsync(fake);
        fake.GreetingText = null;
        using CancellationTokenSource cancelConnect = new();
        Task<MemoryStat[]> connecting = session.StatsUnlessAsync(cancelConnect.Token);
        await fake.ConnectedAsync(2);
        await cancelConnect.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.In());
        time.Advance(TimeSpan.FromMinutes(1));
        await fake.DisconnectedAsync();
    }

    /// <summary>Tells when somebody begins to wait for a certain time.</summary>
    private sealed class WaitingTime(TimeSpan patience) : FakeTimeProvider
    {
        private readonly TaskCompletionSource _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Waits => _waits.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime == patience)
                _waits.TrySetResult();
            return timer;
        }
    }
}
