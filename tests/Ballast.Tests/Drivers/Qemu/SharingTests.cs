using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>One connection and one question serve everybody who waits.</summary>
public sealed class SharingTests
{
    [Fact]
    public async Task One_sample_is_one_write_of_the_fewest_bytes()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int commands = fake.Commands.Count, chunks = fake.Chunks;

        _ = await session.StatsAsync();

        Assert.Equal(chunks + 1, fake.Chunks);
        Assert.Equal(
            [
                """{"execute":"qom-get","arguments":{"path":"/machine/peripheral/balloon0","property":"guest-stats"}}""",
                """{"execute":"query-balloon"}""",
            ],
            fake.Commands.Skip(commands).Select(command => command.Text));
    }

    [Fact]
    public async Task Sixty_four_callers_at_once_are_two_queries()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int commands = fake.Commands.Count;
        TaskCompletionSource release = fake.Hold("guest-stats");

        Task<MemoryStat[]>[] calls = [.. Enumerable.Range(0, 64).Select(_ => session.StatsAsync())];
        release.SetResult();
        MemoryStat[][] stats = await Task.WhenAll(calls).In();

        Assert.Equal(commands + 4, fake.Commands.Count);
        Assert.Equal([3ul, 2, 1], stats[0].Select(stat => stat.Value));
        Assert.All(stats[1..], others => Assert.Equal([5ul, 4, 1], others.Select(stat => stat.Value)));
    }

    [Fact]
    public async Task Who_was_just_answered_shares_the_next_query_with_those_who_wait()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync(
            fake.Uri, new ConnectionOptions { UnsafePreferInlineContinuations = true }, TestContext.Current.CancellationToken);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: TestContext.Current.CancellationToken));
        TaskCompletionSource release = fake.Hold("guest-stats");

        // Each waits when it has begun, and asks again where it is answered.
        Task[] askers = await Task.Run(() => Enumerable.Range(0, 8).Select(_ => AskTwiceAsync()).ToArray(), TestContext.Current.CancellationToken);
        await fake.ReceivedAsync("guest-stats");
        release.SetResult();
        await Task.WhenAll(askers).In();

        // The first is asked for alone; its second call and the first ones of the others are one query, the others' second ones another.
        Assert.Equal(3, fake.CountOf("guest-stats"));

        async Task AskTwiceAsync()
        {
            for (int i = 0; i < 2; i++)
                _ = await domain.FillMemoryStatsAsync(new MemoryStat[16]).ConfigureAwait(false);
        }
    }

    [Fact]
    public async Task Callers_that_want_different_things_share_the_question_for_all_of_them()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("guest-stats");
        int balloons = fake.CountOf("query-balloon");
        Task<MemoryStat[]> first = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        await fake.ReceivedAsync("query-balloon", balloons + 1);
        int commands = fake.Commands.Count;

        Task<MemoryStat[]> stats = session.StatsAsync();
        Task<DomainInfo> info = session.Domain.GetInfoAsync(TestContext.Current.CancellationToken).AsTask();
        Task<int> period = session.Domain.GetPeriodAsync(TestContext.Current.CancellationToken);
        release.SetResult();
        await Task.WhenAll(first, stats, info, period).In();

        Assert.Equal(
            ["guest-stats", "query-balloon", "guest-stats-polling-interval", "query-status", "query-cpus-fast", "query-memory-size-summary"],
            fake.Commands.Skip(commands).Select(command => command.Key));
        Assert.Equal(2, (await info).VirtualCpus);
        Assert.Equal(5, await period);
    }

    [Fact]
    public async Task Two_connections_share_a_socket_and_the_last_one_closes_it()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession first = await FakeSession.AtAsync(fake);
        await using FakeSession second = await FakeSession.AtAsync(fake);
        Assert.Same(first.Monitor, second.Monitor);

        await first.DisposeAsync();
        Assert.Equal(2, (await second.StatsAsync()).Length);
        Assert.True(fake.HasClient);
        Assert.Equal(1, fake.Clients);

        await second.DisposeAsync();
        await fake.DisconnectedAsync();
    }

    [Fact]
    public async Task Whatever_link_leads_to_a_socket_it_is_one_socket()
    {
        await using FakeQmp fake = FakeQmp.Start();
        string link = fake.Path + ".link";
        File.CreateSymbolicLink(link, System.IO.Path.GetFileName(fake.Path));
        await using FakeSession first = await FakeSession.AtAsync(fake);

        await using Connection second = await Connection.OpenAsync($"qmp://{link}", cancellationToken: TestContext.Current.CancellationToken);
        _ = await second.ListDomainsAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task Openers_at_the_same_time_share_one_attempt()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        Task<Connection>[] opening = [.. Enumerable.Range(0, 16).Select(_ => FakeSession.ConnectAsync(fake, time))];
        Connection[] connections = await Task.WhenAll(opening).In();

        Assert.Equal(1, fake.Clients);
        Assert.Equal(1, fake.CountOf("qmp_capabilities"));
        foreach (Connection connection in connections)
            await connection.DisposeAsync();
        await fake.DisconnectedAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_gets_an_answer_to_a_question_that_was_sent_before_it_asked(bool goesOnInline)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using Connection connection = await Connection.OpenAsync(
            fake.Uri, new ConnectionOptions { UnsafePreferInlineContinuations = goesOnInline }, TestContext.Current.CancellationToken);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: TestContext.Current.CancellationToken));
        async Task AskAsync()
        {
            MemoryStat[] stats = new MemoryStat[16];
            for (int i = 0; i < 100; i++)
            {
                ulong before = fake.Guest.LastNumber;
                Assert.Equal(3, await domain.FillMemoryStatsAsync(stats).ConfigureAwait(false));
                Assert.All(stats[..2], stat => Assert.True(stat.Value > before));
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(AskAsync))).In();
    }

    [Fact]
    public async Task Opening_and_closing_at_the_same_time_never_meets_itself()
    {
        await using FakeQmp fake = FakeQmp.Start();
        async Task OpenAndCloseAsync()
        {
            for (int i = 0; i < 25; i++)
            {
                await using FakeSession session = await FakeSession.AtAsync(fake);
                Assert.Equal(2, (await session.StatsAsync()).Length);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(OpenAndCloseAsync))).In();
        await fake.DisconnectedAsync();
    }

    [Fact]
    public async Task Closing_tells_those_who_wait()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeSession session = await FakeSession.AtAsync(fake);
        fake.Hold("guest-stats");
        Task<MemoryStat[]> asked = session.StatsAsync();
        Task<MemoryStat[]> waiting = session.StatsAsync();
        Task write = session.SetPeriodAsync(4);
        await fake.ReceivedAsync("guest-stats");

        await session.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => asked.In());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.In());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => write.In());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => session.StatsAsync());
        await fake.DisconnectedAsync();
    }

    [Fact]
    public async Task Closing_ends_an_attempt_to_connect_at_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeSession session = await FakeSession.AtAsync(fake, new FakeTimeProvider());
        fake.GreetingText = null;
        await session.LoseAsync(fake);
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ConnectedAsync(2);

        await session.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => call.In());
        await fake.DisconnectedAsync();
    }

    [Fact]
    public async Task Closing_twice_closes_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession other = await FakeSession.AtAsync(fake);
        FakeSession session = await FakeSession.AtAsync(fake);

        await session.DisposeAsync();
        await session.DisposeAsync();

        Assert.Equal(2, (await other.StatsAsync()).Length);
    }
}
