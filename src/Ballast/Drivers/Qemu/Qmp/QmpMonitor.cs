using System.Diagnostics;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// One monitor of a QEMU, shared by everybody in this process who asks it. Callers that wait at the same time share one
/// query, sent after the last of them asked. One thing is under way at a time: a query, or a call; so replies need no id.
/// </summary>
/// <remarks>
/// Every caller has its own deadline, counted from its own asking. When one passes while the monitor is silent, the
/// monitor is taken for hung: a marked question is sent behind what is unanswered, whatever comes before the mark is
/// thrown away, and callers that the silence would keep waiting too long fail at once until the mark arrives.
/// </remarks>
internal sealed partial class QmpMonitor : IAsyncDisposable
{
    private const int MaxRecycled = 256;

    // Of all monitors, because a QEMU may be asked over one and then over another.
    private static long _answered, _connections;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Stack<MonitorQuery> _recycled = new();
    private readonly Dictionary<MonitorParts, byte[]> _commands = [];
    private List<MonitorQuery> _waiting = [];
    private List<MonitorQuery> _asked = [];

    private Phase _phase;
    private MonitorParts _unanswered;
    private MonitorValues _values;
    private long _silentSince;
    private long _connectFailedAt;
    private long _lastMark;
    private long _awaitedMark;
    private bool _isOutOfStep;
    private bool _disposed;
    private volatile bool _isGone;

