using Ballast.Tests.Drivers.Qemu;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>Whatever is to be closed is closed in the end, however few threads there are for it.</summary>
public sealed class LateClosingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Without_room_for_a_thread_it_is_closed_at_once()
    {
        LateClosing late = new(mostThreads: 2, static _ => false);
        int closed = 0;

        late.Add(() => closed++);
        late.Add(() => closed++);

        Assert.Equal(2, closed);
        Assert.Equal(0, late.Count);
    }

    [Fact]
    public void Where_one_is_at_work_it_closes_what_came_meanwhile()
    {
        List<Action> started = [];
        LateClosing late = new(mostThreads: 2, run =>
        {
            started.Add(run);
            return started.Count == 1;
        });
        List<int> closed = [];
        late.Add(() => closed.Add(1));

        late.Add(() => closed.Add(2));

        Assert.Empty(closed);
        Assert.Equal(2, late.Count);
        started[0]();
        Assert.Equal([1, 2], closed);
        Assert.Equal(0, late.Count);

        // The first has gone, so it is not waited for.
        late.Add(() => closed.Add(3));
        Assert.Equal([1, 2, 3], closed);
    }

    [Fact]
    public void There_are_no_more_threads_than_may_stand_still()
    {
        List<Action> started = [];
        LateClosing late = new(mostThreads: 2, run =>
        {
            started.Add(run);
            return true;
        });
        int closed = 0;
        for (int i = 0; i < 5; i++)
            late.Add(() => closed++);

        Assert.Equal(2, started.Count);
        started.ForEach(static run => run());
        Assert.Equal(5, closed);
        late.Add(() => closed++);
        Assert.Equal(3, started.Count);
    }

    [Fact]
    public async Task Nothing_is_forgotten_while_threads_come_and_go()
    {
        const int callers = 4, each = 20_000;
        LateClosing late = new(mostThreads: 1, static run =>
        {
            _ = Task.Run(run, Token);
            return true;
        });
        int closed = 0;

        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < each; i++)
                late.Add(() => Interlocked.Increment(ref closed));
        }, Token))).In();
        while (late.Count > 0)
            await Task.Delay(1, Token);

        Assert.Equal(callers * each, closed);
    }

    [Fact]
    public void One_that_fails_keeps_no_other_open()
    {
        Action? started = null;
        LateClosing late = new(mostThreads: 1, run =>
        {
            started = run;
            return true;
        });
        bool isClosed = false;
        late.Add(static () => throw new IOException("a test's"));
        late.Add(() => isClosed = true);

        started!();

        Assert.True(isClosed);
        Assert.Equal(0, late.Count);
    }
}
