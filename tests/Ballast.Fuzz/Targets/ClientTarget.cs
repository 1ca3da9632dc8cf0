using System.Collections.Concurrent;
using System.IO.Pipelines;
using Ballast.Drivers.Remote;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// All that a server can send to our client, through the whole remote driver: every call ends, with what was sent or with
/// an error of ours, and with no more than was asked for. The input is what the server sends, frame by frame: up to the
/// next reply for each call. A reply with serial 0 is given the serial that is waited for; others stay as they are.
/// </summary>
internal sealed class ClientTarget : FuzzTarget
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private static readonly Lazy<IReadOnlyList<byte[]>> Sessions = new(() => [Record(FromDaemon), Record(FromDaemonBackwards)]);

    public override string Name => "client";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. Replies(longest: 2048),
        .. new[]
        {
            "00000000", "00000001", "00000003", "0000001b", "0000001c", "01000000", "7fffffff", "80000000", "ffffffff", "02000004", "02000005",
            "00000400", "00000401", "00004000", "00004001", "00040000", "00040001", "00000008", "ffffffffffffffff", "fffffffffffff000",
            "20008086", "6b656570", "42414c4c", "000000016b6565700000000100000002", "edbfbf00",
        }.Select(Convert.FromHexString),
        Frames.Of(new RpcHeader(RpcPrograms.Keepalive, RpcPrograms.Version, RpcPrograms.KeepalivePing, RpcType.Message, 0, RpcStatus.Ok), []),
    ];

    public override IReadOnlyList<byte[]> Seeds => Sessions.Value;

    public override int Run(byte[] input) => RunAsync(new InputServer(input)).GetAwaiter().GetResult();

    // Not everything: a longest one would fill the input.
    private static IEnumerable<byte[]> Replies(int longest) =>
        Recordings.Replies.SelectMany(replies => replies).Concat(Recordings.Events).Where(frame => frame.Length <= longest).Select(frame => Frames.WithSerial(frame, 0));

    private static byte[] Record(Func<RpcHeader, IEnumerable<byte[]>> answer)
    {
        AnsweringServer server = new(answer);
        try
        {
            _ = RunAsync(server).GetAwaiter().GetResult();
        }
        catch (Exception)
        {
            // What is wrong comes again when this is an input, where it can be told.
        }

        return [.. server.Sent];
    }

    private static IEnumerable<byte[]> FromDaemon(RpcHeader call) => Answer(call, replies => replies.First());

    // Where the daemon answered in several ways, the last one; and events in between.
    private static IEnumerable<byte[]> FromDaemonBackwards(RpcHeader call) =>
        call.Procedure == (int)RemoteProcedure.DomainGetState ? [.. Recordings.Events, .. Answer(call, replies => replies.Last())] : Answer(call, replies => replies.Last());

    private static IEnumerable<byte[]> Answer(RpcHeader call, Func<IEnumerable<byte[]>, byte[]> choose)
    {
        RpcHeader answer = call with { Type = RpcType.Reply, Serial = 0 };
        if (call.Program == RpcPrograms.Remote && Recordings.Replies[call.Procedure].ToList() is { Count: > 0 } replies)
            return [Frames.WithSerial(choose(replies), 0)];

        // As a daemon says that it has no such program or procedure.
        Ballast.Rpc.Messages.RemoteError error = Ballast.Rpc.Messages.RemoteError.From(
            call.Program == RpcPrograms.Remote ? RpcErrors.UnknownProcedure(call.Procedure) : RpcErrors.UnknownProgram(call.Program, call.Version));
        System.Buffers.ArrayBufferWriter<byte> payload = new();
        XdrWriter.Write(payload, error);
        return [Frames.Of(answer with { Status = RpcStatus.Error }, payload.WrittenSpan)];
    }

    private static async Task<int> RunAsync(IFakeServer server)
    {
        PipePair pipes = new();
        Task serving = server.ServeAsync(new PipedPeer(pipes.Far));
        ConcurrentBag<int> outcomes = [];
        Task client = UseAsync(pipes.Near, outcome => outcomes.Add(outcome));
        try
        {
            await client.WaitAsync(Deadline);
            await serving.WaitAsync(Deadline);
        }
        catch (TimeoutException e)
        {
            throw new FuzzException("a call never ends", e);
        }

        return outcomes.Aggregate(0, (all, one) => unchecked(all + one));
    }

    private static async Task UseAsync(IDuplexPipe pipe, Action<int> note)
    {
        ConnectionOptions options = new() { TimeProvider = new FrozenTime(), AskCredential = (request, _) => new($"{request.Kind}") };
        SaslLogin login = new("localhost", null, "/dev/null", isPrivate: true, options);
        RemoteDriver? driver = null;
        if (!await TryAsync(0, async () => driver = await RemoteDriver.OpenAsync(
            options, (onEvent, token) => RemoteLink.OpenAsync(new Transport(pipe), "qemu:///system", options, onEvent, token, login: login), CancellationToken.None)))
        {
            // Nobody else ends the server.
            await pipe.Output.CompleteAsync();
            return;
        }

        await using Connection connection = new(driver!, "qemu:///system", options);
        IReadOnlyList<Domain> domains = [];
        _ = await TryAsync(1, async () => domains = await connection.ListDomainsAsync());
        Domain domain = domains.Count > 0 ? domains[0] : new Domain(connection, new DomainIdentity("none", Guid.Empty, null));
        DomainEventSubscription? events = null;
        (int Number, Func<Task> Call)[] calls =
        [
            (2, async () => events = await connection.SubscribeAsync()),
            (3, async () => await connection.GetVersionAsync()),
            (4, async () => await connection.GetHostNameAsync()),
            (5, async () => await connection.GetNodeInfoAsync()),
            (6, async () => await connection.GetNodeMemoryStatsAsync(Connection.AllOfNode)),
            (7, async () => await connection.GetNodeCpuStatsAsync(Connection.AllOfNode)),
            (8, async () => AtMost(4, (await connection.GetCellsFreeMemoryAsync(0, 4)).Count)),
            (9, async () => await connection.GetCpuMapAsync()),
            (10, async () => await connection.GetFreeMemoryAsync()),
            (11, async () => await connection.GetMaxVcpusAsync(null)),
            (12, async () => await connection.LookupByNameAsync("linux")),
            (13, async () => await domain.GetStateAsync()),
            (14, async () => await domain.GetInfoAsync()),
            (15, async () => AtMost(6, await domain.FillMemoryStatsAsync(new MemoryStat[6]))),
            (16, async () => await domain.GetMemoryStatsAsync(MemoryStatsOptions.Extended)),
            (17, async () => await domain.GetMemoryStatsPeriodAsync()),
            (18, async () => await domain.RefreshMemoryStatsAsync()),
            (19, async () => await domain.GetXmlAsync()),
            (20, async () => await domain.GetMessagesAsync()),
            (21, async () => await domain.SetMemoryStatsPeriodAsync(TimeSpan.FromSeconds(1))),
            (22, async () => await domain.SetMemoryAsync(65536)),
            (23, async () => await connection.GetAllDomainStatsAsync()),
            (24, async () => await connection.GetSecurityModelAsync()),
            (25, async () => await domain.GetSecurityLabelAsync()),
            (26, async () => await connection.GetCapabilitiesAsync()),
        ];
        foreach ((int number, Func<Task> call) in calls)
            _ = await TryAsync(number, call);
        if (events is not null)
            await events.DisposeAsync();

        async Task<bool> TryAsync(int number, Func<Task> call)
        {
            try
            {
                await call();
                note(HashCode.Combine(number));
                return true;
            }
            catch (LibvirtException e)
            {
                FuzzException.Require(e.Message is not null, "an error says nothing");
                note(HashCode.Combine(number, e.Code));
                return false;
            }
        }
    }

    private static void AtMost(int asked, int count) => FuzzException.Require(count <= asked, $"{count} of {asked} that were asked for");

    private interface IFakeServer
    {
        Task ServeAsync(PipedPeer client);
    }

    private sealed class Transport(IDuplexPipe pipe) : IDuplexPipe, IAsyncDisposable
    {
        public PipeReader Input => pipe.Input;

        public PipeWriter Output => pipe.Output;

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>Answers each call, and keeps what it sent.</summary>
    private sealed class AnsweringServer(Func<RpcHeader, IEnumerable<byte[]>> answer) : IFakeServer
    {
        public List<byte> Sent { get; } = [];

        public async Task ServeAsync(PipedPeer client)
        {
            while (await client.ReceiveAsync() is { } call)
            {
                foreach (byte[] frame in answer(Frames.Header(call)))
                {
                    Sent.AddRange(frame);
                    client.Send(InputServer.Addressed(frame, Frames.Header(call).Serial));
                }
            }

            client.EndOfFile();
        }
    }

    /// <summary>Sends the input, for each call up to the next reply; and ends with it.</summary>
    private sealed class InputServer(byte[] input) : IFakeServer
    {
        public static byte[] Addressed(ReadOnlySpan<byte> frame, uint serial) =>
            Frames.Header(frame) is { Type: RpcType.Reply, Serial: 0 } ? Frames.WithSerial(frame, serial) : frame.ToArray();

        public async Task ServeAsync(PipedPeer client)
        {
            int at = 0;
            while (at < input.Length && await client.ReceiveAsync() is { } call)
            {
                RpcHeader header = Frames.Header(call);
                if (header.Type == RpcType.Call)
                    at = Feed(client, at, header.Serial);
            }

            client.EndOfFile();
            while (await client.ReceiveAsync() is not null)
            {
            }
        }

        private int Feed(PipedPeer client, int at, uint serial)
        {
            while (at < input.Length)
            {
                ReadOnlySpan<byte> rest = input.AsSpan(at);
                int length = Frames.Length(rest) ?? rest.Length;
                bool isReply = length >= RpcHeader.FrameOverhead && Frames.Header(rest[..length]) is { Type: RpcType.Reply, Serial: 0 };
                client.Send(length >= RpcHeader.FrameOverhead ? Addressed(rest[..length], serial) : rest[..length]);
                at += length;
                if (isReply)
                    break;
            }

            return at;
        }
    }
}
