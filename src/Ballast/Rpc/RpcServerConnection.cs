using System.IO.Pipelines;
using Ballast.Telemetry;

namespace Ballast.Rpc;

/// <summary>
/// The server's side of one connection: frames, errors of the protocol, keepalive, flow control. It knows no socket and no
/// driver. Reading goes on while calls are under way, up to a limit; a client that does not read is given up.
/// </summary>
/// <param name="transport">What leads to the client.</param>
/// <param name="limits">How much it may use.</param>
/// <param name="share">What it shares with other clients.</param>
/// <param name="time">The clock.</param>
internal sealed class RpcServerConnection(
    IDuplexPipe transport, RpcServerLimits limits, IRpcShare share, TimeProvider time) : IAsyncDisposable, ICancellable
{
    private readonly RpcFrameWriter _output = new(transport.Output, Peer.Client);

    // Never disposed, as it has neither a timer nor a handle: whoever closes late finds it there.
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _background = [];
    private TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RpcKeepalive? _keepalive;
    private ITimer? _largeMessageDeadline;
    private int _inARow;
    private int _callsUnderWay;
    private int _blocked;
    private bool _closeAfterAnswers;

    /// <summary>Ends when the connection does; what a client waits for is in vain then.</summary>
    public CancellationToken Ended => _end.Token;

    /// <summary>Serves until the client goes, or misbehaves, or it is told to stop. The session is disposed at the end.</summary>
    public async Task RunAsync(IRpcSession session, CancellationToken stop)
    {
        using CancellationTokenRegistration stopping = Unattended.Register(this, stop);
        RpcFrameReader input = new(transport.Input, Peer.Client) { MaxFreeBytes = limits.MaxFreeMessageBytes, Share = share.HasTurns ? share : null };
        Metrics.Clients.Add(1);
        RpcFrameHandler handler = (in RpcHeader header, ReadOnlySpan<byte> payload) =>
        {
            Handle(session, header, payload);
            return ++_inARow < limits.MaxInARow && HasRoom;
        };
        try
        {
            do
            {
                input.MaxFrameBytes = session.IsAuthenticated ? limits.MaxMessageBytes : limits.MaxMessageBytesBeforeAuthentication;
                while (!HasRoom)
                    await Answered().WaitAsync(_end.Token).ConfigureAwait(false);
                if (input.IsHeld)
                    await AdmitAsync(input).ConfigureAwait(false);
                if (_inARow >= limits.MaxInARow)
                {
                    // Others of this worker's clients first.
                    _inARow = 0;
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                }
            }
            while (await input.ReadAsync(handler, _end.Token).ConfigureAwait(false) && !(_closeAfterAnswers && _callsUnderWay == 0));
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
        SendAsync(call with { Type = RpcType.Reply, Status = RpcStatus.Ok }, result);

    public ValueTask ReplyErrorAsync(in RpcHeader call, LibvirtException error) =>
        SendAsync(call with { Type = RpcType.Reply, Status = RpcStatus.Error }, Messages.RemoteError.From(error));

    /// <summary>Sends an event; libvirt's daemon numbers them all 1.</summary>
    public ValueTask SendEventAsync<T>(uint program, int procedure, T message)
        where T : struct, IXdrMessage<T> =>
        SendAsync(new RpcHeader(program, RpcPrograms.Version, procedure, RpcType.Message, 1, RpcStatus.Ok), message);

    /// <summary>From now on a silent client is asked whether it is there; only for one that understands it.</summary>
    public void StartKeepalive(TimeSpan interval, int count)
    {
        if (_keepalive is not null)
            return;
        _keepalive = new RpcKeepalive(interval, count, time);
        Watch(RunKeepaliveAsync());
    }

    /// <summary>No further calls; the connection ends when those under way are answered.</summary>
    public void CloseAfterAnswers() => _closeAfterAnswers = true;

    public void Close() => Unattended.Cancel(_end);

    void ICancellable.Cancel(CancellationToken token) => Close();

    public ValueTask DisposeAsync() => _output.DisposeAsync();

    /// <summary>Something that belongs to the connection and ends with it; where it fails, the connection ends.</summary>
    public void Watch(Task task) => Keep(EndWithAsync(task));

    private void Handle(IRpcSession session, in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        _keepalive?.Heard();
        bool isLarge = TakeAdmission();
        if (RpcKeepalive.IsPing(header))
            Start(SendAsync(RpcKeepalive.Pong, default(Nothing)), isLarge);
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

    /// <summary>A long message is next: it has to wait for a place, and then to come in time.</summary>
    private async ValueTask AdmitAsync(RpcFrameReader input)
    {
        await share.AdmitLargeMessageAsync(_end.Token).ConfigureAwait(false);
        _largeMessageDeadline = Unattended.CreateTimer(
            time, static connection => connection.Close(), this, limits.LargeMessageTimeout, Timeout.InfiniteTimeSpan);
        input.IsAdmitted = true;
    }

    /// <summary>Whether a place was waited for; now it is the caller's.</summary>
    private bool TakeAdmission()
    {
        if (_largeMessageDeadline is not { } deadline)
            return false;
        _largeMessageDeadline = null;
        deadline.Dispose();
        return true;
    }

    private void Start(ValueTask answered, bool isLarge)
    {
        if (answered.IsCompletedSuccessfully)
        {
            answered.GetAwaiter().GetResult();
            if (isLarge)
                share.LeaveLargeMessage();
            return;
        }

        Interlocked.Increment(ref _callsUnderWay);
        share.CallBegan();
        Keep(FinishAsync(answered.AsTask(), isLarge));
    }

    private async Task FinishAsync(Task answered, bool isLarge)
    {
        try
        {
            await EndWithAsync(answered).ConfigureAwait(false);
        }
        finally
        {
            if (isLarge)
                share.LeaveLargeMessage();
            share.CallEnded();
            bool isLast = Interlocked.Decrement(ref _callsUnderWay) == 0;
            Volatile.Read(ref _answered).TrySetResult();
            if (isLast && _closeAfterAnswers)
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
            // An answer or an event that cannot be sent: the client is gone, or does not read, and shall not wait for it.
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

    // Who does not read gets no further answers made: they would only wait with the others.
    private bool HasRoom => Volatile.Read(ref _callsUnderWay) < limits.MaxCalls && Volatile.Read(ref _blocked) == 0;

    /// <summary>Ends when another call was answered since.</summary>
    private Task Answered()
    {
        if (_answered.Task.IsCompleted)
            Interlocked.Exchange(ref _answered, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        // An answer between the look and the new signal would be missed: so look again, and not before it is there.
        return HasRoom ? Task.CompletedTask : _answered.Task;
    }

    private async ValueTask SendAsync<T>(RpcHeader header, T message)
        where T : struct, IXdrMessage<T>
    {
        ValueTask writing = _output.WriteAsync(header, message, _end.Token);
        if (writing.IsCompletedSuccessfully)
        {
            await writing.ConfigureAwait(false);
            return;
        }

        bool isBlocked = false;
        Interlocked.Increment(ref _blocked);
        try
        {
            // Who reads needs a moment for an answer that is longer than the buffers between us.
            Task written = writing.AsTask();
            await written.WaitAsync(limits.ReadTime, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!written.IsCompleted)
            {
                // What waits for who does not read costs memory: so much of each client, and of each user's so many.
                isBlocked = share.TryBlock();
                if (!isBlocked)
                    Close();
            }

            TimeSpan left = limits.WriteTimeout > limits.ReadTime ? limits.WriteTimeout - limits.ReadTime : TimeSpan.Zero;
            await written.WaitAsync(left, time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Close();
        }
        finally
        {
            if (isBlocked)
                share.Unblock();
            if (Interlocked.Decrement(ref _blocked) == 0)
                Volatile.Read(ref _answered).TrySetResult();
        }
    }

    private async Task RunKeepaliveAsync()
    {
        await _keepalive!.RunAsync(_output, _end.Token).ConfigureAwait(false);
        Close();
    }

    private async Task EndAsync(IRpcSession session)
    {
        await _end.CancelAsync().ConfigureAwait(false);
        if (TakeAdmission())
            share.LeaveLargeMessage();

        // First what is under way: what it still registers or opens ends with the session.
        while (UnderWay() is { Length: > 0 } tasks)
            await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            await transport.Input.CompleteAsync().ConfigureAwait(false);
            await CompleteOutputAsync().ConfigureAwait(false);
        }
    }

    private async Task CompleteOutputAsync()
    {
        try
        {
            await transport.Output.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // A message was under way, and nobody is left to take the rest of it.
        }
    }

    private Task[] UnderWay()
    {
        lock (_background)
            return [.. _background.Where(task => !task.IsCompleted)];
    }
}
