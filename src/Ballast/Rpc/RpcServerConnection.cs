using System.IO.Pipelines;
using Ballast.Telemetry;

namespace Ballast.Rpc;

/// <summary>
/// The server's side of one connection: frames, errors of the protocol, keepalive. It knows no socket and no driver. Reading goes on
/// while calls are under way, up to a limit.
/// </summary>
internal sealed class RpcServerConnection : IAsyncDisposable, ICancellable
{
    private readonly IDuplexPipe _transport;
    private readonly RpcServerLimits _limits;
    private readonly IRpcShare _share;
    private readonly TimeProvider _time;

    // Never disposed, as it has neither a timer nor a handle: whoever closes late finds it there.
    private readonly CancellationTokenSource _end = new();
    private readonly RpcServerCalls _calls;
    private readonly RpcServerOutput _output;
    private readonly RpcLargeMessages _largeMessages;
    private readonly List<Task> _background = [];
    private RpcKeepalive? _keepalive;
    private int _inARow;
    private bool _closeAfterAnswers;

    /// <param name="transport">What leads to the client.</param>
    /// <param name="limits">How much it may use.</param>
    /// <param name="share">What it shares with other clients.</param>
    /// <param name="time">The clock.</param>
    public RpcServerConnection(IDuplexPipe transport, RpcServerLimits limits, IRpcShare share, TimeProvider time)
    {
        (_transport, _limits, _share, _time) = (transport, limits, share, time);
        _calls = new RpcServerCalls(limits.MaxCalls);
        _output = new RpcServerOutput(transport.Output, limits, share, time, _calls, _end);
        _largeMessages = new RpcLargeMessages(limits, share, time, _end);
    }

    /// <summary>Ends when the connection does; what a client waits for is in vain then.</summary>
    public CancellationToken Ended => _end.Token;

    /// <summary>Serves until the client goes, or misbehaves, or it is told to stop. The session is disposed at the end.</summary>
    public async Task RunAsync(IRpcSession session, CancellationToken stop)
    {
        using CancellationTokenRegistration stopping = Unattended.Register(this, stop);
        RpcFrameReader input = new(_transport.Input, Peer.Client)
        {
            MaxFreeBytes = _limits.MaxFreeMessageBytes,
            Share = _share.HasTurns ? _share : null,
            Waited = _limits.EndsRowByWaiting ? () => _inARow = 0 : null,
        };
        Metrics.Clients.Add(1);
        RpcFrameHandler handler = (in RpcHeader header, ReadOnlySpan<byte> payload) =>
        {
            Handle(session, header, payload);
            return ++_inARow < _limits.MaxInARow && _calls.HasRoom;
        };
        try
        {
            do
            {
                input.MaxFrameBytes = session.IsAuthenticated ? _limits.MaxMessageBytes : _limits.MaxMessageBytesBeforeAuthentication;
                while (!_calls.HasRoom)
                    await _calls.WaitForRoomAsync().WaitAsync(_end.Token).ConfigureAwait(false);
                if (input.IsHeld)
                    await _largeMessages.AdmitAsync(input).ConfigureAwait(false);
                if (_inARow >= _limits.MaxInARow)
                {
                    // Others of this worker's clients first.
                    _inARow = 0;
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                }
            }
            while (await input.ReadAsync(handler, _end.Token).ConfigureAwait(false) && (_calls.Any || !_closeAfterAnswers));
        }
        catch (Exception e) when (e is InvalidDataException or IOException or OperationCanceledException)
        {
            // The client is gone, or speaks something else: nobody is left to be told.
        }
        finally
        {
            Metrics.Clients.Add(-1);
            await EndAsync(session).ConfigureAwait(false);
        }
    }

    /// <summary>Sends the result of a call.</summary>
    public ValueTask ReplyAsync<T>(in RpcHeader call, T result)
        where T : struct, IXdrMessage<T> =>
        _output.SendAsync(call with { Type = RpcType.Reply, Status = RpcStatus.Ok }, result);

    public ValueTask ReplyErrorAsync(in RpcHeader call, LibvirtException error) =>
        _output.SendAsync(call with { Type = RpcType.Reply, Status = RpcStatus.Error }, Messages.RemoteError.From(error));

