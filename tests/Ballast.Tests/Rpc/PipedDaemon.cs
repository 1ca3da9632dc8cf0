using System.IO.Pipelines;
using Ballast.Drivers.Remote;
using Ballast.Fuzz;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;

namespace Ballast.Tests.Rpc;

/// <summary>
/// A libvirt daemon on pipes, with one domain-less connection: it answers what an opening and a subscription ask, and PINGs,
/// unless a test keeps it from that.
/// </summary>
internal sealed class PipedDaemon
{
    private readonly List<End> _ends = [];
    private readonly Dictionary<RemoteProcedure, int> _asked = [];
    private readonly Lock _gate = new();
    private readonly List<(PipedPeer Peer, RpcHeader Call)> _held = [];
    private int _lastCallback;

    /// <summary>Calls that it leaves without an answer.</summary>
    public HashSet<RemoteProcedure> Silent { get; } = [];

    /// <summary>Is told of each call before it is answered.</summary>
    public Action<RemoteProcedure> OnCall { get; set; } = _ => { };

    public bool HasKeepalive { get; init; } = true;

    /// <summary>Answers nothing any more, no PING either.</summary>
    public bool IsDead { get; set; }

    public int Connections => _ends.Count;

    /// <summary>Connections that the client has closed.</summary>
    public int Closed => _ends.Count(end => end.IsClosed);

    public int Pings { get; private set; }

    public async Task<RemoteDriver> OpenAsync(ConnectionOptions options, CancellationToken cancellationToken) =>
        await RemoteDriver.OpenAsync(
            options,
            (onEvent, token) => RemoteLink.OpenAsync(Connect(), "qemu:///system", options, onEvent, token),
            cancellationToken);

    public async Task<Connection> ConnectAsync(ConnectionOptions options, CancellationToken cancellationToken) =>
        new(await OpenAsync(options, cancellationToken), "qemu:///system", options);

    /// <summary>How often it was asked.</summary>
    public int CountOf(RemoteProcedure procedure)
    {
        lock (_gate)
            return _asked.GetValueOrDefault(procedure);
    }

    /// <summary>When it was asked so often.</summary>
    public async Task AskedAsync(RemoteProcedure procedure, int times = 1)
    {
        for (int i = 0; CountOf(procedure) < times; i++)
        {
            Assert.True(i < 1500, $"{procedure} was not asked {times} times but {CountOf(procedure)}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Answers what was left without an answer, and whatever comes.</summary>
    public void Recover()
    {
        Silent.Clear();
        lock (_gate)
        {
            foreach ((PipedPeer peer, RpcHeader call) in _held)
                Reply(peer, call);
            _held.Clear();
        }
    }

    /// <summary>The answer to the only call that has none.</summary>
    public byte[] HeldAnswer()
    {
        lock (_gate)
            return AnswerTo(Assert.Single(_held).Call);
    }

    /// <summary>Sends bytes upon the newest connection.</summary>
    public void Send(ReadOnlySpan<byte> bytes) => _ends[^1].Peer.Send(bytes);

    /// <summary>How many callbacks it has for its clients.</summary>
    public int Callbacks => Volatile.Read(ref _lastCallback) - CountOf(RemoteProcedure.ConnectDomainEventCallbackDeregisterAny);

    /// <summary>Ends the newest connection.</summary>
    public void Drop() => _ends[^1].Peer.EndOfFile();

    private End Connect()
    {
        PipePair pipes = new();
        End end = new(pipes.Near, new PipedPeer(pipes.Far));
        _ends.Add(end);
        _ = ServeAsync(end.Peer);
        return end;
    }

    private async Task ServeAsync(PipedPeer peer)
    {
        await Task.Yield();
        try
        {
            while (await peer.ReceiveAsync() is { } frame)
                Answer(peer, Frames.Header(frame));
        }
        catch (Exception e) when (e is FuzzException or InvalidOperationException)
        {
            // Nobody asks any more, or the test ended the connection.
        }
    }

    private void Answer(PipedPeer peer, RpcHeader call)
    {
        if (RpcKeepalive.IsPing(call))
        {
            Pings++;
            if (!IsDead)
                peer.Send(Frames.Of(RpcKeepalive.Pong, []));
            return;
        }

        RemoteProcedure procedure = (RemoteProcedure)call.Procedure;
        lock (_gate)
            _asked[procedure] = _asked.GetValueOrDefault(procedure) + 1;
        OnCall(procedure);
        if (IsDead || Silent.Contains(procedure))
        {
            lock (_gate)
                _held.Add((peer, call));
            return;
        }

        Reply(peer, call);
    }

    private void Reply(PipedPeer peer, RpcHeader call) => peer.Send(AnswerTo(call));

    private byte[] AnswerTo(RpcHeader call)
    {
        RemoteProcedure procedure = (RemoteProcedure)call.Procedure;
        string payload = procedure switch
        {
            RemoteProcedure.AuthList => "0000000100000000",
            RemoteProcedure.ConnectSupportsFeature => HasKeepalive ? "00000001" : "00000000",
            RemoteProcedure.ConnectGetType => "0000000451454D55",
            RemoteProcedure.ConnectGetVersion => "0000000000895440",
            RemoteProcedure.ConnectDomainEventCallbackRegisterAny => $"{Interlocked.Increment(ref _lastCallback):X8}",
            _ => "",
        };
        return Frames.Of(call with { Type = RpcType.Reply }, Convert.FromHexString(payload));
    }

    private sealed class End(IDuplexPipe pipe, PipedPeer peer) : IDuplexPipe, IAsyncDisposable
    {
        public PipedPeer Peer => peer;

        public PipeReader Input => pipe.Input;

        public PipeWriter Output => pipe.Output;

        public bool IsClosed { get; private set; }

        public ValueTask DisposeAsync()
        {
            IsClosed = true;
            return default;
        }
    }
}
