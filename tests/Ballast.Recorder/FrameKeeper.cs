using System.Globalization;
using Ballast.Rpc;

namespace Ballast.Recorder;

/// <summary>Chooses which frames are worth keeping, and names them.</summary>
internal sealed class FrameKeeper
{
    // Enough to see what varies; more says nothing new.
    private const int MaxOfOneKind = 4;

    private readonly Lock _gate = new();
    private readonly List<RecordedFrame> _frames = [];
    private readonly HashSet<string> _known = [];
    private readonly Dictionary<string, int> _kinds = [];

    /// <summary>What the clients are doing now.</summary>
    public string Session { get; set; } = "";

    public IReadOnlyList<RecordedFrame> Frames
    {
        get
        {
            lock (_gate)
                return [.. _frames];
        }
    }

    public void Add(byte[] frame, bool isFromClient)
    {
        RpcHeader header = RpcHeader.Read(frame.AsSpan(RpcLimits.LengthBytes));
        if (Kind(header) is not { } kind)
            return;
        string content = $"{isFromClient} {kind} {Convert.ToHexString(frame.AsSpan(RpcHeader.FrameOverhead))}";
        lock (_gate)
        {
            int ofKind = _kinds.GetValueOrDefault(kind);
            if (ofKind >= MaxOfOneKind || !_known.Add(content))
                return;
            _kinds[kind] = ++ofKind;
            _frames.Add(new RecordedFrame(
                ofKind == 1 ? kind : string.Create(CultureInfo.InvariantCulture, $"{kind} {ofKind}"), Session, isFromClient, frame));
        }
    }

    // Null: something that we have no message for.
    private static string? Kind(in RpcHeader header)
    {
        string? name = header.Program switch
        {
            RpcPrograms.Keepalive => header.Procedure == RpcPrograms.KeepalivePing ? "Ping" : "Pong",
            RpcPrograms.Remote => Enum.GetName((RemoteProcedure)header.Procedure),
            _ => null,
        };
        string what = header switch
        {
            { Type: RpcType.Reply, Status: RpcStatus.Error } => "error",
            { Type: RpcType.Call or RpcType.Reply or RpcType.Message } => header.Type.ToString().ToLowerInvariant(),
            _ => "",
        };
        return name is null || what.Length == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{header.Procedure} {name} {what}");
    }
}
