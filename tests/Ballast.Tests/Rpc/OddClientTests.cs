using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Tests.Cli;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>Clients that do it in another way than libvirt's own, and are right.</summary>
public sealed class OddClientTests
{
    private const string Name = "fake:///";
    private static readonly FakeDomain Guest = new("guest", 7)
    {
        Facts = new() { Entries = [.. Enumerable.Range(0, 20).Select(tag => new MemoryStat((MemoryStatTag)tag, (ulong)tag * 1000))], PeriodSeconds = 2, IsRunning = true },
    };

    private static readonly string GuestOnTheWire = PipedClient.Text("guest") + Convert.ToHexString(Guest.Identity.Uuid.ToByteArray(bigEndian: true)) + "00000007";

    private static LibvirtServer NewServer(LibvirtServerOptions? options = null) =>
        new([(Name, new Connection(new FakeDriver(Guest), Name, new ConnectionOptions()))], options ?? new LibvirtServerOptions());

    [Fact]
    public async Task One_whose_true_is_another_word_and_whose_serials_begin_with_1_is_served_and_never_asked_whether_it_is_there()
    {
        FakeTimeProvider time = new();
        await using PipedClient client = new(NewServer(new LibvirtServerOptions { TimeProvider = time }));
        client.Send(Frames.Call(RemoteProcedure.AuthList, 1));
        Assert.Equal(1u, Frames.Header((await client.ReceiveAsync())!).Serial);
        client.Send(Frames.Call(RemoteProcedure.ConnectOpen, 2, "01000000" + PipedClient.Text(Name) + "00000000"));
        Assert.Equal((2u, RpcStatus.Ok), await HeaderAsync(client));
        client.Send(Frames.Call(RemoteProcedure.ConnectListAllDomains, 3, "01000000" + "00000000"));
        byte[] list = (await client.ReceiveAsync())!;
        Assert.Equal("guest", Assert.Single(XdrReader.Read<ListAllDomainsReply>(Frames.Payload(list)).Domains).Name);

        // It never asked for keepalive, and would not know what a PING is.
        for (int minutes = 0; minutes < 60; minutes++)
            time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(client.TryReceive());
        client.Send(Frames.Call(RemoteProcedure.ConnectGetType, uint.MaxValue));
        Assert.Equal((uint.MaxValue, RpcStatus.Ok), await HeaderAsync(client));
    }

    [Fact]
    public async Task One_that_asked_for_keepalive_and_does_not_answer_is_given_up_after_the_last_interval()
    {
        FakeTimeProvider time = new();
        LibvirtServerOptions options = new() { TimeProvider = time, KeepaliveInterval = TimeSpan.FromSeconds(7), KeepaliveCount = 3 };
        await using PipedClient client = await PipedClient.OpenAsync(NewServer(options), Name);
        Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectSupportsFeature, "0000000a")).Header.Status);
        for (int ping = 0; ping < options.KeepaliveCount; ping++)
        {
            time.Advance(options.KeepaliveInterval - TimeSpan.FromTicks(1));
            Assert.Null(client.TryReceive());
            time.Advance(TimeSpan.FromTicks(1));
            RpcHeader header = Frames.Header((await client.ReceiveAsync())!);
            Assert.Equal(new RpcHeader(RpcPrograms.Keepalive, 1, RpcPrograms.KeepalivePing, RpcType.Message, 0, RpcStatus.Ok), header);
        }

        time.Advance(options.KeepaliveInterval - TimeSpan.FromTicks(1));
        Assert.False(client.Served.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));
        await client.EndedAsync();
    }

    [Fact]
    public async Task One_that_answers_anything_at_all_stays()
    {
        FakeTimeProvider time = new();
        LibvirtServerOptions options = new() { TimeProvider = time, KeepaliveInterval = TimeSpan.FromSeconds(5), KeepaliveCount = 2 };
        await using PipedClient client = await PipedClient.OpenAsync(NewServer(options), Name);
        _ = await client.CallAsync(RemoteProcedure.ConnectSupportsFeature, "0000000a");
        for (int round = 0; round < 20; round++)
        {
            time.Advance(options.KeepaliveInterval);
            Assert.Equal(RpcPrograms.KeepalivePing, Frames.Header((await client.ReceiveAsync())!).Procedure);

            // A PONG, or a message of no program that anybody knows.
            client.Send(Frames.Of(round % 2 == 0 ? RpcKeepalive.Pong : RpcKeepalive.Pong with { Program = 4711 }, []));
        }

        Assert.False(client.Served.IsCompleted);
        Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectGetType)).Header.Status);
    }

    [Theory]
    [InlineData(6, 6)]
    [InlineData(64, 20)]
    [InlineData(1024, 20)]
    public async Task It_gets_as_many_statistics_as_it_has_room_for(int room, int expected)
    {
        await using PipedClient client = await PipedClient.OpenAsync(NewServer(), Name);
        (RpcHeader header, byte[] payload) = await client.CallAsync(RemoteProcedure.DomainMemoryStats, GuestOnTheWire + $"{room:x8}00000000");
        Assert.Equal(RpcStatus.Ok, header.Status);
        Assert.Equal(Guest.Facts.Entries[..expected].Select(entry => (int)entry.Tag), XdrReader.Read<MemoryStatsReply>(payload).Stats.Select(stat => stat.Tag));
    }

    [Fact]
    public async Task One_that_sends_byte_by_byte_and_one_that_sends_all_at_once_get_the_same()
    {
        byte[] calls = [.. Enumerable.Range(0, 50).SelectMany(serial => Frames.Call(RemoteProcedure.DomainGetState, (uint)serial + 10, GuestOnTheWire + "00000000"))];
        List<byte[]> answers = [];
        foreach (int piece in (int[])[1, 7, calls.Length])
        {
            await using PipedClient client = await PipedClient.OpenAsync(NewServer(), Name);
            for (int at = 0; at < calls.Length; at += piece)
                client.Send(calls.AsSpan(at, Math.Min(piece, calls.Length - at)));
            List<byte> answer = [];
            for (int i = 0; i < 50; i++)
                answer.AddRange((await client.ReceiveAsync())!);
            answers.Add([.. answer]);
        }

        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
    }

    [Fact]
    public async Task A_list_of_all_the_domains_that_the_protocol_allows_is_taken()
    {
        LibvirtServer server = NewServer();
        await using PipedClient client = await PipedClient.OpenAsync(server, Name);
        string list = string.Concat(Enumerable.Repeat(GuestOnTheWire, RpcLimits.MaxDomains));
        (RpcHeader header, byte[] payload) = await client.CallAsync(
            RemoteProcedure.ConnectGetAllDomainStats, $"{RpcLimits.MaxDomains:x8}{list}0000000000000000");
        Assert.Equal((RpcStatus.Ok, RpcLimits.MaxDomains), (header.Status, XdrReader.Read<AllStatsReply>(payload).RetStats.Length));
    }

    private static async Task<(uint Serial, RpcStatus Status)> HeaderAsync(PipedClient client)
    {
        RpcHeader header = Frames.Header((await client.ReceiveAsync())!);
        return (header.Serial, header.Status);
    }
}
