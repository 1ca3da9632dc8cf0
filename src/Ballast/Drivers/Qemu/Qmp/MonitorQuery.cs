using System.Threading.Tasks.Sources;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// One caller that waits for a shared query. Reused, so that an awaited call allocates nothing. All state but the result
/// is guarded by the monitor's lock.
/// </summary>
internal sealed class MonitorQuery : IValueTaskSource<MonitorValues>, ICancellable
{
    private readonly QmpMonitor _monitor;

    // Not of the values, which are many: they are copied no more often than they must.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private MonitorValues _answer;
    private CancellationTokenRegistration _registration;

    public MonitorQuery(QmpMonitor monitor) => _monitor = monitor;

    public MonitorParts Parts { get; private set; }

    public TimeSpan Timeout { get; private set; }

    /// <summary>The monitor's clock when the caller asked.</summary>
    public long AskedAt { get; private set; }

    public ValueTask<MonitorValues> Task => new(this, _core.Version);

    /// <summary>Whether the caller's code may run on the thread that received the answer, once no lock is held.</summary>
    public bool RunsInline { get; private set; }

    public void Start(MonitorParts parts, TimeSpan timeout, long askedAt, bool runsInline)
    {
        RunsInline = runsInline;
        Parts = parts;
        Timeout = timeout;
        AskedAt = askedAt;
    }

    /// <summary>Must be called outside the monitor's lock: a token that is cancelled already calls back at once.</summary>
    public void CancelWith(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
            _registration = Unattended.Register(this, cancellationToken);
    }

    void ICancellable.Cancel(CancellationToken token) => _monitor.Forget(this, token);

    /// <summary>What it is to be completed with; from now on it can be neither cancelled nor late.</summary>
    public void Answer(in MonitorValues values) => _answer = values;

    public void CompleteOnPool() => _core.SetResult(true);

    public void CompleteInline()
    {
        _core.RunContinuationsAsynchronously = false;
        _core.SetResult(true);
    }

    public void Fail(Exception error) => _core.SetException(error);

    MonitorValues IValueTaskSource<MonitorValues>.GetResult(short token)
    {
        // After this no callback runs any more, so the object may be used again.
        _registration.Dispose();
        _registration = default;
        try
        {
            _ = _core.GetResult(token);
            return _answer;
        }
        finally
        {
            _core.Reset();
            _core.RunContinuationsAsynchronously = true;
            _monitor.Recycle(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<MonitorValues>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<MonitorValues>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
