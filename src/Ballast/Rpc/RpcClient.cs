using System.IO.Pipelines;
using Ballast.Telemetry;

namespace Ballast.Rpc;

/// <summary>An event of the server; the payload is only there until it returns. Called in order, on the receiving task: must not block.</summary>
internal delegate void RpcEventHandler(in RpcHeader header, ReadOnlySpan<byte> payload);

/// <summary>
/// The client's side of one connection: many calls at once, told apart by their serials, answered in any order. A call
/// that gives up is forgotten; its late answer is dropped, and the connection stands.
/// </summary>
internal sealed class RpcClient : IAsyncDisposable
{
    private readonly IDuplexPipe _transport;
    private readonly TimeProvider _time;
    private readonly RpcFrameWriter _output;
    private readonly RpcEventHandler? _onEvent;
    private readonly TaskCreationOptions _completing;
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, PendingCall> _pending = [];

    // Never disposed, as it has neither a timer nor a handle: a call that ends late finds it there.
    private readonly CancellationTokenSource _end = new();
    private readonly Task _receiving;
    private RpcKeepalive? _keepalive;
    private Task _keepingAlive = Task.CompletedTask;
    private LibvirtException? _lost;
    private uint _nextSerial;
    private int _isAnsweringPing;

    /// <param name="transport">The way to the server.</param>
    /// <param name="time">Where time comes from.</param>
    /// <param name="onEvent">Is told of the server's events.</param>
    /// <param name="allowSynchronousContinuations">Whether who awaits an answer may go on upon the task that receives.</param>
    public RpcClient(IDuplexPipe transport, TimeProvider time, RpcEventHandler? onEvent = null, bool allowSynchronousContinuations = false)
    {
        _completing = allowSynchronousContinuations ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously;
        _transport = transport;
        _time = time;
        _onEvent = onEvent;
        _output = new RpcFrameWriter(transport.Output);
        _receiving = ReceiveAllAsync();
    }

    /// <summary>Ends when the connection does.</summary>
    public Task Ended => _receiving;

    public bool IsLost => Loss is not null;

    /// <summary>Why the connection ended; null while it stands.</summary>
    public LibvirtException? Loss => Volatile.Read(ref _lost);

    /// <exception cref="LibvirtException">The server's error; or the connection was lost, or the deadline passed.</exception>
    public ValueTask<TReply> CallAsync<TArgs, TReply>(
        RpcCall procedure, TArgs arguments, TimeSpan timeout, bool changesSomething, CancellationToken cancellationToken,
        Action<TReply>? late = null)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        Activities.AreWanted
            ? TraceAsync(procedure, arguments, timeout, changesSomething, late, cancellationToken)
            : AskAsync(procedure, arguments, timeout, changesSomething, late, cancellationToken);

