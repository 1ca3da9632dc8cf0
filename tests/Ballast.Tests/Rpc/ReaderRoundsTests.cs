using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Drivers.Qemu;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>Statistics of all domains, for many readers of one user.</summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class ReaderRoundsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Readers_share_the_next_round_and_get_none_that_began_before_they_asked()
    {
        const int readers = 200;
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        ReaderRounds rounds = new(TimeProvider.System);
        int began = 0;
        async Task<int> JoinAsync(DomainStatsGroups groups)
        {
            int before = Volatile.Read(ref began);
            AllStatsReply reply = await rounds.JoinAsync((connection, groups, DomainStatsFlags.None), () => Task.FromResult(new AllStatsReply
            {
                RetStats = [new StatsRecord { Dom = new() { Name = $"{Interlocked.Increment(ref began)}" }, Params = [] }],
            }), reply => reply.RetStats.Length, Token);
            int mine = int.Parse(reply.RetStats[0].Dom.Name!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(mine > before);
            return mine;
        }

        long start = Environment.TickCount64;
        Assert.Equal(1, await JoinAsync(DomainStatsGroups.Balloon));
        int[] got = await Task.WhenAll(Enumerable.Range(0, readers).Select(_ => JoinAsync(DomainStatsGroups.Balloon)));
        int[] other = await Task.WhenAll(Enumerable.Range(0, readers).Select(i => JoinAsync(i % 2 == 0 ? DomainStatsGroups.State : DomainStatsGroups.Balloon)));
        long took = Environment.TickCount64 - start;

        // One in a tenth of a second, of whatever kind, and the first ones at once.
        Assert.InRange(got.Concat(other).Max(), 3, ReaderPace.AtOnce + 1 + (took / 100));
    }

    [Fact]
    public async Task Who_gives_up_ends_the_round_for_nobody_else()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        ReaderRounds rounds = new(TimeProvider.System);
        TaskCompletionSource<AllStatsReply> answer = new();
        using CancellationTokenSource gone = new();
        Task<AllStatsReply> Join(CancellationToken token) =>
            rounds.JoinAsync((connection, DomainStatsGroups.Balloon, DomainStatsFlags.None), () => answer.Task, reply => reply.RetStats.Length, token);

        _ = Join(Token);
        Task<AllStatsReply> first = Join(gone.Token), second = Join(Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answer.SetResult(new AllStatsReply { RetStats = [] });
        Assert.Empty((await second).RetStats);
    }

    [Fact]
    public void Rounds_that_were_taken_ahead_are_counted_by_how_many_domains_there_are_now()
    {
        FakeTimeProvider clock = new();
        ReaderPace pace = new(clock);
        TimeSpan dear = ReaderPace.Between(1000), cheap = ReaderPace.Between(1);
        for (int i = 0; i < ReaderPace.AtOnce; i++)
            Assert.Equal(TimeSpan.Zero, pace.Take(dear));

        // The others are gone, and what was taken ahead weighs less.
        for (int i = 0; i < ReaderPace.AtOnce; i++)
            pace.Correct(dear, cheap);
        Assert.InRange(pace.Take(cheap), TimeSpan.Zero, 2 * cheap);
        Assert.True(pace.IsAhead);
        clock.Advance(2 * ReaderPace.AtOnce * cheap);
        Assert.False(pace.IsAhead);
    }

    [Fact]
    public async Task A_round_that_nobody_waits_for_any_more_is_kept_no_longer_and_costs_its_user_nothing()
    {
        FakeTimeProvider clock = new();
        ReaderRounds rounds = new(clock);
        int began = 0;
        Task<int> JoinAsync(string kind, CancellationToken token) => rounds.JoinAsync(kind, () => Task.FromResult(++began), _ => 1, token, named: 1000);
        for (int i = 1; i <= ReaderPace.AtOnce; i++)
            Assert.Equal(i, await JoinAsync("now", Token).In());
        Task<int> next = JoinAsync("next", Token);
        for (int i = 0; i < 1000; i++)
        {
            using CancellationTokenSource gone = new();
            Task<int> abandoned = JoinAsync($"{i}", gone.Token);
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);
        }

        clock.Advance(2 * ReaderPace.Between(1000));
        Assert.Equal(ReaderPace.AtOnce + 1, await next.In());
        clock.Advance(10 * ReaderPace.Between(1000));
        Assert.Equal(ReaderPace.AtOnce + 2, await JoinAsync("last", Token).In());
    }

    [Fact]
    public async Task Who_names_a_few_domains_pays_for_all_when_it_asks_for_all()
    {
        FakeTimeProvider clock = new();
        ReaderRounds rounds = new(clock);
        int all = 0;
        Task<int> AskAllAsync(int i) => rounds.JoinAsync($"all {i}", () => Task.FromResult(++all), _ => 1000, Token);
        Task<int> NameAsync(int i) => rounds.JoinAsync($"two {i}", () => Task.FromResult(0), _ => 2, Token, named: 2);
        for (int i = 0; i < 40; i++)
            (_, _) = (AskAllAsync(i), NameAsync(i));
        TimeSpan between = ReaderPace.Between(1000);
        for (int i = 0; i < 20; i++)
        {
            clock.Advance(between / 2);
            await Task.Delay(20, Token);
        }

        // Those at once, and one for each price that has passed.
        Assert.InRange(all, 1, ReaderPace.AtOnce + 11);
    }

    [Fact]
    public async Task Who_comes_again_still_has_its_pace()
    {
        FakeTimeProvider clock = new();
        LibvirtServerOptions options = new() { TimeProvider = clock };
        UserShares users = new();
        int began = 0;
        for (int i = 0; i < 3; i++)
        {
            UserShare share = users.Enter(7u, isReader: true, options);
            for (int round = 0; round < ReaderPace.AtOnce; round++)
                _ = share.Rounds.JoinAsync((i, round), () => Task.FromResult(++began), _ => 50, Token);
            users.Leave(7u, share);
        }

        await Task.Delay(100, Token);
        Assert.Equal(ReaderPace.AtOnce, began);

        // Nobody else pays for it, and later it is forgotten.
        UserShare other = users.Enter(8u, isReader: true, options);
        Assert.Equal(ReaderPace.AtOnce + 1, await other.Rounds.JoinAsync("one", () => Task.FromResult(++began), _ => 50, Token).In());
        UserShare first = users.Enter(7u, isReader: true, options);
        users.Leave(7u, first);
        clock.Advance(TimeSpan.FromMinutes(1));
        users.Leave(8u, other);
        Assert.NotSame(first, users.Enter(7u, isReader: true, options));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(12, 1)]
    [InlineData(12, 50)]
    public async Task However_many_users_ask_without_end_the_QEMUs_are_asked_no_more_often(int users, int domains)
    {
        const int rounds = 8;
        FakeTimeProvider clock = new();
        LibvirtServerOptions options = new() { TimeProvider = clock };
        UserShares all = new();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        int[] began = new int[users];
        Task[] asking = [.. Enumerable.Range(0, users).Select(i => Task.Run(() => AskAsync(i, all.Enter((uint)i, isReader: true, options)), Token))];
        TimeSpan price = ReaderPace.Between(domains), step = price / 5;
        await RunAsync(price * (2 * users * (ReaderPace.AtOnce + 1)));
        int[] before = [.. began];
        await RunAsync(price * users * rounds);
        await end.CancelAsync();
        await Task.WhenAll(asking).In();

        // Nobody is left out, and all together have what one alone would have.
        int[] each = [.. began.Zip(before, (now, then) => now - then)];
        Assert.All(each, count => Assert.InRange(count, rounds / 4, 2 * rounds));
        Assert.InRange(each.Sum(), 1, users * rounds * 3 / 2);

        async Task RunAsync(TimeSpan time)
        {
            for (TimeSpan passed = default; passed < time; passed += step)
            {
                clock.Advance(step);
                await Task.Delay(1, Token);
            }
        }

        async Task AskAsync(int user, UserShare share)
        {
            try
            {
                while (true)
                    _ = await share.Rounds.JoinAsync("all", () => Task.FromResult(Interlocked.Increment(ref began[user])), _ => domains, end.Token);
            }
            catch (OperationCanceledException)
            {
                // The end.
            }
        }
    }

    [Fact]
    public async Task Nobody_waits_for_users_who_have_gone()
    {
        const int domains = 50, others = 9;
        FakeTimeProvider clock = new();
        ReaderCrowd crowd = new();
        ReaderRounds rounds = new(clock, crowd);
        for (int i = 0; i < others; i++)
            crowd.Enter();
        for (int i = 0; i < ReaderPace.AtOnce; i++)
            await AskAsync().In();
        for (int i = 0; i < others; i++)
            crowd.Leave();
        Task<int> next = AskAsync();
        clock.Advance(ReaderCrowd.Longest);
        Assert.Equal(1, await next.In());

        Task<int> AskAsync() => rounds.JoinAsync("all", static () => Task.FromResult(1), static _ => domains, Token);
    }

    [Fact]
    public async Task To_name_domains_is_no_way_around_the_pace_unless_it_is_one()
    {
        FakeTimeProvider clock = new();
        LibvirtServerOptions options = new() { TimeProvider = clock };
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        LibvirtServer server = new([("test:///default", connection)], options);
        UserShare share = new(isReader: true, options);
        RemoteSession session = new(server, isReadOnly: true, share, authenticated: null);
        session.Open("test:///default", 0);
        int began = 0;
        Task<int> AskAsync(string question, params RemoteDomain[] domains) => session.AskManyAsync(
            domains, question, (_, asked, _) => ValueTask.FromResult(Interlocked.Increment(ref began)), static _ => 1, Token);
        static RemoteDomain Named(string name) => new() { Name = name, Uuid = new Guid(name.Length, 0, 0, new byte[8]), Id = 1 };

        for (int i = 1; i <= ReaderPace.AtOnce; i++)
            Assert.Equal(i, await AskAsync("same", Named("a"), Named("bb")).In());
        Task<int> next = AskAsync("same", Named("a"), Named("bb")), same = AskAsync("same", Named("a"), Named("bb")), other = AskAsync("same", Named("a"), Named("ccc"));
        for (int i = 1; i <= 2 * ReaderPace.AtOnce; i++)
            Assert.Equal(ReaderPace.AtOnce + i, await AskAsync("same", [.. Enumerable.Repeat(Named("a"), 1800)]).In());
        Assert.False(next.IsCompleted || other.IsCompleted);
        while (!other.IsCompleted || !next.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(5, Token);
        }

        // Equal questions have one round.
        Assert.Equal(await next, await same);
        Assert.NotEqual(await next, await other);
    }

    [Fact]
    public async Task Rounds_of_many_domains_are_further_apart()
    {
        FakeTimeProvider clock = new();
        ReaderRounds rounds = new(clock);
        int began = 0;
        Task<int> JoinAsync(string kind) => rounds.JoinAsync(kind, () => Task.FromResult(++began), _ => 50, Token);

        // Who asks now and then waits for nothing.
        for (int i = 1; i <= ReaderPace.AtOnce; i++)
            Assert.Equal(i, await JoinAsync("one").In());
        Task<int> next = JoinAsync("one"), other = JoinAsync("other");
        TimeSpan apart = ReaderPace.Between(50);
        Assert.True(apart > ReaderPace.Between(1));
        Assert.InRange(await EndAsync(next), apart, 2 * apart);
        Assert.False(other.IsCompleted);
        Assert.InRange(await EndAsync(other), 2 * apart, 4 * apart);
        Assert.Equal((ReaderPace.AtOnce + 1, ReaderPace.AtOnce + 2), (await next, await other));

        // What was not used for long is there again, and no more than that.
        clock.Advance(100 * apart);
        for (int i = 0; i < ReaderPace.AtOnce; i++)
            _ = await JoinAsync("one").In();
        int before = began;
        Task<int> late = JoinAsync("one");
        await Task.Delay(100, Token);
        Assert.Equal((before, false), (began, late.IsCompleted));

        // The clock's time at its end.
        async Task<TimeSpan> EndAsync(Task task)
        {
            while (!task.IsCompleted)
            {
                clock.Advance(apart / 20);
                await Task.Delay(5, Token);
            }

            return clock.GetUtcNow() - new FakeTimeProvider().GetUtcNow();
        }
    }
}
