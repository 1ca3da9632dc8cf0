using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Rpc;

/// <summary>Samples that a server sends by itself.</summary>
public sealed class WatchProcedureTests : IDisposable
{
    // What waits for samples that do not come fails by its name, instead of standing still.
    private readonly CancellationTokenSource _deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public WatchProcedureTests() => _deadline.CancelAfter(TimeSpan.FromMinutes(1));

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private CancellationToken Token => _deadline.Token;

    public void Dispose() => _deadline.Dispose();

    [Fact]
    public async Task A_watch_through_a_server_is_one_call_and_has_every_domain_in_each_round()
    {
        ManyDomains many = new(40);
        await using ServerFixture server = ServerFixture.Start(many.Open());
        await using Connection remote = await server.ConnectAsync();
        Dictionary<string, int> seen = [];
        await foreach (DomainMemorySample sample in remote.WatchMemoryStatsAsync(Period, cancellationToken: Token))
        {
            many.Clock.Advance(Period);
            seen[sample.Domain.Name] = seen.GetValueOrDefault(sample.Domain.Name) + 1;
            Assert.Equal(4711u, sample.Stats.ActualKiB);
            if (seen.Count == 40 && seen.Values.All(count => count >= 3))
                break;
        }

        // Who listed the domains was the server, for its own rounds; the client asked for nothing but the watch.
        Assert.Equal(0, many.RemoteQuestions);
        await many.QuietAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_a_daemon_cannot_send_samples_domains_are_asked_in_rounds(bool hasOldProgram)
    {
        ManyDomains many = new(3);
        await using ServerFixture server = ServerFixture.Start(many.Open(), wrap: session => new PlainLibvirt(session, hasOldProgram));
        await using Connection remote = await server.ConnectAsync();
        HashSet<string> seen = [];
        await foreach (DomainMemorySample sample in remote.WatchMemoryStatsAsync(Period, cancellationToken: Token))
        {
            Assert.Equal(4711u, sample.Stats.ActualKiB);
            if (seen.Add(sample.Domain.Name) && seen.Count == 3)
                break;
        }

        Assert.Equal(hasOldProgram ? 0 : 3, Math.Min(3, many.RemoteQuestions));
    }

    [Fact]
    public async Task Samples_carry_the_clients_number_and_end_when_it_says_so()
    {
        ManyDomains many = new(1);
        await using ServerFixture server = ServerFixture.Start(many.Open());
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath);
        await SendAsync(client, BallastProcedure.Watch, 100, $"{7:x8}{(long)Period.TotalMilliseconds:x16}{0:x8}");
        int samples = 0;
        bool isAnswered = false;
        while (samples < 3 || !isAnswered)
        {
            (RpcHeader header, byte[] payload) = await client.ReceiveAsync();
            Assert.Equal((RpcPrograms.Ballast, RpcStatus.Ok), (header.Program, header.Status));
            if (header.Type == RpcType.Reply)
            {
                Assert.Equal((100u, 0), (header.Serial, payload.Length));
                isAnswered = true;
                continue;
            }

            Assert.Equal((RpcType.Message, (int)BallastProcedure.WatchSamples), (header.Type, header.Procedure));
            WatchSamplesEvent message = XdrReader.Read<WatchSamplesEvent>(payload);
            Assert.Equal((7, "domain0"), (message.Watch, Assert.Single(message.Samples).Dom.Name));
            samples++;
            many.Clock.Advance(Period);
        }

        await SendAsync(client, BallastProcedure.Unwatch, 101, $"{7:x8}");
        while ((await client.ReceiveAsync()).Header is not { Type: RpcType.Reply, Serial: 101 })
        {
        }

        // What was under way may still come; then it is gone, and its number is free again.
        (RpcHeader, byte[]) reply;
        do
        {
            await SendAsync(client, BallastProcedure.Unwatch, 102, $"{7:x8}");
            do
                reply = await client.ReceiveAsync();
            while (reply.Item1 is not { Type: RpcType.Reply, Serial: 102 });
        }
        while (reply.Item1.Status == RpcStatus.Ok);
        Assert.Equal("internal error: there is no watch 7", RawClient.Error(reply).Message);
        await SendAsync(client, BallastProcedure.Watch, 103, $"{7:x8}{uint.MaxValue - 1:x16}{0:x8}");
        while ((await client.ReceiveAsync()).Header is not { Type: RpcType.Reply, Serial: 103, Status: RpcStatus.Ok })
        {
        }
    }

