using System.Collections.Concurrent;
using Ballast.Server;

namespace Ballast.Tests.Rpc;

/// <summary>Watches of those who may only read.</summary>
public sealed class ReaderWatchTests : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly SharedWatches _watches = new();

    public ReaderWatchTests() => _deadline.CancelAfter(TimeSpan.FromMinutes(1));

    private CancellationToken Token => _deadline.Token;

    public void Dispose() => _deadline.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    public async Task Whatever_their_periods_and_however_often_they_come_domains_are_asked_no_more_often_than_the_pace_allows(int domains)
    {
        const int watchers = 40, seconds = 15;
        ManyDomains many = new(domains);
        await using Connection connection = many.Open();
        int[] got = new int[watchers];
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] all = [.. Enumerable.Range(0, watchers).Select(number => Task.Run(() => WatchAgainAndAgainAsync(number), Token))];
        for (TimeSpan passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(seconds) || got.Contains(0); passed += Step)
        {
            many.Clock.Advance(Step);
            await Task.Delay(2, Token);
        }

        double rounds = (many.Clock.GetUtcNow() - many.Began) / ReaderPace.Between(domains);
        await end.CancelAsync();
        await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Assert.InRange(many.Samples, domains, domains * (rounds + 1));

        // Some stay, some go after each round, some have long periods, and there are two kinds of samples.
        async Task WatchAgainAndAgainAsync(int number)
        {
            MemoryStatsOptions options = number % 2 == 0 ? MemoryStatsOptions.None : MemoryStatsOptions.Extended;
            while (true)
            {
                await foreach (IReadOnlyList<WatchedSample> _ in _watches.JoinAsync(connection, TimeSpan.FromSeconds(0.1 * (number + 1)), options, isReader: true, end.Token))
                {
                    got[number]++;
                    if (number % 4 > 1)
                        break;
                }
            }
        }
    }

    [Fact]
    public async Task Each_has_all_domains_in_each_of_its_periods()
    {
        const int domains = 10;
        ManyDomains many = new(domains);
        await using Connection connection = many.Open();
        ConcurrentDictionary<Guid, int>[] seen = [.. Enumerable.Range(0, 3).Select(_ => new ConcurrentDictionary<Guid, int>())];
        Task[] all = [.. seen.Select((mine, number) => Task.Run(() => WatchAsync(mine, TimeSpan.FromSeconds(1 + number)), Token))];
        await AdvanceUntilAsync(many, () => seen.All(mine => mine.Count == domains));
        int[] before = [.. seen.Select(mine => mine.Values.Min())];
        for (int i = 0; i < 12 * (TimeSpan.FromSeconds(1) / Step); i++)
        {
            many.Clock.Advance(Step);
            await Task.Delay(2, Token);
        }

        for (int i = 0; i < seen.Length; i++)
        {
            int wanted = 12 / (1 + i);
            Assert.InRange(seen[i].Values.Max() - before[i], 1, wanted + 2);
        }

        await AdvanceUntilAsync(many, () => seen.All(mine => mine.Count == domains && mine.Values.Min() > 12));
        await _deadline.CancelAsync();
        await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        async Task WatchAsync(ConcurrentDictionary<Guid, int> mine, TimeSpan period)
        {
            await foreach (IReadOnlyList<WatchedSample> samples in _watches.JoinAsync(connection, period, MemoryStatsOptions.None, isReader: true, Token))
            {
                foreach (WatchedSample sample in samples)
                    mine[sample.Domain] = mine.GetValueOrDefault(sample.Domain) + 1;
            }
        }
    }

    [Fact]
    public async Task A_silent_domain_holds_up_no_other_and_who_does_not_take_its_samples_has_no_more_rounds()
    {
        ManyDomains many = new(5) { Silent = "domain3" };
        await using Connection connection = many.Open();
        await using IAsyncEnumerator<IReadOnlyList<WatchedSample>> watch =
            _watches.JoinAsync(connection, TimeSpan.FromSeconds(1), MemoryStatsOptions.None, isReader: true, Token).GetAsyncEnumerator(Token);
        for (int round = 0; round < 3; round++)
        {
            Task<bool> next = watch.MoveNextAsync().AsTask();
            await AdvanceUntilAsync(many, () => next.IsCompleted);
            Assert.True(await next);
            Assert.DoesNotContain(watch.Current, sample => sample.Record.Dom.Name == "domain3");
        }

        // Of what it took last it has not said that it was sent.
        for (int i = 0; i < 40; i++)
        {
            many.Clock.Advance(Step);
            await Task.Delay(2, Token);
        }

        long before = many.Samples;
        for (int i = 0; i < 100; i++)
        {
            many.Clock.Advance(Step);
            await Task.Delay(2, Token);
        }

        Assert.Equal(before, many.Samples);
    }

    [Fact]
    public async Task An_error_of_the_list_ends_it_for_all_and_the_next_one_has_a_new_one()
    {
        ManyDomains many = new(1);
        await using Connection connection = many.Open();
        await using IAsyncEnumerator<IReadOnlyList<WatchedSample>> watch =
            _watches.JoinAsync(connection, TimeSpan.FromSeconds(1), MemoryStatsOptions.None, isReader: true, Token).GetAsyncEnumerator(Token);
        Task<bool> next = watch.MoveNextAsync().AsTask();
        await AdvanceUntilAsync(many, () => next.IsCompleted);
        many.Failure = LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Qemu, "no list");
        next = watch.MoveNextAsync().AsTask();
        await AdvanceUntilAsync(many, () => next.IsCompleted);
        await Assert.ThrowsAsync<LibvirtException>(() => next);

        many.Failure = null;
        await using IAsyncEnumerator<IReadOnlyList<WatchedSample>> later =
            _watches.JoinAsync(connection, TimeSpan.FromSeconds(1), MemoryStatsOptions.None, isReader: true, Token).GetAsyncEnumerator(Token);
        next = later.MoveNextAsync().AsTask();
        await AdvanceUntilAsync(many, () => next.IsCompleted);
        Assert.True(await next);
    }

    private async Task AdvanceUntilAsync(ManyDomains many, Func<bool> isDone)
    {
        while (!isDone())
        {
            many.Clock.Advance(Step);
            await Task.Delay(2, Token);
        }
    }
}
