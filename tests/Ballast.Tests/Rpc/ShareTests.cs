using Ballast.Fuzz.Wire;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Cli;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Rpc;

/// <summary>What a user's clients have together, so that nobody pays for another's many.</summary>
public sealed class ShareTests
{
    private const string Name = "fake:///";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Users_take_turns_however_many_clients_wait_for_each()
    {
        ReaderTurns turns = new(workers: 1);
        UserShare greedy = Share(), modest = Share();
        await turns.EnterAsync(greedy, Token);
        List<string> order = [];
        List<Task> all = [.. Enumerable.Range(0, 50).Select(_ => TakeAsync(greedy, "greedy"))];
        all.AddRange(Enumerable.Range(0, 3).Select(_ => TakeAsync(modest, "modest")));
        turns.Leave();
        await Task.WhenAll(all).In();

        Assert.Equal(["greedy", "modest", "greedy", "modest", "greedy", "modest", "greedy"], order[..7]);
        Assert.Equal(53, order.Count);

        async Task TakeAsync(UserShare share, string name)
        {
            await turns.EnterAsync(share, Token);
            order.Add(name);
            turns.Leave();
        }
    }

    [Fact]
    public async Task A_user_with_many_calls_under_way_has_no_turn_before_one_is_answered()
    {
        ReaderTurns turns = new(workers: 2);
        UserShare share = Share(calls: 2), other = Share();
        turns.CallBegan(share);
        turns.CallBegan(share);
        Task waiting = turns.EnterAsync(share, Token).AsTask();
        await turns.EnterAsync(other, Token);
        Assert.False(waiting.IsCompleted);

        turns.CallEnded(share);

        await waiting.In();
    }

