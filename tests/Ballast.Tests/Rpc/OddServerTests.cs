using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>Servers that answer in another order, or too much, or nothing, and our client.</summary>
public sealed class OddServerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_come_in_any_order_between_events_and_what_nobody_knows()
    {
        PipePair pipes = new();
        PipedPeer server = new(pipes.Far);
        List<int> events = [];
        await using RpcClient client = new(pipes.Near, TimeProvider.System, (in RpcHeader header, ReadOnlySpan<byte> payload) => events.Add(header.Procedure));
        Task<NumberReply>[] calls = [.. Enumerable.Range(0, 10).Select(number => AskAsync(client, number))];
        List<byte[]> asked = [];
        for (int i = 0; i < calls.Length; i++)
            asked.Add((await server.ReceiveAsync())!);
        Assert.Equal(Enumerable.Range(0, 10).Select(serial => (uint)serial), asked.Select(call => Frames.Header(call).Serial));

        foreach (byte[] call in asked.AsEnumerable().Reverse())
        {
            RpcHeader header = Frames.Header(call);
            foreach (RpcType type in (RpcType[])[RpcType.Call, RpcType.Stream, RpcType.StreamHole, RpcType.ReplyWithFds, (RpcType)99, (RpcType)(-1)])
                server.Send(Frames.Of(header with { Type = type }, []));
            server.Send(Frames.Of(header with { Type = RpcType.Reply, Serial = 4711 }, [0, 0, 0, 1]));
            server.Send(Recordings.Events[0]);
            server.Send(Frames.Of(header with { Type = RpcType.Message, Procedure = 9999 }, []));
            server.Send(Frames.Of(header with { Type = RpcType.Reply }, [0, 0, 0, (byte)header.Serial, 9, 9]));

            // Twice: the second is nobody's any more.
            server.Send(Frames.Of(header with { Type = RpcType.Reply }, [0, 0, 0, 99]));
        }

        Assert.Equal(Enumerable.Range(0, 10), (await Task.WhenAll(calls)).Select(reply => reply.Number));
        Assert.Equal(Enumerable.Repeat((int[])[Frames.Header(Recordings.Events[0]).Procedure, 9999], 10).SelectMany(pair => pair), events);
        Assert.False(client.IsLost);
    }

    [Fact]
    public async Task An_answer_to_something_else_or_with_another_status_fails_its_call_only()
    {
        PipePair pipes = new();
        PipedPeer server = new(pipes.Far);
        await using RpcClient client = new(pipes.Near, TimeProvider.System);
        foreach (Func<RpcHeader, RpcHeader> spoil in (Func<RpcHeader, RpcHeader>[])
            [header => header with { Procedure = 2 }, header => header with { Program = 2 }, header => header with { Status = RpcStatus.Continue }, header => header with { Status = RpcStatus.Error }])
        {
            Task<NumberReply> call = AskAsync(client, 1);
            server.Send(Frames.Of(spoil(Frames.Header((await server.ReceiveAsync())!) with { Type = RpcType.Reply }), [0, 0, 0, 1]));
            Assert.Equal(ErrorCode.Rpc, (await Assert.ThrowsAsync<LibvirtException>(() => call)).Code);
        }

        Task<NumberReply> well = AskAsync(client, 1);
        server.Send(Frames.Of(Frames.Header((await server.ReceiveAsync())!) with { Type = RpcType.Reply }, [0, 0, 0, 1]));
        Assert.Equal(1, (await well).Number);
    }

    [Fact]
    public async Task One_that_asks_without_end_and_reads_nothing_gets_one_answer_only()
    {
        const int unread = 4096;
        PipePair pipes = new(unread);
        PipedPeer server = new(pipes.Far);
        await using RpcClient client = new(pipes.Near, TimeProvider.System);
        byte[] ping = Frames.Of(RpcKeepalive.Pong with { Procedure = RpcPrograms.KeepalivePing }, []);

        // Once with an answer: from then on it receives whatever is sent.
        server.Send(ping);
        Assert.Equal(RpcKeepalive.Pong, Frames.Header((await server.ReceiveAsync())!));
        for (int i = 0; i < 20_000; i++)
            server.Send(ping);
        Task<NumberReply> call = AskAsync(client, 1);
        Assert.False(client.IsLost);

        // What it answered before it could not write any more, one that waited meanwhile, and then the call. It may be none:
        // while the first answer's end is not yet known, all that comes counts as answered by it.
        int pongs = 0;
        byte[] frame;
        while (Frames.Header(frame = (await server.ReceiveAsync())!).Program == RpcPrograms.Keepalive)
            pongs++;
        Assert.InRange(pongs, 0, (unread / RpcHeader.FrameOverhead) + 2);
        server.Send(Frames.Of(Frames.Header(frame) with { Type = RpcType.Reply }, [0, 0, 0, 1]));
        Assert.Equal(1, (await call).Number);
    }

    [Fact]
    public async Task One_that_is_silent_is_given_up_and_everybody_who_waits_is_told()
    {
        FakeTimeProvider time = new();
        PipePair pipes = new();
        PipedPeer server = new(pipes.Far);
        await using RpcClient client = new(pipes.Near, time);
        client.StartKeepalive(TimeSpan.FromSeconds(5), 2);
        Task<NumberReply>[] calls = [AskAsync(client, 1, TimeSpan.FromMinutes(1)), AskAsync(client, 2, TimeSpan.FromMinutes(1))];
        _ = await server.ReceiveAsync();
        _ = await server.ReceiveAsync();
        for (int ping = 0; ping < 2; ping++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(RpcPrograms.KeepalivePing, Frames.Header((await server.ReceiveAsync())!).Procedure);
        }

        Assert.False(client.IsLost);
        time.Advance(TimeSpan.FromSeconds(5));
        foreach (Task<NumberReply> call in calls)
        {
            LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => call.WaitAsync(Timeout, Token));
            Assert.Equal((ErrorCode.InternalError, "internal error: connection closed due to keepalive timeout"), (error.Code, error.Message));
        }
    }

    [Fact]
    public void A_period_that_is_longer_than_can_be_is_refused_and_not_cut()
    {
        SampleRecord record = new() { Dom = new() { Name = "a" }, Stats = [], Period = new() { Value = (1ul << 32) + 5 } };
        Assert.Throws<XdrException>(() => record.ToSample());
        Assert.Equal(TimeSpan.FromSeconds(5), (record with { Period = new() { Value = 5 } }).ToSample().Period);
    }

    private static Task<NumberReply> AskAsync(RpcClient client, int number, TimeSpan? timeout = null) => client.CallAsync<FeatureArgs, NumberReply>(
        RemoteProcedure.ConnectSupportsFeature, new() { Feature = number }, timeout ?? Timeout, changesSomething: false, Token).AsTask();
}
