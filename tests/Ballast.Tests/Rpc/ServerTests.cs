using System.Buffers.Binary;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Tests.Cli;
using static Ballast.Tests.Rpc.RawClient;

namespace Ballast.Tests.Rpc;

/// <summary>The server at its edges, as libvirt's daemon answers there.</summary>
[Collection(Ballast.Tests.Drivers.TestDriverTests.Shared)]
public sealed class ServerTests
{
    private const string Uuid = "6695eb01f6a4830479aa97f2502e193f";
    private static readonly string TestDomain = Text("test") + Uuid + "00000001";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<(ServerFixture Server, RawClient Client)> StartAsync(bool authenticate = true, string? open = "test:///default", bool isReadOnly = false)
    {
        ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token), isReadOnly);
        return (server, await RawClient.ConnectAsync(server.SocketPath, authenticate, open));
    }

    [Theory]
    [InlineData((int)RemoteProcedure.ConnectOpen)]
    [InlineData((int)RemoteProcedure.DomainMemoryStats)]
    [InlineData(9999)]
    public async Task Who_was_not_let_in_is_told_so_and_stays_connected(int procedure)
    {
        (ServerFixture server, RawClient client) = await StartAsync(authenticate: false);
        await using (server)
        using (client)
        {
            LibvirtException error = await client.FailAsync((RemoteProcedure)procedure, "");
            Assert.Equal((ErrorCode.Rpc, ErrorOrigin.Rpc, "authentication required"), (error.Code, error.Origin, error.Message));
            Assert.Equal("0000000100000000", Convert.ToHexString((await client.CallAsync(RemoteProcedure.AuthList, "")).Payload));
        }
    }

    [Fact]
    public async Task Unknown_procedures_and_programs_are_named_as_libvirt_does()
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            foreach (int procedure in (int[])[9999, 0, -1, 318])
            {
                LibvirtException error = await client.FailAsync((RemoteProcedure)procedure, "");
                Assert.Equal((ErrorCode.Rpc, ErrorOrigin.Rpc, $"unknown procedure: {procedure}"), (error.Code, error.Origin, error.Message));
            }

            await client.SendAsync(new RpcHeader(305419896, 1, 1, RpcType.Call, 77, RpcStatus.Ok), "");
            (RpcHeader header, byte[] payload) = await client.ReceiveAsync();
            Assert.Equal((305419896u, 77u, RpcStatus.Error), (header.Program, header.Serial, header.Status));
            Assert.Equal("Cannot find program 305419896 version 1", Error((header, payload)).Message);
            await client.SendAsync(new RpcHeader(RpcPrograms.Remote, 2, 1, RpcType.Call, 78, RpcStatus.Ok), "");
            Assert.Equal("Cannot find program 536903814 version 2", Error(await client.ReceiveAsync()).Message);

            // Keepalive has messages, and no calls.
            await client.SendAsync(new RpcHeader(RpcPrograms.Keepalive, 1, RpcPrograms.KeepalivePing, RpcType.Call, 79, RpcStatus.Ok), "");
            Assert.Equal("Cannot find program 1801807216 version 1", Error(await client.ReceiveAsync()).Message);
        }
    }

    [Fact]
    public async Task Opening_has_libvirts_errors()
    {
        (ServerFixture server, RawClient client) = await StartAsync(open: null);
        await using (server)
        using (client)
        {
            Assert.Equal("internal error: hypervisor connection not open", (await client.FailAsync(RemoteProcedure.DomainGetState, TestDomain + "00000000")).Message);
            Assert.Equal("internal error: connection not open", (await client.FailAsync(RemoteProcedure.ConnectOpen, "0000000000000000")).Message);
            LibvirtException other = await client.FailAsync(RemoteProcedure.ConnectOpen, Text("xen:///system", isOptional: true) + "00000000");
            Assert.Equal((ErrorCode.NoConnect, ErrorOrigin.None, "no connection driver available for xen:///system"), (other.Code, other.Origin, other.Message));
            Assert.Equal(ErrorCode.NoConnect, (await client.FailAsync(RemoteProcedure.ConnectOpen, Text("qmp:///etc/passwd", isOptional: true) + "00000000")).Code);
            Assert.Equal(ErrorCode.NoConnect, (await client.FailAsync(RemoteProcedure.ConnectOpen, Text("test:///default?x=1", isOptional: true) + "00000000")).Code);
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectOpen, "01000000" + Text("") + "00000000")).Header.Status);
            Assert.Equal("internal error: connection already open", (await client.FailAsync(RemoteProcedure.ConnectOpen, "01000000" + Text("") + "00000000")).Message);
        }
    }

    [Fact]
    public async Task Arguments_that_cannot_be_decoded_cost_an_error_and_no_more()
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            string whole = TestDomain + "0000000d" + "00000000";
            for (int bytes = 0; bytes < whole.Length / 2; bytes++)
            {
                LibvirtException error = await client.FailAsync(RemoteProcedure.DomainMemoryStats, whole[..(bytes * 2)]);
                Assert.Equal((ErrorCode.Rpc, ErrorOrigin.Rpc, "Unable to decode message payload"), (error.Code, error.Origin, error.Message));
            }

            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.DomainMemoryStats, whole + "12345678")).Header.Status);
        }
    }

    [Theory]
    [InlineData(6, 6)]
    [InlineData(13, 13)]
    [InlineData(64, 13)]
    [InlineData(0, 0)]
    public async Task As_many_statistics_as_were_asked_for_in_libvirts_order(int asked, int expected)
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            byte[] payload = (await client.CallAsync(RemoteProcedure.DomainMemoryStats, TestDomain + $"{asked:x8}00000000")).Payload;
            int[] tags = [.. XdrReader.Read<MemoryStatsReply>(payload).Stats.Select(stat => stat.Tag)];
            Assert.Equal(((int[])[6, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 7])[..expected], tags);
        }
    }

    [Fact]
    public async Task Statistics_with_flags_or_of_nobody_have_libvirts_errors()
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            LibvirtException flags = await client.FailAsync(RemoteProcedure.DomainMemoryStats, TestDomain + "0000000d00000001");
            Assert.Equal((ErrorCode.InvalidArgument, ErrorOrigin.Test, "unsupported flags (0x1) in function testDomainMemoryStats"), (flags.Code, flags.Origin, flags.Message));
            Assert.Equal(ErrorCode.InternalError, (await client.FailAsync(RemoteProcedure.DomainMemoryStats, TestDomain + "0000040100000000")).Code);
            LibvirtException gone = await client.FailAsync(RemoteProcedure.DomainGetState, Text("gone") + new string('9', 32) + "00000001" + "00000000");
            Assert.Equal(ErrorCode.NoDomain, gone.Code);
        }
    }

    public static TheoryData<int, string, string> Writes { get; } = new()
    {
        { (int)RemoteProcedure.DomainSuspend, "", "virDomainSuspend" },
        { (int)RemoteProcedure.DomainResume, "", "virDomainResume" },
        { (int)RemoteProcedure.DomainShutdown, "", "virDomainShutdown" },
        { (int)RemoteProcedure.DomainShutdownFlags, "00000001", "virDomainShutdownFlags" },
        { (int)RemoteProcedure.DomainReset, "00000000", "virDomainReset" },
        { (int)RemoteProcedure.DomainDestroy, "", "virDomainDestroy" },
        { (int)RemoteProcedure.DomainDestroyFlags, "00000001", "virDomainDestroyFlags" },
        { (int)RemoteProcedure.DomainSetMemory, "0000000000010000", "virDomainSetMemory" },
        { (int)RemoteProcedure.DomainSetMaxMemory, "0000000000010000", "virDomainSetMaxMemory" },
        { (int)RemoteProcedure.DomainSetMemoryFlags, "000000000001000000000001", "virDomainSetMemoryFlags" },
        { (int)RemoteProcedure.DomainSetMemoryStatsPeriod, "0000000500000000", "virDomainSetMemoryStatsPeriod" },
        { (int)RemoteProcedure.DomainCreate, "", "virDomainCreate" },
        { (int)RemoteProcedure.DomainCreateWithFlags, "00000000", "virDomainCreateWithFlags" },
        { (int)RemoteProcedure.DomainReboot, "00000063", "virDomainReboot" },
        { (int)RemoteProcedure.DomainUndefine, "", "virDomainUndefine" },
        { (int)RemoteProcedure.DomainUndefineFlags, "00000000", "virDomainUndefineFlags" },
        { (int)RemoteProcedure.DomainSetAutostart, "00000001", "virDomainSetAutostart" },
        { (int)RemoteProcedure.DomainManagedSave, "000000ff", "virDomainManagedSave" },
        { (int)RemoteProcedure.DomainManagedSaveRemove, "00000001", "virDomainManagedSaveRemove" },
        { (int)RemoteProcedure.DomainSetMetadata, "00000000" + "00000000" + "00000000" + "00000000" + "00000040", "virDomainSetMetadata" },
        { (int)RemoteProcedure.DomainSetVcpus, "00000000", "virDomainSetVcpus" },
        { (int)RemoteProcedure.DomainSetVcpusFlags, "0000000100000004", "virDomainSetVcpusFlags" },
        { (int)RemoteProcedure.DomainRename, "00000001" + Text("x") + "00000001", "virDomainRename" },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task A_change_is_refused_by_the_socket_alone_and_by_the_flag_alone(int procedure, string rest, string function)
    {
        foreach (bool isSocket in (bool[])[true, false])
        {
            (ServerFixture server, RawClient client) = await StartAsync(open: null, isReadOnly: isSocket);
            await using (server)
            using (client)
            {
                Assert.Equal(RpcStatus.Ok, (await client.CallAsync(
                    RemoteProcedure.ConnectOpen, Text("test:///default", isOptional: true) + (isSocket ? "00000000" : "00000001"))).Header.Status);
                LibvirtException error = await client.FailAsync((RemoteProcedure)procedure, TestDomain + rest);
                Assert.Equal(
                    (ErrorCode.OperationDenied, ErrorOrigin.Domain, $"operation forbidden: read only access prevents {function}"),
                    (error.Code, error.Origin, error.Message));
            }
        }
    }

    [Fact]
    public async Task What_is_no_call_is_dropped_and_a_ping_is_answered()
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            foreach (RpcType type in (RpcType[])[RpcType.Reply, RpcType.Message, RpcType.Stream, RpcType.ReplyWithFds, (RpcType)99])
                await client.SendAsync(new RpcHeader(RpcPrograms.Remote, 1, 3, type, 5, RpcStatus.Ok), "");
            await client.SendAsync(new RpcHeader(RpcPrograms.Keepalive, 1, RpcPrograms.KeepalivePing, RpcType.Message, 0, RpcStatus.Ok), "");
            (RpcHeader pong, byte[] nothing) = await client.ReceiveAsync();
            Assert.Equal((RpcPrograms.Keepalive, RpcPrograms.KeepalivePong, RpcType.Message, 0), (pong.Program, pong.Procedure, pong.Type, nothing.Length));
            await client.SendAsync(new RpcHeader(RpcPrograms.Remote, 1, 3, RpcType.Call, 6, RpcStatus.Error), "");
            Assert.Equal("Unexpected message status 1", Error(await client.ReceiveAsync()).Message);
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(27u)]
    [InlineData(1u << 31)]
    [InlineData(uint.MaxValue)]
    [InlineData(33554437u)]
    public async Task A_length_that_no_message_has_closes_the_connection(uint length)
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            byte[] word = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(word, length);
            await client.SendRawAsync(word);
            await client.EndAsync();
        }
    }

    [Fact]
    public async Task Closing_is_answered_first()
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectClose, "")).Header.Status);
            await client.EndAsync();
        }
    }

    [Fact]
    public async Task Many_calls_in_one_write_are_all_answered()
    {
        (ServerFixture server, RawClient client) = await StartAsync();
        await using (server)
        using (client)
        {
            const int calls = 500;
            List<byte> bytes = [];
            for (uint serial = 0; serial < calls; serial++)
            {
                byte[] frame = new byte[RpcHeader.FrameOverhead];
                new RpcHeader(RpcPrograms.Remote, 1, (int)RemoteProcedure.ConnectGetType, RpcType.Call, 1000 + serial, RpcStatus.Ok).Write(frame, 0);
                bytes.AddRange(frame);
            }

            await client.SendRawAsync([.. bytes]);
            HashSet<uint> answered = [];
            while (answered.Count < calls)
                answered.Add((await client.ReceiveAsync()).Header.Serial);
        }
    }

    [Fact]
    public async Task A_tag_and_a_type_of_tomorrow_cross_server_and_client()
    {
        const MemoryStatTag unknown = (MemoryStatTag)4711;
        FakeDomain domain = new("guest", 7) { Facts = new() { Entries = [new(MemoryStatTag.ActualBalloon, 1), new(unknown, ulong.MaxValue - 1)], PeriodSeconds = 2, IsRunning = true } };
        await using ServerFixture server = ServerFixture.Start(new Connection(new FakeDriver(domain), "fake:///", new ConnectionOptions()));
        await using Connection connection = await server.ConnectAsync();
        Domain remote = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        MemoryStat[] buffer = new MemoryStat[64];
        Assert.Equal(2, await remote.FillMemoryStatsAsync(buffer, cancellationToken: Token));
        Assert.Equal(new MemoryStat(unknown, ulong.MaxValue - 1), buffer[1]);
        Assert.Equal(ulong.MaxValue - 1, (await remote.GetMemoryStatsAsync(cancellationToken: Token))[unknown]);
    }
}
