using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Cli;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>How much a client may use, and that nothing stays when it goes.</summary>
public sealed class ServerLimitTests
{
    private const string Name = "fake:///";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private readonly FakeTimeProvider _time = new();
    private readonly SpyDriver _spy;
    private readonly LibvirtServer _server;

    public ServerLimitTests()
    {
        (Ballast.Drivers.IDriver driver, _spy) = SpyDriver.Before(new FakeDriver(new FakeDomain("guest", 7)));
        _server = new([(Name, new Connection(driver, Name, new ConnectionOptions()))], new LibvirtServerOptions { TimeProvider = _time });
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_is_not_let_in_has_ten_seconds_and_short_messages()
    {
        await using PipedClient silent = new(_server), pinging = new(_server), long_ = new(_server), well = await PipedClient.OpenAsync(_server, Name);
        pinging.Send(Frames.Of(RpcKeepalive.Pong with { Procedure = RpcPrograms.KeepalivePing }, []));
        Assert.Equal(RpcPrograms.KeepalivePong, Frames.Header((await pinging.ReceiveAsync())!).Procedure);
        long_.Send([0, 1, 0, 1]);
        await long_.EndedAsync();
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        Assert.False(silent.Served.IsCompleted || pinging.Served.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        await silent.EndedAsync();
        await pinging.EndedAsync();
        Assert.Equal(RpcStatus.Ok, (await well.CallAsync(RemoteProcedure.ConnectGetType)).Header.Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_sends_and_never_reads_is_read_no_further_and_given_up(bool pings)
    {
        const int unread = 64 * 1024, frames = 50_000;
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name, unread: unread), well = await PipedClient.OpenAsync(_server, Name);
        byte[] frame = pings
            ? Frames.Of(RpcKeepalive.Pong with { Procedure = RpcPrograms.KeepalivePing }, [])
            : Frames.Call(RemoteProcedure.ConnectListAllDomains, 1, "0000000100000000");
        _spy.Forget();
        for (int i = 0; i < frames; i++)
            client.Send(frame);
        Assert.False(client.Served.IsCompleted);
        Assert.Equal(RpcStatus.Ok, (await well.CallAsync(RemoteProcedure.ConnectGetType)).Header.Status);

        // By the second, as the server may not have come to where it cannot write.
        DateTimeOffset before = _time.GetUtcNow();
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Deadline);
        while (!client.Served.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, limit.Token);
        }

        Assert.InRange(_time.GetUtcNow() - before, TimeSpan.FromSeconds(30), TimeSpan.MaxValue);
        Assert.InRange(_spy.Calls.Count(call => call == "ListDomainsAsync"), 0, (unread / frame.Length) + _server.Options.MaxCalls);
        await client.Served.WaitAsync(Deadline, Token);
        Assert.Equal(RpcStatus.Ok, (await well.CallAsync(RemoteProcedure.ConnectGetType)).Header.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_reads_slowly_but_reads_gets_the_longest_answer(bool hasKeepalive)
    {
        const int unread = 64 * 1024, portion = 8 * 1024, seconds = 3;
        LibvirtServer server = new([(Name, new ManyDomains(12_000).Open())], new LibvirtServerOptions { TimeProvider = _time });
        await using PipedClient client = await PipedClient.OpenAsync(server, Name, unread: unread);
        if (hasKeepalive)
            _ = await client.CallAsync(RemoteProcedure.ConnectSupportsFeature, "0000000a");
        client.Send(Frames.Call(RemoteProcedure.ConnectListAllDomains, 7, "0000000100000000"));
        List<byte> got = [];
        DateTimeOffset before = _time.GetUtcNow();
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (Frames.Length([.. got]) is null)
        {
            Assert.False(client.Served.IsCompleted, $"given up after {got.Count} bytes and {_time.GetUtcNow() - before}");

            // Its time passes while it reads, and not while it waits for the server to come to it.
            byte[] taken = client.TakeBytes(portion);
            got.AddRange(taken);
            await Task.Delay(1, limit.Token);
            for (int i = 0; i < seconds && taken.Length > 0; i++)
                _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(7u, Frames.Header([.. got]).Serial);
        Assert.InRange(_time.GetUtcNow() - before, TimeSpan.FromSeconds(90), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task Who_sends_without_end_holds_the_worker_that_receives_it_only_for_a_while()
    {
        const int calls = 1000;
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name);
        byte[] many = [.. Enumerable.Range(0, calls).SelectMany(serial => Frames.Call(RemoteProcedure.ConnectNumOfDomains, (uint)serial))];
        int worker = Environment.CurrentManagedThreadId, inARow = 0;
        _spy.Instead = call =>
        {
            if (Environment.CurrentManagedThreadId == worker)
                inARow++;
            return null;
        };
        client.Send(many);
        Assert.InRange(Volatile.Read(ref inARow), 1, 64);
        _spy.Instead = null;
        for (uint serial = 0; serial < calls; serial++)
            Assert.Equal(serial, Frames.Header((await client.ReceiveAsync())!).Serial);
    }

    [Fact]
    public async Task Who_waits_for_each_answer_is_always_served_by_its_lane()
    {
        const int calls = 200;
        const string lane = "Ballast clients";
        List<string?> threads = [];
        (SafeHandle own, Socket peer) = TestSockets.Connect();
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using LaneTransport transport = ClientLane.OfPrivileged().Open(own);
        using (peer)
        {
            Task served = _server.ServeAsync(transport, isReadOnly: false, 0, null, stop.Token);
            using NetworkStream stream = new(peer);
            await AskAsync(Frames.Call(RemoteProcedure.AuthList, 0));
            await AskAsync(Frames.Call(RemoteProcedure.ConnectOpen, 1, $"00000001{PipedClient.Text(Name)}00000000"));
            _spy.Instead = call =>
            {
                threads.Add(Thread.CurrentThread.Name);
                return null;
            };
            for (uint serial = 2; serial < calls; serial++)
                await AskAsync(Frames.Call(RemoteProcedure.ConnectNumOfDomains, serial));
            await stop.CancelAsync();
            await served.In();

            async Task AskAsync(byte[] call)
            {
                await stream.WriteAsync(call, Token);
                List<byte> reply = [];
                byte[] portion = new byte[1024];
                while (Frames.Length([.. reply]) is null)
                    reply.AddRange(portion.AsSpan(0, await stream.ReadAsync(portion, Token).AsTask().In()));
                Assert.Equal(RpcStatus.Ok, Frames.Header([.. reply]).Status);
            }
        }

        // To open a connection waits elsewhere, and a call that is there when that is answered is taken by the same thread.
        string?[] afterOpening = [.. threads.SkipWhile(name => name != lane)];
        Assert.Equal([lane], afterOpening.Distinct());
        Assert.InRange(afterOpening.Length, calls / 2, calls);
    }

    [Fact]
    public async Task Few_long_messages_are_read_at_a_time_and_those_that_do_not_come_keep_no_place()
    {
        byte[] whole = Frames.Call(RemoteProcedure.DomainLookupByName, 5, PipedClient.Text(new string('x', 1_000_000)));
        List<PipedClient> slow = [];
        for (int i = 0; i < _server.Options.MaxLargeMessages; i++)
        {
            slow.Add(await PipedClient.OpenAsync(_server, Name, uid: (uint)(100 + i)));
            slow[i].Send(whole.AsSpan(0, whole.Length - 1));
        }

        await using PipedClient next = await PipedClient.OpenAsync(_server, Name), small = await PipedClient.OpenAsync(_server, Name);
        await using PipedClient reader = await PipedClient.OpenAsync(_server, Name, isReadOnly: true);
        next.Send(whole);
        Assert.Null(next.TryReceive());
        Assert.Equal(RpcStatus.Ok, (await small.CallAsync(RemoteProcedure.ConnectGetType)).Header.Status);
        reader.Send(whole);
        Assert.Equal(RpcStatus.Error, Frames.Header((await reader.ReceiveAsync())!).Status);

        // One comes after all, and makes room.
        slow[0].Send(whole.AsSpan(whole.Length - 1));
        Assert.Equal(5u, Frames.Header((await slow[0].ReceiveAsync())!).Serial);
        Assert.Equal(5u, Frames.Header((await next.ReceiveAsync())!).Serial);

        // The others do not.
        _time.Advance(TimeSpan.FromSeconds(10));
        foreach (PipedClient client in slow[1..])
            await client.EndedAsync();
        for (int i = 0; i < 2 * _server.Options.MaxLargeMessages; i++)
        {
            next.Send(whole);
            Assert.Equal(5u, Frames.Header((await next.ReceiveAsync())!).Serial);
        }

        foreach (PipedClient client in slow)
            await client.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_user_has_all_places_for_long_messages(bool isReadOnly)
    {
        byte[] whole = Frames.Call(RemoteProcedure.DomainLookupByName, 5, PipedClient.Text(new string('x', 1_000_000)));
        List<PipedClient> slow = [];
        for (int i = 0; i < 4 * _server.Options.MaxLargeMessages; i++)
        {
            slow.Add(await PipedClient.OpenAsync(_server, Name, isReadOnly, uid: 1000));
            slow[i].Send(whole.AsSpan(0, whole.Length - 1));
        }

        await using PipedClient other = await PipedClient.OpenAsync(_server, Name, isReadOnly, uid: 1001);
        other.Send(whole);
        Assert.Equal(5u, Frames.Header((await other.ReceiveAsync())!).Serial);

        // Who goes while it waits, or with a place, gives it back.
        foreach (PipedClient client in slow)
            await client.DisposeAsync();
        await using PipedClient again = await PipedClient.OpenAsync(_server, Name, isReadOnly, uid: 1000);
        for (int i = 0; i < 4 * _server.Options.MaxLargeMessages; i++)
        {
            again.Send(whole);
            Assert.Equal(5u, Frames.Header((await again.ReceiveAsync())!).Serial);
        }
    }

    [Fact]
    public async Task An_error_that_would_quote_more_than_a_message_holds_is_cut()
    {
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name);
        _spy.Instead = call => call == "LookupByNameAsync" ? throw LibvirtError.Report(ErrorCode.NoDomain, ErrorOrigin.Qemu, new string('ä', 4_000_000)) : null;
        (RpcHeader header, byte[] payload) = await client.CallAsync(RemoteProcedure.DomainLookupByName, PipedClient.Text("x"));
        Assert.Equal(RpcStatus.Error, header.Status);
        Assert.InRange(payload.Length, 64 * 1024, 1024 * 1024);
        Assert.StartsWith("Domain not found: ä", XdrReader.Read<RemoteError>(payload).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_goes_wrong_in_an_unforeseen_way_is_an_answer_and_the_connection_stays()
    {
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name);
        foreach (Exception failure in (Exception[])
            [new IOException("disk"), new UnauthorizedAccessException("no"), new FormatException("odd"), new OperationCanceledException("given up")])
        {
            _spy.Instead = call => call == "ListDomainsAsync" ? throw failure : null;
            (RpcHeader header, byte[] payload) = await client.CallAsync(RemoteProcedure.ConnectNumOfDomains);
            Assert.Equal(RpcStatus.Error, header.Status);
            RemoteError error = XdrReader.Read<RemoteError>(payload);
            Assert.Equal(((int)ErrorCode.InternalError, $"internal error: {failure.Message}"), (error.Code, error.Message));
        }

        _spy.Instead = null;
        Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectNumOfDomains)).Header.Status);
    }

    [Fact]
    public async Task Registrations_at_the_same_time_share_one_subscription_and_leave_none_behind()
    {
        Subscriptions subscriptions = new();
        _spy.Instead = call => subscriptions.Answer(call);
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name);
        const int registrations = 20;
        for (uint serial = 0; serial < registrations; serial++)
            client.Send(Frames.Call(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, 100 + serial, "0000000d00000000"));
        subscriptions.Release();
        HashSet<int> callbacks = [];
        for (int i = 0; i < registrations; i++)
            callbacks.Add(XdrReader.Read<CallbackArgs>(Frames.Payload((await client.ReceiveAsync())!)).CallbackID);
        Assert.Equal(registrations, callbacks.Count);
        foreach (int callback in callbacks)
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectDomainEventCallbackDeregisterAny, $"{callback:x8}")).Header.Status);
        Assert.Equal(1, subscriptions.Standing);
        client.EndOfFile();
        await client.EndedAsync();
        Assert.Equal(0, subscriptions.Standing);
    }

    [Fact]
    public async Task A_client_that_goes_while_it_registers_leaves_nothing_behind()
    {
        Subscriptions subscriptions = new();
        _spy.Instead = call => subscriptions.Answer(call);
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name);
        client.Send(Frames.Call(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, 100, "0000000d00000000"));
        client.EndOfFile();
        subscriptions.Release();
        await client.Served.WaitAsync(Deadline, Token);
        Assert.Equal((1, 0), (subscriptions.Made, subscriptions.Standing));
    }

    [Fact]
    public async Task A_client_has_a_limited_number_of_callbacks()
    {
        Subscriptions subscriptions = new();
        subscriptions.Release();
        _spy.Instead = call => subscriptions.Answer(call);
        await using PipedClient client = await PipedClient.OpenAsync(_server, Name);
        for (int i = 0; i < _server.Options.MaxCallbacks; i++)
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, "0000000d00000000")).Header.Status);
        Assert.Equal(RpcStatus.Error, (await client.CallAsync(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, "0000000d00000000")).Header.Status);
    }

    /// <summary>A driver's subscriptions, which take their time and heed no cancellation.</summary>
    private sealed class Subscriptions
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _standing, _made;

        public int Made => Volatile.Read(ref _made);

        public int Standing => Volatile.Read(ref _standing);

        public void Release() => _released.TrySetResult();

        public ValueTask<IAsyncDisposable>? Answer(string call) => call == "SubscribeAsync" ? new ValueTask<IAsyncDisposable>(SubscribeAsync()) : null;

        private async Task<IAsyncDisposable> SubscribeAsync()
        {
            await _released.Task;
            Interlocked.Increment(ref _made);
            Interlocked.Increment(ref _standing);
            return new Subscription(this);
        }

        private sealed class Subscription(Subscriptions all) : IAsyncDisposable
        {
            public ValueTask DisposeAsync()
            {
                Interlocked.Decrement(ref all._standing);
                return default;
            }
        }
    }
}
