using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// One monitor of a QEMU, shared by everybody in this process who asks it. Callers that wait at the same time share one
/// query, sent after the last of them asked.
/// </summary>
/// <remarks>
/// Every caller has its own deadline, counted from its own asking. When one passes while the monitor is silent, the
/// monitor is taken for hung: a mark is sent behind what is unanswered, whatever comes before it is thrown away, and callers
/// that the silence would keep waiting too long fail at once until the mark arrives. Each part of the state is a class of its
/// own (<see cref="MonitorPart"/>); this class holds the lock, and says which part is told what.
/// </remarks>
internal sealed partial class QmpMonitor : IAsyncDisposable
{
    private const int MaxRecycled = 256;

    // A call that still uses the socket never waits, but its thread may have to.
    private static readonly TimeSpan TimeToClose = TimeSpan.FromSeconds(5);

    // Of all monitors, because a QEMU may be asked over one and then over another.
    private static long _answered;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly Stack<MonitorQuery> _recycled = new();
    private readonly DeadlineTimer _deadline;
    private readonly MonitorLane _lane;
    private readonly MonitorQuestion _question;
    private readonly Resynchronisation _resynchronisation;
    private readonly Prefetch _prefetch;
    private readonly KnownSize _size;
    private readonly MonitorEvents _events;
    private readonly UnsolicitedLimit _unsolicited;
    private readonly MonitorCommands _commands;
    private readonly MonitorConnector _connector;
    private readonly SendQueue _sendQueue;

    private QmpChannel? _channel;
    private Task? _receiving;

    // Whether an answer is being given to those who waited for it: no query is sent before they had it.
    private bool _isServing;
    private bool _disposed;
    private volatile bool _isGone;

    public QmpMonitor(MonitorEndpoint endpoint, TimeProvider time)
    {
        Endpoint = endpoint;
        _time = time;
        Log = new MonitorLog(PathText.Escaped(endpoint.Name));
        Refresh = new QmpRefresh(this, time);
        Use = new MonitorUse(_gate, time);
        Pause = new MisbehaviourPause(_gate, Path, time);
        _deadline = new DeadlineTimer(_gate, time, ExpireDeadlines);
        _lane = new MonitorLane(_gate, Path, time, _deadline);
        _question = new MonitorQuestion(_gate);
        _resynchronisation = new Resynchronisation(_gate);
        _prefetch = new Prefetch(_gate);
        _size = new KnownSize(_gate, time);
        _events = new MonitorEvents(_gate, time);
        _unsolicited = new UnsolicitedLimit(_gate, time);
        _commands = new MonitorCommands(_gate);
        _connector = new MonitorConnector(this, _gate, time);
        _sendQueue = new SendQueue(_gate);
    }

    /// <summary>Where it is, and whose.</summary>
    public MonitorEndpoint Endpoint { get; }

    public string Path => Endpoint.Name;

    /// <summary>Who is told what happens to it.</summary>
    public MonitorLog Log { get; }

    /// <summary>Makes the guest report at once.</summary>
    public QmpRefresh Refresh { get; }

    /// <summary>Held by the one caller who ends the QEMU; it needs no disposal, as nobody takes its handle.</summary>
    public SemaphoreSlim Ending { get; } = new(1);

    /// <summary>Commands sent so far; what sharing saves is measured by it.</summary>
    public long CommandsSent { get; private set; }

    public bool IsConnected => Volatile.Read(ref _channel) is not null;

    /// <summary>What the monitor said at the last connect; null before the first.</summary>
    public QmpHello? Hello => _connector.Hello;

    /// <summary>Who listens, as of the last connect.</summary>
    public UnixSocketPeer Peer => _connector.Peer;

    /// <summary>Who listened when last somebody connected, whether it greeted or not; null: nobody connected yet.</summary>
    public UnixSocketPeer? Met => _connector.Met;

    /// <summary>Whether the monitor was shown to be its owner's: by the peer of a connection, or by the owner's own table.</summary>
    public bool IsProven => Endpoint.IsProvenByTable || _connector.IsPeerProven;

    /// <summary>The balloon device, where one was found.</summary>
    public BalloonDevice? Balloon => _commands.Balloon;

