using System.Buffers.Binary;
using Ballast.Fuzz.Wire;
using Ballast.Recorder;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Server.Dispatch;
using Ballast.Tests.Cli;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Rpc;

/// <summary>
/// Whole frames that are cut, spoiled or out of place, against a server in memory: each call has its answer and nothing
/// else comes, and a healthy client beside them never notices.
/// </summary>
public sealed class ServerAttackTests
{
    private const string Name = "fake:///";
    private static readonly FakeDomain Guest = new("guest", 7) { Facts = new() { Entries = [new(MemoryStatTag.ActualBalloon, 1)], PeriodSeconds = 2, IsRunning = true } };
    private static readonly RemoteDomain GuestOnTheWire = new() { Name = "guest", Uuid = Guest.Identity.Uuid, Id = 7 };

    public static TheoryData<bool> Ways { get; } = [true, false];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_frame_that_is_cut_anywhere_is_waited_for_and_never_answered(bool isLetIn)
    {
        await using Scene scene = await Scene.StartAsync();
        foreach (RecordedFrame call in Calls)
        {
            for (int length = 0; length < call.Bytes.Length; length++)
            {
                await using PipedClient client = await scene.ConnectAsync(isLetIn);
                client.Send(call.Bytes.AsSpan(0, length));
                Assert.False(client.Served.IsCompleted);
                client.EndOfFile();
                Assert.Null(await client.ReceiveAsync());
            }

            await scene.CheckHealthAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_frame_with_any_byte_spoiled_has_the_answer_that_it_should(bool isLetIn)
    {
        await using Scene scene = await Scene.StartAsync();
        foreach (RecordedFrame call in Calls)
        {
            for (int at = 0; at < call.Bytes.Length; at++)
            {
                foreach (byte bits in (byte[])[0xFF, 1])
                {
                    byte[] spoiled = [.. call.Bytes];
                    spoiled[at] ^= bits;
                    await scene.CheckAsync(spoiled, isLetIn);
                }
            }

            await scene.CheckHealthAsync();
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(27u)]
    [InlineData(1u << 31)]
    [InlineData(uint.MaxValue)]
    public async Task A_frame_with_any_word_replaced_has_the_answer_that_it_should(uint word)
    {
        await using Scene scene = await Scene.StartAsync();
        foreach (RecordedFrame call in Calls)
        {
            // The first is the length of the whole; behind the header, each may be the length of something.
            for (int at = 0; at + sizeof(uint) <= call.Bytes.Length; at += sizeof(uint))
            {
                byte[] spoiled = [.. call.Bytes];
                BinaryPrimitives.WriteUInt32BigEndian(spoiled.AsSpan(at), word);
                await scene.CheckAsync(spoiled, isLetIn: true);
            }

            await scene.CheckHealthAsync();
        }
    }

    [Fact]
    public async Task Programs_procedures_types_and_statuses_that_nobody_knows_have_the_answer_that_they_should()
    {
        await using Scene scene = await Scene.StartAsync();
        RpcHeader known = new(RpcPrograms.Remote, RpcPrograms.Version, (int)RemoteProcedure.ConnectGetType, RpcType.Call, 77, RpcStatus.Ok);
        int[] numbers = [int.MinValue, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 99, 318, 9999, 0x6b656570, 0x42414C4C, int.MaxValue];
        foreach (bool isLetIn in (bool[])[true, false])
        {
            foreach (int number in numbers)
            {
                foreach (RpcHeader header in (RpcHeader[])
                    [
                        known with { Program = (uint)number }, known with { Version = (uint)number }, known with { Procedure = number },
                        known with { Type = (RpcType)number }, known with { Status = (RpcStatus)number }, known with { Serial = (uint)number },
                        known with { Program = RpcPrograms.Ballast, Procedure = number }, known with { Program = RpcPrograms.Keepalive, Procedure = number },
                        known with { Program = RpcPrograms.Keepalive, Procedure = number, Type = RpcType.Message },
                    ])
                {
                    await scene.CheckAsync(Frames.Of(header, []), isLetIn);
                    await scene.CheckAsync(Frames.Of(header, new byte[100]), isLetIn);
                }
            }
        }

        await scene.CheckHealthAsync();
    }

    [Fact]
    public async Task Before_it_was_let_in_a_client_is_told_so_whatever_it_calls_and_nothing_is_done()
    {
        await using Scene scene = await Scene.StartAsync();
        scene.Spy.Forget();
        foreach ((uint program, int procedure, Handler handler) in Procedures.Where(each => each.Handler is not null
            && (each.Program != RpcPrograms.Remote || each.Procedure is not (>= (int)RemoteProcedure.AuthList and <= (int)RemoteProcedure.AuthPolkit))))
        {
            await using PipedClient client = await scene.ConnectAsync(isLetIn: false);
            RemoteError error = await FailAsync(client, program, procedure, handler);
            Assert.Equal(((int)ErrorCode.Rpc, "authentication required"), (error.Code, error.Message));
        }

        Assert.Empty(scene.Spy.Calls);
    }

    [Fact]
    public async Task Whatever_changes_something_is_refused_by_the_socket_alone_and_by_the_flag_alone()
    {
        await using Scene scene = await Scene.StartAsync();
        List<int> changing = [];
        foreach ((uint program, int procedure, Handler handler) in Procedures)
        {
            await using PipedClient writer = await PipedClient.OpenAsync(scene.Server, Name);
            scene.Spy.Forget();
            _ = await CallAsync(writer, program, procedure, handler);
            bool isChange = scene.Spy.Changes.Count > 0;
            if (isChange)
                changing.Add(procedure);
            foreach (bool bySocket in (bool[])[true, false])
            {
                await using PipedClient reader = await PipedClient.OpenAsync(scene.Server, Name, isReadOnly: bySocket, flags: bySocket ? 0u : 1u);
                scene.Spy.Forget();
                (RpcHeader header, byte[] payload) = await CallAsync(reader, program, procedure, handler);
                Assert.Empty(scene.Spy.Changes);
                if (!isChange)
                    continue;
                Assert.Equal(RpcStatus.Error, header.Status);
                RemoteError error = XdrReader.Read<RemoteError>(payload);
                Assert.Equal(((int)ErrorCode.OperationDenied, (int)ErrorOrigin.Domain), (error.Code, error.Origin));
                Assert.StartsWith("operation forbidden: read only access prevents ", error.Message, StringComparison.Ordinal);
            }
        }

        Assert.Superset(
            ServerTests.Writes.Select(row => row.Data.Item1).ToHashSet(), changing.ToHashSet());
    }

    private static IEnumerable<RecordedFrame> Calls => Recordings.All.Where(frame => frame.IsFromClient);

    /// <summary>All that is served.</summary>
    private static IEnumerable<(uint Program, int Procedure, Handler Handler)> Procedures =>
    [
        .. RemoteProgram.Handlers.Select(pair => (RpcPrograms.Remote, pair.Key, pair.Value)),
        .. Enum.GetValues<BallastProcedure>().Where(procedure => BallastProgram.Find((int)procedure) is not null)
            .Select(procedure => (RpcPrograms.Ballast, (int)procedure, BallastProgram.Find((int)procedure)!)),
    ];

    private static async Task<RemoteError> FailAsync(PipedClient client, uint program, int procedure, Handler handler)
    {
        (RpcHeader header, byte[] payload) = await CallAsync(client, program, procedure, handler);
        Assert.Equal(RpcStatus.Error, header.Status);
        return XdrReader.Read<RemoteError>(payload);
    }

    /// <summary>Calls a procedure about the guest, with arguments that are as plain as can be.</summary>
    private static async Task<(RpcHeader Header, byte[] Payload)> CallAsync(PipedClient client, uint program, int procedure, Handler handler)
    {
        object arguments = Activator.CreateInstance(handler.Types.Arguments)!;
        handler.Types.Arguments.GetField("Dom")?.SetValue(arguments, GuestOnTheWire);
        handler.Types.Arguments.GetField("Memory")?.SetValue(arguments, 1024ul);
        handler.Types.Arguments.GetField("Nvcpus")?.SetValue(arguments, 1u);
        handler.Types.Arguments.GetField("NewName")?.SetValue(arguments, "another");
        byte[] payload = (byte[])typeof(ServerAttackTests).GetMethod(nameof(Encode), System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)!
            .MakeGenericMethod(handler.Types.Arguments).Invoke(null, [arguments])!;
        client.Send(Frames.Of(new RpcHeader(program, RpcPrograms.Version, procedure, RpcType.Call, 4711, RpcStatus.Ok), payload));
        byte[] reply = (await client.ReceiveAsync())!;
        Assert.Equal((program, procedure, 4711u), (Frames.Header(reply).Program, Frames.Header(reply).Procedure, Frames.Header(reply).Serial));
        return (Frames.Header(reply), Frames.Payload(reply));
    }

    private static byte[] Encode<T>(T message)
        where T : struct, IXdrMessage<T>
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        XdrWriter.Write(output, message);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A server with a healthy client.</summary>
    private sealed class Scene(LibvirtServer server, SpyDriver spy, PipedClient healthy) : IAsyncDisposable
    {
        public LibvirtServer Server => server;

        public SpyDriver Spy => spy;

        public static async Task<Scene> StartAsync()
        {
            (Ballast.Drivers.IDriver driver, SpyDriver spy) = SpyDriver.Before(new FakeDriver(Guest));
            LibvirtServer server = new([(Name, new Connection(driver, Name, new ConnectionOptions()))], new LibvirtServerOptions());
            return new Scene(server, spy, await PipedClient.OpenAsync(server, Name));
        }

        public async Task<PipedClient> ConnectAsync(bool isLetIn) => isLetIn ? await PipedClient.OpenAsync(server, Name) : new PipedClient(server);

        public async Task CheckAsync(byte[] sent, bool isLetIn)
        {
            await using PipedClient client = await ConnectAsync(isLetIn);
            ServerOracle oracle = new(sent, isLetIn);
            client.Send(sent);
            while (oracle.IsWaiting)
                _ = oracle.Take((await client.ReceiveAsync())!);
            if (oracle.EndsConnection)
                await client.Served.WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
            else
                Assert.False(client.Served.IsCompleted);
            client.EndOfFile();
            while (await client.ReceiveAsync() is { } frame)
                _ = oracle.Take(frame);
        }

        public async Task CheckHealthAsync()
        {
            Assert.False(healthy.Served.IsCompleted);
            (RpcHeader header, byte[] payload) = await healthy.CallAsync(
                RemoteProcedure.DomainMemoryStats, Convert.ToHexString(Encode(new MemoryStatsArgs { Dom = GuestOnTheWire, MaxStats = 13 })));
            Assert.Equal((RpcStatus.Ok, 1), (header.Status, XdrReader.Read<MemoryStatsReply>(payload).Stats.Length));
        }

        public async ValueTask DisposeAsync()
        {
            await CheckHealthAsync();
            await healthy.DisposeAsync();
        }
    }
}
