using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>Samples of all domains in rounds.</summary>
public sealed class WatchTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_round_has_every_domain_once()
    {
        const int domains = 40, rounds = 3;
        FakeTimeProvider clock = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
        await using Connection connection = await Connection.OpenAsync(
            $"test:///fleet?domains={domains}&seed=5", new ConnectionOptions { TimeProvider = clock }, Token);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        List<List<DomainMemorySample>> seen = [[]];
        await foreach (DomainMemorySample sample in connection.WatchMemoryStatsAsync(Period, cancellationToken: stop.Token))
        {
            seen[^1].Add(sample);
            if (seen[^1].Count < domains)
                continue;
            if (seen.Count == rounds)
                break;
            seen.Add([]);
            clock.Advance(Period);
        }

        Assert.All(seen, round => Assert.Equal(domains, round.Select(sample => sample.Domain.Uuid).Distinct().Count()));
        Assert.NotEqual(seen[0].Select(sample => sample.Stats.LastUpdate).Max(), seen[1].Select(sample => sample.Stats.LastUpdate).Max());
        Assert.Contains(seen[0], sample => sample.Stats.Reason == MemoryStatsReason.Paused);
    }

    [Fact]
    public async Task A_silent_domain_holds_up_no_other_and_is_not_asked_twice()
    {
        await using FakeQmp good = FakeQmp.Start(), silent = FakeQmp.Start();
        using Ballast.Guests.PrivateDirectory directory = new();
        foreach ((FakeQmp fake, string name) in new[] { (good, "good"), (silent, "silent") })
        {
            fake.Guest.Name = name;
            fake.Guest.Uuid = Guid.NewGuid().ToString();
        }

        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using FakeSession goodSession = await FakeSession.AtAsync(good, clock), silentSession = await FakeSession.AtAsync(silent, clock, TimeSpan.FromHours(1));
        TaskCompletionSource release = silent.Hold("guest-stats");
        List<string> names = [];
        int asked = silent.CountOf("guest-stats");
        await foreach (DomainMemorySample sample in BothAsync())
        {
            names.Add(sample.Domain.Name);
            if (names.Count == 5)
                break;
            clock.Advance(Period);
        }

        Assert.All(names, name => Assert.Equal("good", name));
        Assert.Equal(asked + 1, silent.CountOf("guest-stats"));
        release.SetResult();

        // Two connections stand for two lanes of one: rounds of two seconds, a deadline of an hour.
        async IAsyncEnumerable<DomainMemorySample> BothAsync()
        {
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
            IAsyncEnumerator<DomainMemorySample> stuck = silentSession.Connection.WatchMemoryStatsAsync(Period, cancellationToken: stop.Token).GetAsyncEnumerator(stop.Token);
            Task<bool> first = stuck.MoveNextAsync().AsTask();
            await silent.ReceivedAsync("guest-stats", asked + 1);
            await foreach (DomainMemorySample sample in goodSession.Connection.WatchMemoryStatsAsync(Period, cancellationToken: stop.Token))
            {
                if (first.IsCompleted)
                    yield return stuck.Current;
                yield return sample;
            }
        }
    }

    [Fact]
    public async Task A_lost_connection_is_a_sample_that_says_so_and_the_watch_goes_on()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using FakeSession session = await FakeSession.AtAsync(fake, clock);
        int answers = 0;
        fake.On("guest-stats", command =>
        {
            if (++answers != 1)
                return fake.Guest.Answer(command);
            fake.Disconnect();
            return FakeQmp.Nothing;
        });

        List<MemoryStatsReason> reasons = [];
        await foreach (DomainMemorySample sample in session.Connection.WatchMemoryStatsAsync(Period, cancellationToken: Token))
        {
            reasons.Add(sample.Stats.Reason);
            if (reasons.Count == 2)
                break;
            clock.Advance(Period);
        }

        Assert.Equal(MemoryStatsReason.ConnectionLost, reasons[0]);
        Assert.NotEqual(MemoryStatsReason.ConnectionLost, reasons[1]);
    }

    [Fact]
    public async Task Cancelling_ends_it()
    {
        await using Connection connection = await Connection.OpenAsync("test:///fleet?domains=1&seed=99", cancellationToken: Token);
        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (DomainMemorySample sample in connection.WatchMemoryStatsAsync(Period, cancellationToken: stop.Token))
            {
                Assert.Equal(1, sample.Domain.Id);
                await stop.CancelAsync();
            }
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => connection.WatchMemoryStatsAsync(TimeSpan.Zero, cancellationToken: Token));
    }

    [Fact]
    public async Task A_reader_that_takes_its_time_finds_one_sample_of_each_domain()
    {
        const int domains = 20;
        FakeTimeProvider clock = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
        await using Connection connection = await Connection.OpenAsync(
            $"test:///fleet?domains={domains}&seed=6", new ConnectionOptions { TimeProvider = clock }, Token);
        await using IAsyncEnumerator<DomainMemorySample> reader =
            connection.WatchMemoryStatsAsync(Period, cancellationToken: Token).GetAsyncEnumerator(Token);
        HashSet<Guid> seen = [];
        for (int i = 0; i < domains; i++)
        {
            Assert.True(await reader.MoveNextAsync().In());
            Assert.True(seen.Add(reader.Current.Domain.Uuid));
            if (i > 0)
                continue;
            for (int rounds = 0; rounds < 50; rounds++)
                clock.Advance(Period);
        }
    }
}