    public QmpMonitor(MonitorEndpoint endpoint, TimeProvider time)
    {
        Log = new MonitorLog(endpoint.Name);
        Endpoint = endpoint;
        _time = time;
        Refresh = new QmpRefresh(this, time);
        _timer = time.CreateTimer(
            static state => ((QmpMonitor)state!).ExpireDeadlines(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private enum Phase
    {
        Idle,
        Query,
        Call,

        /// <summary>Only the mark is awaited.</summary>
        Resynchronise,
    }

    /// <summary>Where it is, and whose.</summary>
    public MonitorEndpoint Endpoint { get; }

    public string Path => Endpoint.Name;

    /// <summary>Who is told what happens to it.</summary>
    public MonitorLog Log { get; }

    /// <summary>Makes the guest report at once.</summary>
    public QmpRefresh Refresh { get; }

    /// <summary>Commands sent so far; what sharing saves is measured by it.</summary>
    public long CommandsSent { get; private set; }

    public bool IsConnected => Volatile.Read(ref _channel) is not null;

    /// <summary>Whether something that was asked is not answered yet.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_gate)
                return _phase != Phase.Idle;
        }
    }

    /// <summary>Asks, together with everybody else who waits.</summary>
    /// <remarks>Parts about the balloon are left out where there is none; so are those that the monitor answered with an error.</remarks>
    public ValueTask<MonitorValues> QueryAsync(MonitorParts parts, TimeSpan timeout, CancellationToken cancellationToken) =>
        QueryAsync(parts, timeout, goesOnSynchronously: false, cancellationToken);

    /// <summary>The same; who awaits it may go on upon the thread that receives.</summary>
    public ValueTask<MonitorValues> QueryAsync(MonitorParts parts, TimeSpan timeout, bool goesOnSynchronously, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<MonitorValues>(cancellationToken);
        if (Activities.AreWanted)
            return TraceAsync(parts, timeout, cancellationToken);
        return JoinAsync(parts, timeout, goesOnSynchronously, cancellationToken);
    }

    private async ValueTask<MonitorValues> TraceAsync(MonitorParts parts, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using Activity? activity = Activities.Query(Path);
        try
        {
            return await JoinAsync(parts, timeout, goesOnSynchronously: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Failed(e);
            throw;
        }
    }

    private ValueTask<MonitorValues> JoinAsync(MonitorParts parts, TimeSpan timeout, bool goesOnSynchronously, CancellationToken cancellationToken)
    {
        long now = _time.GetTimestamp();
        BreakIfLost();
        MonitorQuery? query = TryJoin(parts, timeout, now, goesOnSynchronously);
        if (query is null)
            return ConnectAndQueryAsync(parts, timeout, now, cancellationToken);
        query.Watch(cancellationToken);
        return query.Task;
    }

    /// <summary>Whether a process accepted the connection that stands; null where that cannot be told.</summary>
    public bool? IsServedBy(IMonitorOwner owner)
    {
        QmpChannel? channel;
        lock (_gate)
            channel = _channel;
        return channel is null ? null : MonitorEndpoint.IsAcceptedBy(owner, channel.Socket);
    }

    /// <summary>Its QEMU is gone: whoever still asks is told that.</summary>
    public void MarkGone() => _isGone = true;

    /// <summary>Ends the connection; who waits gets an error.</summary>
    public async ValueTask DisposeAsync()
    {
        // While there still is a connection to set back by what a refresh has set.
        await Refresh.DisposeAsync().ConfigureAwait(false);
        Task? connecting, receiving;
        lock (_gate)
        {
            _disposed = true;
            connecting = _attempt?.Outcome;
            receiving = _receiving;
        }

        Break(Closed());
        await _lifetime.CancelAsync().ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        // Only when the socket is closed may somebody open it anew.
        if (connecting is not null)
            await connecting.ConfigureAwait(false);
        if (receiving is not null)
            await receiving.ConfigureAwait(false);
        _lifetime.Dispose();
    }

    internal void Recycle(MonitorQuery query)
    {
        lock (_gate)
        {
            if (_recycled.Count < MaxRecycled)
                _recycled.Push(query);
        }
    }

    /// <summary>A caller cancelled. The query that it shared goes on for the others.</summary>
    internal void Forget(MonitorQuery query, CancellationToken token)
    {
        lock (_gate)
        {
            bool wasAsked = _asked.Remove(query);
            if (!wasAsked && !_waiting.Remove(query))
                return;
            if (wasAsked && _asked.Count == 0)
                _isOutOfStep = true;
        }

        query.Fail(new OperationCanceledException(token));
    }

    private async ValueTask<MonitorValues> ConnectAndQueryAsync(
        MonitorParts parts, TimeSpan timeout, long askedAt, CancellationToken cancellationToken)
    {
        await EnsureConnectedAsync(timeout, askedAt, cancellationToken).ConfigureAwait(false);
        MonitorQuery query = TryJoin(parts, timeout, askedAt, goesOnSynchronously: false) ?? throw QmpErrors.Lost(Path, null);
        query.Watch(cancellationToken);
        return await query.Task.ConfigureAwait(false);
    }

    /// <summary>Null where there is no connection yet.</summary>
    private MonitorQuery? TryJoin(MonitorParts parts, TimeSpan timeout, long askedAt, bool goesOnSynchronously)
    {
        MonitorQuery? query;
        bool isAnything;
        lock (_gate)
        {
            if (_disposed)
                throw Closed();
            if (_channel is null)
                return null;
            ThrowIfUnusable(timeout, askedAt);
            NoteUse(askedAt);
            if (!_recycled.TryPop(out query))
                query = new MonitorQuery(this);
            query.Start(parts, timeout, askedAt, goesOnSynchronously);
            _waiting.Add(query);
            SendNext();
            ArmTimer(askedAt, timeout);
            isAnything = TakeOutgoing();
        }

        Transmit(isAnything);
        return query;
    }

    /// <summary>The lock is held.</summary>
    private void Enter(Phase phase)
    {
        bool wasAsked = _phase is Phase.Query or Phase.Call, isAsked = phase is Phase.Query or Phase.Call;
        _phase = phase;
        if (isAsked && !wasAsked)
            QmpTraffic.Asked();
        else if (wasAsked && !isAsked)
            QmpTraffic.Answered();
    }

    private Exception Closed() => _isGone ? QmpErrors.Lost(Path, null) : new ObjectDisposedException(nameof(Connection));

    /// <summary>Whether something that was asked is unanswered for so long.</summary>
    public bool IsSilent(TimeSpan timeout)
    {
        lock (_gate)
            return _channel is not null && _phase != Phase.Idle && _time.GetElapsedTime(_silentSince) >= timeout;
    }

    private void ThrowIfUnusable(TimeSpan timeout, long now)
    {
        if (_channel is null)
            throw QmpErrors.Lost(Path, null);
        if (_phase != Phase.Idle && _time.GetElapsedTime(_silentSince, now) is var silent && silent >= timeout)
            throw QmpErrors.KnownHung(Path, silent);
    }

    /// <summary>Starts the next thing where nothing is under way. The lock is held.</summary>
    private void SendNext()
    {
        if (_phase != Phase.Idle || _beginning is not null || _channel is null)
            return;
        _call = TakeCall();
        _wasCall = _call is not null;
        if (_call is not null)
        {
            Enter(Phase.Call);
            NoteQuestion(isForStats: false);
            CommandsSent += _call.RepliesLeft;
            Send(_call.Command);
        }
        else if (_waiting.Count > 0)
        {
            Enter(Phase.Query);
            (_asked, _waiting) = (_waiting, _asked);
            Metrics.Queries.Add(1);
            Metrics.SharedCallers.Add(_asked.Count - 1);
            MonitorParts parts = MonitorParts.None;
            foreach (MonitorQuery query in _asked)
                parts |= query.Parts;
            if (Balloon is null)
                parts &= ~BalloonDevice.Parts;
            parts = WithoutKnownSize(parts);
            NoteQuestion((parts & MonitorParts.GuestStats) != 0);
            _values = default;
            _askedForDevices = false;
            if (parts == MonitorParts.None)
                FinishQuery(answered: null);
            else
                Ask(parts);
        }
    }

    private void Ask(MonitorParts parts)
    {
        _unanswered = parts;
        _askedForDevices |= (parts & MonitorParts.MemoryDevices) != 0;
        CommandsSent += System.Numerics.BitOperations.PopCount((uint)parts);
        Send(Questions(parts));
    }

    private byte[] Questions(MonitorParts parts)
    {
        if (!_commands.TryGetValue(parts, out byte[]? commands))
            _commands[parts] = commands = QmpCommands.Query(parts, Balloon);
        return commands;
    }

    /// <param name="answered">Takes those that go on synchronously, for when the lock is free.</param>
    private void FinishQuery(List<MonitorQuery>? answered)
    {
        Enter(Phase.Idle);
        _values.Number = Interlocked.Increment(ref _answered);
        (_values.Connection, _values.LastReset) = (_connection, _lastReset);
        NoteSize();
        long now = Metrics.QueryDuration.Enabled ? _time.GetTimestamp() : 0;
        foreach (MonitorQuery query in _asked)
        {
            if (now != 0)
                Metrics.QueryDuration.Record(_time.GetElapsedTime(query.AskedAt, now).TotalSeconds);
            query.Answer(_values);
            if (query.GoesOnSynchronously && answered is not null)
                answered.Add(query);
            else
                query.CompleteElsewhere();
        }

        _asked.Clear();
        SendNext();
    }
}