    /// <summary>Whether something that was asked is not answered yet.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_gate)
                return _lane.Phase != LanePhase.Idle || _lane.IsWaitedFor;
        }
    }

    /// <summary>What the guest does, as of the last answer or event; no state before the first connection.</summary>
    public DomainStateInfo State
    {
        get
        {
            lock (_gate)
                return _events.State;
        }
    }

    /// <summary>What the answers to come will bear; zero before the first connection.</summary>
    public (long Connection, DateTimeOffset? LastReset) Epoch
    {
        get
        {
            lock (_gate)
                return (_events.Connection, _events.LastReset);
        }
    }

    /// <summary>The balloon's size as last told by an answer or an event, in bytes; null where nobody said.</summary>
    public ulong? ActualBytes
    {
        get
        {
            lock (_gate)
                return _size.Bytes;
        }
    }

    /// <summary>Held while something is sent; tests keep a sender waiting by it.</summary>
    internal Lock SendGate => _sendQueue.SendGate;

    /// <summary>Whether something that was asked is unanswered for so long.</summary>
    public bool IsSilent(TimeSpan timeout)
    {
        lock (_gate)
            return _channel is not null && IsOwing(timeout, _time.GetTimestamp(), out _);
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

    /// <summary>
    /// Waits until what an ended QEMU still said is read: its end is often seen before its last words, and they say why it
    /// ended.
    /// </summary>
    /// <param name="patience">At most so long: another process may hold the connection open.</param>
    public async Task HearOutAsync(TimeSpan patience)
    {
        Task? receiving;
        lock (_gate)
            receiving = _channel is null ? null : _receiving;
        if (receiving is not null)
            await receiving.WaitAsync(patience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Connects where there is no connection.</summary>
    public Task EnsureConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        _connector.EnsureConnectedAsync(timeout, _time.GetTimestamp(), cancellationToken);

    /// <summary>Asks, together with everybody else who waits.</summary>
    /// <remarks>Parts about the balloon are left out where there is none; so are those that the monitor answered with an error.</remarks>
    public ValueTask<MonitorValues> QueryAsync(MonitorParts parts, TimeSpan timeout, CancellationToken cancellationToken) =>
        QueryAsync(parts, timeout, isMeant: null, runsInline: false, cancellationToken);

    /// <summary>The same of one QEMU.</summary>
    /// <param name="parts">What.</param>
    /// <param name="timeout">The longest wait.</param>
    /// <param name="isMeant">Whether it is meant for who answers after so many of the monitor's connections were lost (<see cref="Losses"/>); null: whoever it is.</param>
    /// <param name="runsInline">Whether the code that awaits it may run on the thread that receives.</param>
    /// <param name="cancellationToken">Forgets it.</param>
    public ValueTask<MonitorValues> QueryAsync(
        MonitorParts parts, TimeSpan timeout, Func<long, bool>? isMeant, bool runsInline, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<MonitorValues>(cancellationToken);
        return Activities.AreWanted
            ? TraceAsync(parts, timeout, isMeant, cancellationToken)
            : JoinAsync(parts, timeout, isMeant, runsInline, cancellationToken);
    }

    /// <summary>Tells the listener how things are now, and from now on what happens.</summary>
    public void Attach(IMonitorListener listener)
    {
        lock (_gate)
        {
            _events.Attach(listener);
            if (_channel is not null)
                listener.Connected(_events.State, _size.Bytes);
        }
    }

    public void Detach(IMonitorListener listener)
    {
        lock (_gate)
            _events.Detach(listener);
    }

    /// <summary>Ends the connection; who waits gets an error.</summary>
    public async ValueTask DisposeAsync()
    {
        // While there still is a connection to set back by what a refresh has set.
        await Refresh.DisposeAsync().ConfigureAwait(false);
        Task? receiving;
        lock (_gate)
        {
            _disposed = true;
            receiving = _receiving;
        }

        Break(Closed());
        await _deadline.DisposeAsync().ConfigureAwait(false);

        // Only when the socket is closed may somebody open it again.
        await _connector.DisposeAsync().ConfigureAwait(false);
        if (receiving is not null)
            await receiving.ConfigureAwait(false);
        await Endpoint.Closed.WaitAsync(TimeToClose, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
            if (!_lane.Remove(query, out bool leavesAnswer))
                return;
            if (leavesAnswer)
                _resynchronisation.Require();
        }

        query.Fail(new OperationCanceledException(token));
    }

    /// <summary>What whoever asks a monitor that was closed is told.</summary>
    internal Exception Closed() => _isGone ? QmpErrors.Lost(Path, null) : new ObjectDisposedException(nameof(Connection));

    private ValueTask<MonitorValues> JoinAsync(
        MonitorParts parts, TimeSpan timeout, Func<long, bool>? isMeant, bool runsInline, CancellationToken cancellationToken)
    {
        long now = _time.GetTimestamp();
        BreakIfLost();
        MonitorQuery? query = TryJoin(parts, timeout, now, isMeant, runsInline);
        if (query is null)
            return ConnectAndQueryAsync(parts, timeout, now, isMeant, cancellationToken);
        query.CancelWith(cancellationToken);
        return query.Task;
    }

    private async ValueTask<MonitorValues> ConnectAndQueryAsync(
        MonitorParts parts, TimeSpan timeout, long askedAt, Func<long, bool>? isMeant, CancellationToken cancellationToken)
    {
        await _connector.EnsureConnectedAsync(timeout, askedAt, cancellationToken).ConfigureAwait(false);
        MonitorQuery query = TryJoin(parts, timeout, askedAt, isMeant, runsInline: false) ?? throw QmpErrors.Lost(Path, null);
        query.CancelWith(cancellationToken);
        return await query.Task.ConfigureAwait(false);
    }

    /// <summary>Null where there is no connection yet.</summary>
    private MonitorQuery? TryJoin(MonitorParts parts, TimeSpan timeout, long askedAt, Func<long, bool>? isMeant, bool runsInline)
    {
        MonitorQuery? query;
        bool isAnything;
        lock (_gate)
        {
            if (!HasConnection)
                return null;
            ThrowIfUnusable(timeout, askedAt);
            ThrowIfNotMeant(isMeant);
            Use.NoteUse(askedAt);
            if (!_recycled.TryPop(out query))
                query = new MonitorQuery(this);
            query.Start(parts, timeout, askedAt, runsInline);
            _lane.Add(query);
            SendNext();
            isAnything = _sendQueue.TryEnqueueChosen(_channel);
        }

        Transmit(isAnything);
        return query;
    }

    // Under the lock: it is sent over this connection, or none.
    private void ThrowIfNotMeant(Func<long, bool>? isMeant)
    {
        if (isMeant?.Invoke(_losses) == false)
            throw QmpErrors.Lost(Path, null);
    }

    private bool IsOwing(TimeSpan timeout, long now, out TimeSpan silence)
    {
        silence = _lane.Silence(now);
        return _lane.Phase != LanePhase.Idle && silence >= timeout;
    }

    private void ThrowIfUnusable(TimeSpan timeout, long now)
    {
        if (_channel is null)
            throw QmpErrors.Lost(Path, null);
        if (IsOwing(timeout, now, out TimeSpan silence))
            throw QmpErrors.KnownHung(Path, silence);
    }
}
