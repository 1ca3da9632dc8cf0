using System.Diagnostics;

namespace Ballast.Native;

/// <summary>
/// A <c>ballastWatchPtr</c>: samples taken again and again, of which each domain's newest waits to be read. Who reads slowly misses
/// some, and is told of those that it reads how old they are then.
/// </summary>
internal sealed class WatchHandle : IDisposable
{
    // More domains than any host has; of one that ended, its last sample waits as well.
    private const int MostUnread = 100_000;

    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private readonly object _gate = new();
    private readonly ConnectionHandle _owner;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;
    private readonly Dictionary<Guid, (DomainMemorySample Sample, long TakenAt)> _unread = [];
    private readonly Queue<Guid> _order = [];
    private readonly Task _watching;
    private Exception? _end;
    private bool _isFreed;
    private volatile bool _isShutDown;

    public WatchHandle(ConnectionHandle owner, Domain? only, TimeSpan period, MemoryStatsOptions options)
    {
        _owner = owner;
        Options = options;
        _stopped = _stop.Token;
        Signal = new Signal();
        try
        {
            owner.Add(this);
        }
        catch
        {
            Signal.Close();
            _stop.Dispose();
            throw;
        }

        Handle = Handles.Add(this);
        _watching = Task.Run(() => WatchAsync(only, period));
    }

    public nint Handle { get; }

    public ConnectionHandle Owner => _owner;

    public MemoryStatsOptions Options { get; }

    /// <summary>Readable while there is something to say.</summary>
    public Signal Signal { get; }

    /// <summary>The next sample, or null when the time is over; milliseconds below zero wait for ever.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted, or the watch freed meanwhile.</exception>
    /// <exception cref="CallException">There is no thread that could take samples.</exception>
    public DomainMemorySample? Next(int milliseconds)
    {
        long end = milliseconds < 0 ? long.MaxValue : Environment.TickCount64 + milliseconds;
        PoolCheck pool = new();
        while (true)
        {
            lock (_gate)
            {
                if (Take() is { } sample)
                    return sample;
                long left = Math.Max(0, end - Environment.TickCount64);
                TimeSpan wait = TimeSpan.FromMilliseconds(Math.Min(left, (Blocking.IsChecked ? CheckInterval : pool.Interval).TotalMilliseconds));
                if (Monitor.Wait(_gate, wait) && Take() is { } awaited)
                    return awaited;
            }

            if (Environment.TickCount64 >= end)
                return null;

            // Not while the gate is held: the program may do anything there, even free the watch.
            if (Blocking.IsInterrupted())
                throw new OperationCanceledException();
            pool.Look();
        }
    }

    /// <summary>The connection is shut down: who waits is told so.</summary>
    public void End()
    {
        _isShutDown = true;
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was freed at the same time.
        }
    }

    public void Dispose()
    {
        if (!Handles.Remove(Handle))
            return;
        _owner.Remove(this);
        _stop.Cancel();
        try
        {
            Blocking.WaitToTheEnd(_watching);
        }
        catch (CallException)
        {
            // There is no thread on which it could end. Where there is one again, it finds that nobody wants anything of it.
        }

        lock (_gate)
        {
            // Its number may be another file's next: nobody who still waits may touch it.
            _isFreed = true;
            Monitor.PulseAll(_gate);
            Signal.Close();
        }

        if (_watching.IsCompleted)
            _stop.Dispose();

        _ = _owner.Release();
    }

    // Within the gate. Null: there is nothing to say yet.
    private DomainMemorySample? Take()
    {
        if (_isFreed)
            throw new OperationCanceledException();
        if (!_order.TryDequeue(out Guid domain))
            return _end is null ? null : throw _end;
        _ = _unread.Remove(domain, out (DomainMemorySample Sample, long TakenAt) newest);
        if (_end is null && _order.Count == 0)
            Signal.Drain();
        return newest.Sample with { Stats = newest.Sample.Stats.After(Stopwatch.GetElapsedTime(newest.TakenAt)) };
    }

    // Within the gate.
    private void Add(DomainMemorySample sample)
    {
        Guid domain = sample.Domain.Uuid;
        if (!_unread.ContainsKey(domain))
        {
            if (_order.Count == MostUnread)
                _ = _unread.Remove(_order.Dequeue());
            _order.Enqueue(domain);
        }

        _unread[domain] = (sample, Stopwatch.GetTimestamp());
        if (_order.Count == 1)
            Tell();
    }

    private async Task WatchAsync(Domain? only, TimeSpan period)
    {
        try
        {
            // Within this: a connection that was closed meanwhile says so here.
            Connection connection = _owner.Connection;
            IAsyncEnumerable<DomainMemorySample> samples = only is null
                ? connection.WatchMemoryStatsAsync(period, Options, _stopped)
                : SingleDomainWatch.RunAsync(connection, only, period, Options, _stopped);
            await foreach (DomainMemorySample sample in samples.WithCancellation(_stopped).ConfigureAwait(false))
            {
                lock (_gate)
                    Add(sample);
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _end = _isShutDown ? new ObjectDisposedException(nameof(Connection)) : e;
                Tell();
            }
        }
    }

    // Within the gate.
    private void Tell()
    {
        if (_isFreed)
            return;
        Monitor.PulseAll(_gate);
        Signal.Tell();
    }
}
