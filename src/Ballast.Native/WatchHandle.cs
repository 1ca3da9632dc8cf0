namespace Ballast.Native;

/// <summary>A <c>ballastWatchPtr</c>: samples taken again and again, of which one waits to be taken.</summary>
internal sealed class WatchHandle : IDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private readonly object _gate = new();
    private readonly ConnectionHandle _owner;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _taken = new(0);
    private readonly Task _watching;
    private DomainMemorySample? _next;
    private Exception? _end;

    public WatchHandle(ConnectionHandle owner, Domain? only, TimeSpan period, MemoryStatsOptions options)
    {
        _owner = owner;
        owner.AddReference();
        Signal = Libc.OpenSignal();
        Handle = Handles.Add(this);
        _watching = Task.Run(() => WatchAsync(only is null ? owner.Connection.WatchMemoryStatsAsync(period, options, _stop.Token) : WatchOneAsync(only, period, options)));
    }

    public nint Handle { get; }

    public ConnectionHandle Owner => _owner;

    /// <summary>Readable while there is something to say.</summary>
    public int Signal { get; }

    /// <summary>The next sample, or null when the time is over; milliseconds below zero wait for ever.</summary>
    public DomainMemorySample? Next(int milliseconds)
    {
        long end = milliseconds < 0 ? long.MaxValue : Environment.TickCount64 + milliseconds;
        lock (_gate)
        {
            while (_next is null && _end is null)
            {
                long left = end - Environment.TickCount64;
                if (left <= 0)
                    return null;
                TimeSpan wait = TimeSpan.FromMilliseconds(Math.Min(left, Blocking.IsChecked ? CheckInterval.TotalMilliseconds : int.MaxValue));
                if (!Monitor.Wait(_gate, wait) && Blocking.IsInterrupted())
                    throw new OperationCanceledException();
            }

            if (_next is not { } sample)
                throw _end!;
            _next = null;
            if (_end is null)
                Libc.Drain(Signal);
            _taken.Release();
            return sample;
        }
    }

    public void Dispose()
    {
        Handles.Remove(Handle);
        _stop.Cancel();
        _watching.GetAwaiter().GetResult();
        _ = Libc.Close(Signal);
        _stop.Dispose();
        _taken.Dispose();
        _ = _owner.Release();
    }

    private async Task WatchAsync(IAsyncEnumerable<DomainMemorySample> samples)
    {
        try
        {
            await foreach (DomainMemorySample sample in samples.WithCancellation(_stop.Token).ConfigureAwait(false))
            {
                lock (_gate)
                {
                    _next = sample;
                    Tell();
                }

                await _taken.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _end = e;
                Tell();
            }
        }
    }

    private async IAsyncEnumerable<DomainMemorySample> WatchOneAsync(Domain domain, TimeSpan period, MemoryStatsOptions options)
    {
        using PeriodicTimer timer = new(period);
        do
        {
            yield return new DomainMemorySample(domain, await domain.GetMemoryStatsAsync(options, _stop.Token).ConfigureAwait(false));
        }
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
    }

    private void Tell()
    {
        Monitor.PulseAll(_gate);
        Libc.Signal(Signal);
    }
}
