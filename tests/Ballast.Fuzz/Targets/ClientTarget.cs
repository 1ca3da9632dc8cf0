using System.Collections.Concurrent;
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
        Task client = ClientExercise.RunAsync(pipes.Near, outcomes.Add, static () => default);
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
}