    [Fact]
    public async Task A_watch_that_cannot_be_is_refused()
    {
        await using ServerFixture server = ServerFixture.Start(new ManyDomains(0).Open(), options: new LibvirtServerOptions { MaxWatches = 2 });
        using RawClient early = await RawClient.ConnectAsync(server.SocketPath, open: null), client = await RawClient.ConnectAsync(server.SocketPath);
        Assert.Equal("internal error: hypervisor connection not open", await RefusalAsync(early, BallastProcedure.Watch, $"{1:x8}{1000:x16}{0:x8}"));
        foreach (ulong period in (ulong[])[0, uint.MaxValue, ulong.MaxValue])
        {
            Assert.Equal(
                "period in ballastConnectWatchMemoryStats must be 1 to 4294967294 milliseconds",
                await RefusalAsync(client, BallastProcedure.Watch, $"{1:x8}{period:x16}{0:x8}"));
        }

        Assert.Equal("", await RefusalAsync(client, BallastProcedure.Watch, $"{1:x8}{1000:x16}{0:x8}"));
        Assert.Equal("internal error: there is a watch 1 already", await RefusalAsync(client, BallastProcedure.Watch, $"{1:x8}{1000:x16}{0:x8}"));
        Assert.Equal("", await RefusalAsync(client, BallastProcedure.Watch, $"{2:x8}{1000:x16}{0:x8}"));
        Assert.Equal("internal error: too many watches, at most 2 for one client", await RefusalAsync(client, BallastProcedure.Watch, $"{3:x8}{1000:x16}{0:x8}"));
        Assert.Equal("Unable to decode message payload", await RefusalAsync(client, BallastProcedure.Watch, $"{3:x8}{1000:x16}"));
        Assert.Equal("internal error: there is no watch 9", await RefusalAsync(client, BallastProcedure.Unwatch, $"{9:x8}"));
        Assert.Equal("unknown procedure: 5", await RefusalAsync(client, BallastProcedure.WatchSamples, ""));
    }

    [Fact]
    public async Task A_client_that_does_not_read_stops_its_own_rounds_only_and_takes_them_along()
    {
        // Of each, more samples in one round than any buffer in between holds.
        const int domains = 8000;
        ManyDomains many = new(domains);
        await using ServerFixture server = ServerFixture.Start(many.Open());
        await using Connection healthy = await server.ConnectAsync();
        RawClient silent = await RawClient.ConnectAsync(server.SocketPath);
        await SendAsync(silent, BallastProcedure.Watch, 1, $"{1:x8}{1:x16}{0:x8}");
        await many.QuietAsync();

        // One is sent as far as it fits, one waits to be sent, one to be taken.
        Assert.InRange(many.Samples, domains, 3 * domains);

        await foreach (DomainMemorySample sample in healthy.WatchMemoryStatsAsync(TimeSpan.FromHours(1), cancellationToken: Token))
        {
            Assert.Equal(4711u, sample.Stats.ActualKiB);
            break;
        }

        // Nobody lists domains any more once its watch, the last one, went with it.
        long lists = -1;
        silent.Dispose();
        await Deadline.UntilAsync(Deadline.Default, "the end of the last watch", async token =>
        {
            (long before, lists) = (lists, many.Lists);
            await Task.Delay(TimeSpan.FromMilliseconds(500), token);
            return before == many.Lists;
        }, Token);
    }