    /// <summary>Sends an event; libvirt's daemon numbers them all 1.</summary>
    public ValueTask SendEventAsync<T>(uint program, int procedure, T message)
        where T : struct, IXdrMessage<T> =>
        _output.SendAsync(new RpcHeader(program, RpcPrograms.Version, procedure, RpcType.Message, 1, RpcStatus.Ok), message);

    /// <summary>From now on a silent client is asked whether it is there; only for one that understands it.</summary>
    public void StartKeepalive(TimeSpan interval, int count)
    {
        if (_keepalive is not null)
            return;
        _keepalive = new RpcKeepalive(interval, count, _time);

        // It cannot answer before it has read what is in front of the question.
        _output.Frames.PortionTaken = _keepalive.Heard;
        Attach(RunKeepaliveAsync());
    }

    /// <summary>No further calls; the connection ends when those under way are answered.</summary>
    public void CloseAfterAnswers() => _closeAfterAnswers = true;

    public void Close() => Unattended.Cancel(_end);

    void ICancellable.Cancel(CancellationToken token) => Close();

    public ValueTask DisposeAsync() => _output.DisposeAsync();

    /// <summary>Attaches a task, which ends with the connection. If the task fails, the connection ends.</summary>
    public void Attach(Task task) => Keep(EndWithAsync(task));

    private void Handle(IRpcSession session, in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        _keepalive?.Heard();
        bool isLarge = _largeMessages.Take();
        if (RpcKeepalive.IsPing(header))
            Start(_output.SendAsync(RpcKeepalive.Pong, default(Nothing)), isLarge);
        else if (header.Type == RpcType.CallWithFds)
            Start(ReplyErrorAsync(header with { Type = RpcType.Call }, RpcErrors.Bare("file descriptors are not taken")), isLarge);
        else if (header.Type != RpcType.Call || _closeAfterAnswers)
            Start(default, isLarge); // As libvirt's daemon: what is no call is dropped without a word.
        else if (header.Status != RpcStatus.Ok)
            Start(ReplyErrorAsync(header, RpcErrors.Bare($"Unexpected message status {(int)header.Status}")), isLarge);
        else
            Start(Call(session, header, payload), isLarge);
    }

    private ValueTask Call(IRpcSession session, in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        try
        {
            return session.TryHandle(header, payload, this, out ValueTask answered)
                ? answered
                : ReplyErrorAsync(header, RpcErrors.UnknownProgram(header.Program, header.Version));
        }
        catch (XdrException)
        {
            return ReplyErrorAsync(header, RpcErrors.CannotDecode());
        }
    }

    private void Start(ValueTask answered, bool isLarge)
    {
        if (answered.IsCompletedSuccessfully)
        {
            answered.GetAwaiter().GetResult();
            if (isLarge)
                _largeMessages.Leave();
            return;
        }

        _calls.Begin();
        _share.CallBegan();
        Keep(FinishAsync(answered, isLarge));
    }

    private async Task FinishAsync(ValueTask answered, bool isLarge)
    {
        try
        {
            await answered.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // An answer that cannot be sent: the client is gone, or does not read, and shall not wait for it.
            Close();
        }
        finally
        {
            if (isLarge)
                _largeMessages.Leave();
            _share.CallEnded();
            if (_calls.End() && _closeAfterAnswers)
                Close();
        }
    }

    private async Task EndWithAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception)
        {
            // An event that cannot be sent: the client is gone, or does not read, and shall not wait for it.
            Close();
        }
    }

    private void Keep(Task task)
    {
        lock (_background)
        {
            _background.RemoveAll(done => done.IsCompleted);
            _background.Add(task);
        }
    }

    private async Task RunKeepaliveAsync()
    {
        await _keepalive!.RunAsync(_output.Frames, _end.Token).ConfigureAwait(false);
        Close();
    }

    private async Task EndAsync(IRpcSession session)
    {
        await _end.CancelAsync().ConfigureAwait(false);
        if (_largeMessages.Take())
            _largeMessages.Leave();

        // First what is under way: what it still registers or opens ends with the session.
        while (UnderWay() is { Length: > 0 } tasks)
            await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            await _transport.Input.CompleteAsync().ConfigureAwait(false);
            await _output.CompleteAsync().ConfigureAwait(false);
        }
    }

    private Task[] UnderWay()
    {
        lock (_background)
            return [.. _background.Where(task => !task.IsCompleted)];
    }
}