    [Fact]
    public async Task Who_gives_up_waiting_takes_nobodys_turn()
    {
        ReaderTurns turns = new(workers: 1);
        UserShare share = Share();
        await turns.EnterAsync(share, Token);
        using CancellationTokenSource enough = new();
        Task gone = turns.EnterAsync(share, enough.Token).AsTask(), next = turns.EnterAsync(share, Token).AsTask();
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone.In());
        turns.Leave();
        await next.In();
        turns.Leave();
        await turns.EnterAsync(share, Token).AsTask().In();
    }

    [Fact]
    public async Task What_a_call_does_after_a_wait_has_its_turn_too_even_of_a_user_without_room()
    {
        ReaderTurns turns = new(workers: 1);
        UserShare greedy = Share(calls: 1), modest = Share();
        greedy.Turns = modest.Turns = turns;
        turns.CallBegan(greedy);
        await turns.EnterAsync(modest, Token);
        List<string> order = [];
        Task[] all = [ReadAsync(greedy, "greedy"), ReadAsync(greedy, "greedy"), ReadAsync(greedy, "greedy"), ReadAsync(modest, "modest"), ReadAsync(null, "privileged")];
        await all[^1].In();
        Assert.Equal(["privileged"], order);
        turns.Leave();
        await Task.WhenAll(all).In();

        // One at a time, each user in its turn.
        Assert.Equal(["privileged", "greedy", "modest", "greedy", "greedy"], order);

        async Task ReadAsync(UserShare? share, string name)
        {
            CallOrigin.Reader = share;
            using WorkTurn turn = await CallOrigin.TakeWorkerAsync(Token);
            order.Add(name);
        }
    }

    [Fact]
    public async Task Who_had_no_room_for_a_long_list_has_its_turn_when_there_is_some()
    {
        ReaderTurns turns = new(workers: 1);
        UserShare share = new(isReader: true, new LibvirtServerOptions { MaxUserKeptBytes = 1 }) { Turns = turns };
        share.AddKept(1);
        Task waiting = turns.EnterAsync(share, Token).AsTask();
        Assert.False(waiting.IsCompleted);

        share.RemoveKept(1);

        await waiting.In();
    }

    [Fact]
    public void Who_has_long_lists_waiting_has_no_room_for_more_and_others_have()
    {
        const int few = 1000;
        LibvirtServerOptions options = new() { MaxUserKeptBytes = 2 * few, MaxKeptBytes = 3 * few };
        UserShare one = new(isReader: true, options), other = new(isReader: true, options), third = new(isReader: true, options);
        one.Turns = other.Turns = third.Turns = new ReaderTurns(workers: 1);
        one.AddKept(few);
        Assert.True(one.HasRoom);
        one.AddKept(few);
        Assert.False(one.HasRoom);
        other.AddKept(few);
        Assert.False(other.HasRoom);
        Assert.True(third.HasRoom);
        one.RemoveKept(few);
        Assert.True(one.HasRoom);
        Assert.True(other.HasRoom);
    }

    [Fact]
    public void Named_domains_are_kept_in_few_bytes_and_are_the_same_again()
    {
        RemoteDomain[] domains = [.. Enumerable.Range(0, 2000).Select(i => new RemoteDomain { Name = $"vm-é{i}", Uuid = Guid.NewGuid(), Id = i - 1 })];
        NamedDomains named = new(domains);
        Assert.Equal(domains.Select(domain => (domain.Name, domain.Uuid, domain.Id)), named.Unpack().Select(domain => (domain.Name, domain.Uuid, domain.Id)));
        Assert.InRange(named.Bytes, 2000 * 24, 2000 * 34);
        Assert.Equal(named, new NamedDomains(domains));
        Assert.Equal(named.GetHashCode(), new NamedDomains(domains).GetHashCode());
        domains[^1].Id++;
        Assert.NotEqual(named, new NamedDomains(domains));
        Assert.Empty(new NamedDomains([]).Unpack());
    }

    /// <summary>400 clients of one user that only read, with long pipelines, beside one that may change something.</summary>
    [Fact]
    public async Task Pipelines_of_many_readers_are_worked_off_a_few_at_a_time()
    {
        (Ballast.Drivers.IDriver driver, SpyDriver spy) = SpyDriver.Before(new FakeDriver(new FakeDomain("guest", 7)));
        LibvirtServer server = new([(Name, new Connection(driver, Name, new ConnectionOptions()))], new LibvirtServerOptions { ReaderWorkers = 1 });
        int working = 0, most = 0;
        spy.Instead = call =>
        {
            if (call != "LookupByNameAsync")
                return null;
            int now = Interlocked.Increment(ref working);
            most = Math.Max(most, now);
            Thread.SpinWait(2000);
            Interlocked.Decrement(ref working);
            return null;
        };
        byte[] calls = [.. Enumerable.Range(0, 200).SelectMany(serial => Frames.Call(RemoteProcedure.DomainLookupByName, (uint)serial, PipedClient.Text("guest")))];
        List<PipedClient> readers = [];
        for (int i = 0; i < 40; i++)
            readers.Add(await PipedClient.OpenAsync(server, Name, isReadOnly: true, uid: 1000));
        await using PipedClient well = await PipedClient.OpenAsync(server, Name);
        Task[] sending = [.. readers.Select(reader => Task.Run(() => reader.Send(calls), Token))];
        for (int i = 0; i < 20; i++)
            Assert.Equal(RpcStatus.Ok, (await well.CallAsync(RemoteProcedure.ConnectGetType).In()).Header.Status);
        await Task.WhenAll(sending).In();
        foreach (PipedClient reader in readers)
        {
            for (uint serial = 0; serial < 200; serial++)
                Assert.Equal(serial, Frames.Header((await reader.ReceiveAsync())!).Serial);
        }

        Assert.Equal(1, most);
        foreach (PipedClient reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task Of_those_who_do_not_read_so_many_are_waited_for_and_none_of_their_backlog_is_worked_off()
    {
        const int patient = 4, clients = 10, unread = 4096;
        (Ballast.Drivers.IDriver driver, SpyDriver spy) = SpyDriver.Before(new FakeDriver(new FakeDomain("guest", 7)));
        LibvirtServer server = new([(Name, new Connection(driver, Name, new ConnectionOptions()))], new LibvirtServerOptions { MaxUserBlocked = patient, ReadTime = TimeSpan.FromMilliseconds(100) });
        byte[] calls = [.. Enumerable.Range(0, 5000).SelectMany(serial => Frames.Call(RemoteProcedure.ConnectListAllDomains, (uint)serial, "0000000100000000"))];
        List<PipedClient> silent = [];
        for (int i = 0; i < clients; i++)
            silent.Add(await PipedClient.OpenAsync(server, Name, isReadOnly: true, unread: unread, uid: 1000));
        await using PipedClient well = await PipedClient.OpenAsync(server, Name);
        spy.Forget();
        foreach (PipedClient client in silent)
            client.Send(calls);
        await Deadline.UntilAsync(
            Deadline.Default, "the end of those that are too many",
            _ => Task.FromResult(silent.Count(client => client.Served.IsCompleted) == clients - patient), Token);

        // A reply has some sixty bytes.
        Assert.InRange(spy.Calls.Count(call => call == "ListDomainsAsync"), 1, clients * ((unread / 50) + 2));
        Assert.Equal(RpcStatus.Ok, (await well.CallAsync(RemoteProcedure.ConnectGetType).In()).Header.Status);
        foreach (PipedClient client in silent)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task Whoever_reads_has_the_whole_answer_however_many_ask_at_once()
    {
        const int patient = 4, clients = 100, unread = 4096;
        (Ballast.Drivers.IDriver driver, _) = SpyDriver.Before(new FakeDriver([.. Enumerable.Range(1, 300).Select(i => new FakeDomain($"guest{i}", i))]));
        LibvirtServer server = new([(Name, new Connection(driver, Name, new ConnectionOptions()))], new LibvirtServerOptions { MaxUserBlocked = patient });
        byte[] call = Frames.Call(RemoteProcedure.ConnectListAllDomains, 1, "0000000100000000");
        List<PipedClient> readers = [];
        for (int i = 0; i < clients; i++)
            readers.Add(await PipedClient.OpenAsync(server, Name, unread: unread, uid: 1000));
        foreach (PipedClient reader in readers)
            reader.Send(call);
        foreach (PipedClient reader in readers)
            Assert.Equal(RpcStatus.Ok, Frames.Header((await reader.ReceiveAsync())!).Status);
        foreach (PipedClient reader in readers)
            await reader.DisposeAsync();
    }

    private static UserShare Share(int calls = 128) => new(isReader: true, new LibvirtServerOptions { MaxUserCalls = calls });
}