    private async ValueTask<TReply> TraceAsync<TArgs, TReply>(
        RpcCall procedure, TArgs arguments, TimeSpan timeout, bool changesSomething, Action<TReply>? late, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply>
    {
        using Span activity = Activities.Call(procedure.ToString());
        try
        {
            return await AskAsync(procedure, arguments, timeout, changesSomething, late, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Failed(e);
            throw;
        }
    }

    private async ValueTask<TReply> AskAsync<TArgs, TReply>(
        RpcCall procedure, TArgs arguments, TimeSpan timeout, bool changesSomething, Action<TReply>? late, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply>
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool isAnswered = false;
        PendingCall<TReply> call = new(procedure, _completing);
        uint serial;
        lock (_gate)
        {
            if (_lost is not null)
                throw _lost;
            serial = _nextSerial++;
            _pending.Add(serial, call);
        }

        // A call that gives up while others write leaves their queue: behind a server that reads nothing it would stay for ever.
        CancellationTokenSource? over = _output.IsFree ? null : CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        try
        {
            RpcHeader header = new(procedure.Program, RpcPrograms.Version, procedure.Procedure, RpcType.Call, serial, RpcStatus.Ok);
            ValueTask writing = _output.WriteAsync(header, arguments, over?.Token ?? _end.Token, _end.Token);
            // A server that reads nothing must not hold this caller longer than its deadline either.
            Task<TReply> answered = writing.IsCompletedSuccessfully ? call.Task : WrittenAndAnsweredAsync(writing, call.Task);
            TReply reply = await answered.WaitAsync(timeout, _time, cancellationToken).ConfigureAwait(false);
            isAnswered = true;
            return reply;
        }
        catch (TimeoutException)
        {
            throw changesSomething
                ? RpcErrors.WriteTimeout(procedure, timeout)
                : RpcErrors.Timeout(procedure, timeout);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw Break(e.InnerException is ClosedByProgramException closed ? closed.Message : "the message could not be sent", e);
        }
        finally
        {
            if (late is null || isAnswered)
            {
                lock (_gate)
                    _pending.Remove(serial);
            }
            else
            {
                _ = UndoAsync(call.Task, late);
            }

            over?.Cancel();
            over?.Dispose();
        }
    }

    /// <summary>From now on a silent server is asked whether it is there.</summary>
    public void StartKeepalive(TimeSpan interval, int count)
    {
        if (_keepalive is not null)
            return;
        _keepalive = new RpcKeepalive(interval, count, _time);
        _keepingAlive = RunKeepaliveAsync(_keepalive);
    }

    public async ValueTask DisposeAsync()
    {
        LibvirtException loss = Break("it was closed", null);
        await _receiving.ConfigureAwait(false);
        await _keepingAlive.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _output.DisposeAsync().ConfigureAwait(false);
        await _transport.Input.CompleteAsync().ConfigureAwait(false);

        // With an error, or it would try to send the rest to a server that may read nothing.
        await _transport.Output.CompleteAsync(loss).ConfigureAwait(false);
    }

    private static async Task UndoAsync<TReply>(Task<TReply> answered, Action<TReply> late)
    {
        try
        {
            late(await answered.ConfigureAwait(false));
        }
        catch (LibvirtException)
        {
            // It was refused, or the connection was lost: there is nothing to undo.
        }
    }

    private static async Task<TReply> WrittenAndAnsweredAsync<TReply>(ValueTask writing, Task<TReply> answered)
    {
        await writing.ConfigureAwait(false);
        return await answered.ConfigureAwait(false);
    }

    private async Task ReceiveAllAsync()
    {
        // Not on the constructor's thread.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        RpcFrameReader input = new(_transport.Input) { Came = () => _keepalive?.Heard() };
        RpcFrameHandler handler = Handle;
        try
        {
            while (await input.ReadAsync(handler, _end.Token).ConfigureAwait(false))
            {
            }

            _ = Break("end of file", null);
        }
        catch (Exception e)
        {
            // Whatever it is: nobody reads from this connection any more, and nobody shall wait for it.
            _ = Break(e is OperationCanceledException ? "it was closed" : e.Message, e);
        }

        // Who waits for the end does not go on upon the thread that may have received it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }

    private bool Handle(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        if (RpcKeepalive.IsPing(header))
            AnswerPing();
        else if (header.Type == RpcType.Message && header.Program != RpcPrograms.Keepalive)
            _onEvent?.Invoke(header, payload);
        else if (header.Type is RpcType.Reply && TryTake(header, out PendingCall? call))
            call.Complete(header, payload);
        return true;
    }

    private bool TryTake(in RpcHeader header, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PendingCall? call)
    {
        // An unknown serial is the late answer to somebody who gave up.
        lock (_gate)
            return _pending.Remove(header.Serial, out call);
    }

    // One answer at a time: a server that asks and asks, and reads nothing, shall not fill the memory with answers.
    private void AnswerPing()
    {
        if (Interlocked.Exchange(ref _isAnsweringPing, 1) == 0)
            _ = AnswerAsync();

        async Task AnswerAsync()
        {
            try
            {
                await _output.WriteAsync(RpcKeepalive.Pong, default(Nothing), _end.Token).ConfigureAwait(false);
                Volatile.Write(ref _isAnsweringPing, 0);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
            {
                _ = Break("a PING could not be answered", e);
            }
        }
    }

    private async Task RunKeepaliveAsync(RpcKeepalive keepalive)
    {
        await keepalive.RunAsync(_output, _end.Token).ConfigureAwait(false);
        _ = Break(RpcErrors.KeepaliveTimeout());
    }

    // A transport that knows why says it better.
    private LibvirtException Break(string why, Exception? cause) => Break((cause as LinkLostException)?.Error ?? RpcErrors.Lost(why, cause));

    /// <summary>Ends the connection; everybody who waits is told. What was told first stays the reason.</summary>
    private LibvirtException Break(LibvirtException error)
    {
        PendingCall[] pending;
        lock (_gate)
        {
            if (_lost is not null)
                return _lost;
            _lost = error;
            pending = [.. _pending.Values];
            _pending.Clear();
        }

        // Not under the lock: what waits for it goes on from here.
        Unattended.Cancel(_end);
        foreach (PendingCall call in pending)
            call.Fail(error);
        return error;
    }
}
