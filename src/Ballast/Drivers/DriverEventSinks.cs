namespace Ballast.Drivers;

/// <summary>The sinks of a driver that has several subscribers.</summary>
internal sealed class DriverEventSinks
{
    private readonly Lock _gate = new();
    private IDriverEventSink[] _sinks = [];

    public bool IsEmpty => Volatile.Read(ref _sinks).Length == 0;

    /// <summary>Registers a sink until the result is disposed; who was the last is told when it is gone.</summary>
    public IAsyncDisposable Add(IDriverEventSink sink, Func<ValueTask>? lastIsGone = null)
    {
        lock (_gate)
            _sinks = [.. _sinks, sink];
        return new Registration(this, sink, lastIsGone);
    }

    public void Publish(in DriverEvent happened)
    {
        foreach (IDriverEventSink sink in Volatile.Read(ref _sinks))
            sink.Add(happened);
    }

    /// <summary>Events are missing here, nobody knows how many.</summary>
    public void Interrupt()
    {
        foreach (IDriverEventSink sink in Volatile.Read(ref _sinks))
            sink.Interrupt();
    }

    /// <summary>So many are missing here.</summary>
    public void Miss(long count)
    {
        foreach (IDriverEventSink sink in Volatile.Read(ref _sinks))
            sink.Miss(count);
    }

    /// <summary>From now on they come again.</summary>
    public void Resume()
    {
        foreach (IDriverEventSink sink in Volatile.Read(ref _sinks))
            sink.Resume();
    }

    public void End(Exception? error)
    {
        foreach (IDriverEventSink sink in Interlocked.Exchange(ref _sinks, []))
            sink.End(error);
    }

    /// <summary>Whether it was the last.</summary>
    public bool Remove(IDriverEventSink sink)
    {
        lock (_gate)
        {
            int before = _sinks.Length;
            _sinks = [.. _sinks.Where(other => other != sink)];
            return _sinks.Length == 0 && before > 0;
        }
    }

    private sealed class Registration(DriverEventSinks sinks, IDriverEventSink sink, Func<ValueTask>? lastIsGone) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => sinks.Remove(sink) && lastIsGone is not null ? lastIsGone() : default;
    }
}