    [Fact]
    public async Task As_many_as_watch_the_same_ask_as_often_as_one()
    {
        const int domains = 20, clients = 40, rounds = 5;
        int[] done = new int[clients];
        int ticks = 0;
        ManyDomains many = new(domains);
        await using ServerFixture server = ServerFixture.Start(many.Open());
        await using Connection first = await server.ConnectAsync();
        Connection[] others = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => server.ConnectAsync().AsTask()));
        await WatchAsync(first, rounds: 1);
        await many.QuietAsync();
        long before = many.Samples;
        await Task.WhenAll(others.Select((connection, number) => WatchAsync(connection, rounds, number))).In();

        // Each who joins is given a round of its own at first; the others are everybody's.
        Assert.InRange(many.Samples - before, domains * rounds, domains * (clients + (3 * rounds)));
        foreach (Connection connection in others)
            await connection.DisposeAsync();

        async Task WatchAsync(Connection connection, int rounds, int? number = null)
        {
            Dictionary<string, int> seen = [];
            await foreach (DomainMemorySample sample in connection.WatchMemoryStatsAsync(Period, cancellationToken: Token))
            {
                seen[sample.Domain.Name] = seen.GetValueOrDefault(sample.Domain.Name) + 1;
                int whole = seen.Count == domains ? seen.Values.Min() : 0;
                if (number is { } mine)
                    Finish(mine, whole);
                if (whole >= rounds)
                    return;
            }
        }

        // The next round begins when everybody has had the last one.
        void Finish(int number, int whole)
        {
            lock (done)
            {
                done[number] = whole;
                if (done.Min() <= ticks)
                    return;
                ticks++;
                many.Clock.Advance(Period);
            }
        }
    }

    [Fact]
    public async Task Who_may_only_read_watches_no_more_often_than_ten_times_a_second_and_shares_the_period()
    {
        ManyDomains many = new(1);
        await using ServerFixture server = ServerFixture.Start(many.Open(), isReadOnly: true);
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath);
        for (int i = 0; i < 16; i++)
            Assert.Equal("", await RefusalAsync(client, BallastProcedure.Watch, $"{i:x8}{i + 1:x16}{0:x8}"));
        long before = many.Lists;
        int samples = 0, tenths = 0;
        while (samples < 16 * 20)
        {
            Task<(RpcHeader Header, byte[] Payload)> next = client.ReceiveAsync();
            while (!next.IsCompleted)
            {
                many.Clock.Advance(TimeSpan.FromSeconds(0.1));
                tenths++;
                await Task.WhenAny(next, Task.Delay(1, Token));
            }

            samples += (await next).Header.Type == RpcType.Message ? 1 : 0;
        }

        // Each has a list of its own when it joins.
        Assert.InRange(many.Lists - before, 1, tenths + 2 + 16);
    }

    [Fact]
    public async Task Who_joins_a_watch_waits_neither_for_its_next_round_nor_for_a_silent_domain()
    {
        ManyDomains many = new(5);
        await using ServerFixture server = ServerFixture.Start(many.Open());
        await using Connection first = await server.ConnectAsync(), second = await server.ConnectAsync();
        await using IAsyncEnumerator<DomainMemorySample> lasting = first.WatchMemoryStatsAsync(TimeSpan.FromHours(1), cancellationToken: Token).GetAsyncEnumerator(Token);
        for (int i = 0; i < 5; i++)
            Assert.True(await lasting.MoveNextAsync().AsTask().In());
        many.Silent = "domain3";
        await using IAsyncEnumerator<DomainMemorySample> joining = second.WatchMemoryStatsAsync(TimeSpan.FromHours(1), cancellationToken: Token).GetAsyncEnumerator(Token);
        List<string> seen = [];
        for (int i = 0; i < 4; i++)
        {
            Assert.True(await joining.MoveNextAsync().AsTask().In());
            seen.Add(joining.Current.Domain.Name);
        }

        Assert.Equal(["domain0", "domain1", "domain2", "domain4"], seen.Order());
    }

    [Fact]
    public async Task A_user_has_so_many_watches_however_many_clients()
    {
        await using ServerFixture server = ServerFixture.Start(
            new ManyDomains(0).Open(), options: new LibvirtServerOptions { MaxWatches = 2, MaxUserWatches = 3 });
        using RawClient one = await RawClient.ConnectAsync(server.SocketPath), other = await RawClient.ConnectAsync(server.SocketPath);
        Assert.Equal("", await RefusalAsync(one, BallastProcedure.Watch, $"{1:x8}{1000:x16}{0:x8}"));
        Assert.Equal("", await RefusalAsync(one, BallastProcedure.Watch, $"{2:x8}{1000:x16}{0:x8}"));
        Assert.Equal("", await RefusalAsync(other, BallastProcedure.Watch, $"{1:x8}{1000:x16}{0:x8}"));
        Assert.Equal("internal error: too many watches, at most 3 for one user", await RefusalAsync(other, BallastProcedure.Watch, $"{2:x8}{1000:x16}{0:x8}"));
        one.Dispose();
        await Deadline.UntilAsync(
            Deadline.Default, "room for a watch",
            async _ => await RefusalAsync(other, BallastProcedure.Watch, $"{2:x8}{1000:x16}{0:x8}") == "", Token);
    }

    [Fact]
    public async Task The_servers_error_ends_a_watch()
    {
        ManyDomains many = new(1);
        await using ServerFixture server = ServerFixture.Start(many.Open());
        await using Connection remote = await server.ConnectAsync();
        await using IAsyncEnumerator<DomainMemorySample> watch = remote.WatchMemoryStatsAsync(Period, cancellationToken: Token).GetAsyncEnumerator(Token);
        Assert.True(await watch.MoveNextAsync().In());
        many.Failure = LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Qemu, "no more lists");
        many.Clock.Advance(Period);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () =>
        {
            while (await watch.MoveNextAsync().In())
            {
            }
        });
        Assert.Equal((ErrorCode.OperationFailed, "operation failed: no more lists"), (error.Code, error.Message));
        Assert.Equal("FAKE", remote.DriverType);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_connection_ends_a_watch_or_is_opened_again_where_that_was_asked_for(bool inRounds)
    {
        ManyDomains many = new(2);
        await using ServerFixture server = ServerFixture.Start(many.Open(), wrap: inRounds ? inner => new PlainLibvirt(inner, hasOldProgram: false) : null);
        await using Connection plain = await server.ConnectAsync(), again = await server.ConnectAsync(new ConnectionOptions { Reconnect = true });
        TimeSpan period = inRounds ? TimeSpan.FromMilliseconds(100) : Period;
        await using IAsyncEnumerator<DomainMemorySample>
            ending = plain.WatchMemoryStatsAsync(period, cancellationToken: Token).GetAsyncEnumerator(Token),
            lasting = again.WatchMemoryStatsAsync(period, cancellationToken: Token).GetAsyncEnumerator(Token);
        Assert.True(await ending.MoveNextAsync().In() && await lasting.MoveNextAsync().In());
        int accepted = server.Accepted;
        server.DropClients();
        LibvirtException lost = await Assert.ThrowsAsync<LibvirtException>(async () =>
        {
            while (await ending.MoveNextAsync().In())
            {
            }
        });
        Assert.Equal((ErrorCode.SystemError, ErrorOrigin.Rpc), (lost.Code, lost.Origin));
        while (server.Accepted == accepted)
            Assert.True(await lasting.MoveNextAsync().In());
        for (int i = 0; i < 10; i++)
        {
            Assert.True(await lasting.MoveNextAsync().In());
            many.Clock.Advance(Period);
        }
    }

    [Theory]
    [InlineData(0, "Connection to the daemon was lost: the daemon lost the hypervisor: an error")]
    [InlineData(1, "Connection to the daemon was lost: the daemon lost the hypervisor: end of file")]
    [InlineData(2, "Connection to the daemon was lost: the daemon lost the hypervisor: it did not answer in time")]
    [InlineData(3, "Connection to the daemon was lost: the daemon lost the hypervisor: the daemon closed it")]
    [InlineData(99, "Connection to the daemon was lost: the daemon lost the hypervisor: an error")]
    public async Task A_daemon_that_lost_the_hypervisor_is_lost_with_it_and_says_why(int reason, string message)
    {
        List<PlainLibvirt> daemons = [];
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using ServerFixture server = ServerFixture.Start(session.Connection, wrap: inner =>
        {
            daemons.Add(new PlainLibvirt(inner, hasOldProgram: false));
            return daemons[^1];
        });
        await using Connection plain = await server.ConnectAsync(), again = await server.ConnectAsync(new ConnectionOptions { Reconnect = true });
        Assert.All(daemons, daemon => Assert.True(daemon.HasCloseCallback));
        await using DomainEventSubscription ends = await plain.SubscribeAsync(cancellationToken: Token), goesOn = await again.SubscribeAsync(cancellationToken: Token);
        await using IAsyncEnumerator<DomainEvent> last = ends.GetAsyncEnumerator(Token), next = goesOn.GetAsyncEnumerator(Token);
        foreach (PlainLibvirt daemon in daemons.ToArray())
            await daemon.LoseHypervisorAsync(reason);

        LibvirtException lost = await Assert.ThrowsAsync<LibvirtException>(async () => await last.MoveNextAsync().In());
        Assert.Equal(ErrorCode.SystemError, lost.Code);
        LibvirtException call = await Assert.ThrowsAsync<LibvirtException>(async () => await plain.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal((ErrorCode.SystemError, ErrorOrigin.Rpc, message), (call.Code, call.Origin, call.Message));
        Assert.True(await next.MoveNextAsync().In());
        Assert.Equal(new EventsMissed(EventsMissedCause.ConnectionLost, null), next.Current);
        Assert.Single(await again.ListDomainsAsync(cancellationToken: Token));
    }

    private static Task SendAsync(RawClient client, BallastProcedure procedure, uint serial, string payload) =>
        client.SendAsync(new RpcHeader(RpcPrograms.Ballast, 1, (int)procedure, RpcType.Call, serial, RpcStatus.Ok), payload);

    /// <summary>The error of a call, or nothing where it succeeds; events in between are passed over.</summary>
    private static async Task<string> RefusalAsync(RawClient client, BallastProcedure procedure, string payload)
    {
        await SendAsync(client, procedure, 77, payload);
        (RpcHeader Header, byte[] Payload) reply;
        do
            reply = await client.ReceiveAsync();
        while (reply.Header.Type != RpcType.Reply);
        return reply.Header.Status == RpcStatus.Ok ? "" : RawClient.Error(reply).Message;
    }

    [Fact]
    public async Task Whoever_joins_first_has_the_first_round()
    {
        ManyDomains many = new(1);
        await using Connection connection = many.Open();

        // The clock stands still: a round that was taken before anybody joined would be the only one.
        for (int i = 0; i < 2000; i++)
        {
            await using IAsyncEnumerator<IReadOnlyList<WatchedSample>> watch = new SharedWatches()
                .JoinAsync(connection, Period, MemoryStatsOptions.None, isReader: false, Token).GetAsyncEnumerator(Token);
            Assert.True(await watch.MoveNextAsync().In());
        }
    }

    [Fact]
    public async Task Who_joins_when_a_watch_has_failed_that_others_did_not_leave_yet_has_rounds_of_its_own()
    {
        ManyDomains many = new(1);
        await using Connection connection = many.Open();
        SharedWatches watches = new();
        await using IAsyncEnumerator<IReadOnlyList<WatchedSample>> early =
            watches.JoinAsync(connection, Period, MemoryStatsOptions.None, isReader: false, Token).GetAsyncEnumerator(Token);
        Assert.True(await early.MoveNextAsync());
        many.Failure = RpcErrors.Internal("no list");
        many.Clock.Advance(Period);
        await many.QuietAsync();
        many.Failure = null;

        int rounds = 0;
        await foreach (IReadOnlyList<WatchedSample> samples in watches.JoinAsync(connection, Period, MemoryStatsOptions.None, isReader: false, Token))
        {
            Assert.Single(samples);
            if (++rounds == 5)
                break;
            many.Clock.Advance(Period);
        }

        // The other one reads what it still has, and is told.
        await Assert.ThrowsAsync<LibvirtException>(async () =>
        {
            while (await early.MoveNextAsync())
            {
            }
        });
    }
}
