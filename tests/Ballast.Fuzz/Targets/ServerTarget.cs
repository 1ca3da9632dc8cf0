using System.Buffers.Binary;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Server;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// All that a client can send: each call has its answer, in a frame that can be decoded; nothing else is sent; and the
/// server is done with the client when it goes. An input that begins with another byte than 0, which no frame does, is of
/// a client that was let in and opened something, as the byte's bits say; and with one of them it is a single frame, whose
/// length is made right, so that more than the length is tried.
/// </summary>
internal sealed class ServerTarget : FuzzTarget
{
    private const string Fleet = "test:///fleet?domains=3&seed=1", Test = "test:///default";
    private const byte OpensFleet = 2, OpensTest = 1, IsOneFrame = 16;

    public override string Name => "server";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. Recordings.Calls,
        .. new[]
        {
            "00000000", "00000001", "00000003", "0000001b", "0000001c", "01000000", "7fffffff", "80000000", "ffffffff", "00400000", "00400001",
            "02000004", "02000005", "00000004", "00000400", "00000401", "00004000", "00004001", "20008086", "6b656570", "42414c4c",
            "6695eb01f6a4830479aa97f2502e193f", "7465737400000000", "ed9fbfeda080",
        }.Select(Convert.FromHexString),
    ];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. Recordings.Calls.SelectMany(call => (byte[][])
        [
            [OpensTest, .. call], [OpensFleet, .. call], call, [OpensTest | IsOneFrame, .. call[RpcLimits.LengthBytes..]],
        ]),
        [OpensTest, .. Recordings.Calls.SelectMany(call => call)],
        [OpensFleet, .. Ours(BallastSample), .. Ours(BallastRefresh)],
        [OpensTest, .. Frames.Call(RemoteProcedure.AuthSaslStart, 1, $"{PipedClient.Text("PLAIN")}0000000000000000")],
        [.. Frames.Call(RemoteProcedure.AuthList, 0), .. Frames.Call(RemoteProcedure.ConnectOpen, 1, $"01000000{PipedClient.Text(Test)}00000000"), .. Frames.Call(RemoteProcedure.ConnectClose, 2)],
    ];

    private static string BallastSample => "0000000000000001";

    private static string BallastRefresh => $"{PipedClient.Text("test")}6695eb01f6a4830479aa97f2502e193f0000000100000000";

    public override int Run(byte[] input) => RunAsync(input).GetAwaiter().GetResult();

    private static byte[] Ours(string payload) => Frames.Of(
        new RpcHeader(RpcPrograms.Ballast, RpcPrograms.Version, payload == BallastSample ? 1 : 2, RpcType.Call, 0, RpcStatus.Ok), Convert.FromHexString(payload));

    private static byte[] OneFrame(ReadOnlySpan<byte> rest)
    {
        byte[] frame = new byte[RpcLimits.LengthBytes + rest.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length);
        rest.CopyTo(frame.AsSpan(RpcLimits.LengthBytes));
        return frame;
    }

    private static async Task<int> RunAsync(byte[] input)
    {
        // Time stands still: no timeout and no guest depends on how long it takes.
        ConnectionOptions options = new() { TimeProvider = new FrozenTime() };
        await using Connection fleet = await Connection.OpenAsync(Fleet, options), test = await Connection.OpenAsync(Test, options);
        LibvirtServer server = new([(Test, test), ("test:///fleet", fleet)], new LibvirtServerOptions { TimeProvider = options.TimeProvider });
        bool isOpen = input.Length > 0 && input[0] != 0;
        byte[] sent = isOpen ? (input[0] & IsOneFrame) != 0 ? OneFrame(input.AsSpan(1)) : input[1..] : input;
        await using PipedClient client = isOpen
            ? await PipedClient.OpenAsync(server, (input[0] & OpensTest) != 0 ? Test : "test:///fleet")
            : new PipedClient(server);
        ServerOracle oracle = new(sent, isLetIn: isOpen);
        foreach (Range piece in MonitorInput.Pieces(sent))
            client.Send(sent.AsSpan(piece));

        HashCode outcome = default;
        while (oracle.IsWaiting)
            outcome.Add(oracle.Take(await client.ReceiveAsync() ?? throw new FuzzException("it closed the connection, and owes answers")));
        FuzzException.Require(oracle.EndsConnection || !client.Served.IsCompleted, "it closed the connection for no reason");
        client.EndOfFile();
        while (await client.ReceiveAsync() is { } frame)
            outcome.Add(oracle.Take(frame));
        return outcome.ToHashCode();
    }
}
