using Ballast.Rpc.Messages;
using Ballast.Server;

namespace Ballast.Tests.Rpc;

/// <summary>Statistics of all domains, for many readers of one user.</summary>
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
            }), Token);
            int mine = int.Parse(reply.RetStats[0].Dom.Name!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(mine > before);
            return mine;
        }

        long start = Environment.TickCount64;
        Assert.Equal(1, await JoinAsync(DomainStatsGroups.Balloon));
        int[] got = await Task.WhenAll(Enumerable.Range(0, readers).Select(_ => JoinAsync(DomainStatsGroups.Balloon)));
        int[] other = await Task.WhenAll(Enumerable.Range(0, readers).Select(i => JoinAsync(i % 2 == 0 ? DomainStatsGroups.State : DomainStatsGroups.Balloon)));
        long took = Environment.TickCount64 - start;

        // One in a tenth of a second, of whatever kind, and the first at once.
        Assert.InRange(got.Concat(other).Max(), 3, 2 + (took / 100));
    }

    [Fact]
    public async Task Who_gives_up_ends_the_round_for_nobody_else()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        ReaderRounds rounds = new(TimeProvider.System);
        TaskCompletionSource<AllStatsReply> answer = new();
        using CancellationTokenSource gone = new();
        Task<AllStatsReply> Join(CancellationToken token) =>
            rounds.JoinAsync((connection, DomainStatsGroups.Balloon, DomainStatsFlags.None), () => answer.Task, token);

        _ = Join(Token);
        Task<AllStatsReply> first = Join(gone.Token), second = Join(Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        answer.SetResult(new AllStatsReply { RetStats = [] });
        Assert.Empty((await second).RetStats);
    }
}
