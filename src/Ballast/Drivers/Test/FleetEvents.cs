namespace Ballast.Drivers.Test;

/// <summary>
/// The events of a fleet: balloons that move, told once a second as QEMU does. Guests whose balloon nobody ever set do
/// not move, so that only the others are looked at.
/// </summary>
internal sealed class FleetEvents(Fleet fleet, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly DriverEventSinks _sinks = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ulong> _sizes = [];
    private ITimer? _timer;

    public IAsyncDisposable Subscribe(IDriverEventSink sink)
    {
        lock (_gate)
        {
            if (_timer is null)
            {
                foreach ((int index, ulong size) in fleet.ChangedSizes())
                    _sizes[index] = size;
                _timer = Unattended.CreateTimer(time, static events => events.Tell(), this, Look, Look);
            }

            return _sinks.Add(sink, StopAsync);
        }
    }

    private ValueTask StopAsync()
    {
        lock (_gate)
        {
            if (_timer is null || !_sinks.IsEmpty)
                return default;
            _timer.Dispose();
            _timer = null;
            _sizes.Clear();
        }

        return default;
    }

    private void Tell()
    {
        lock (_gate)
        {
            foreach ((int index, ulong size) in fleet.ChangedSizes())
            {
                if (!_sizes.TryGetValue(index, out ulong before))
                    before = fleet.Guest(index).InitialKiB;
                _sizes[index] = size;
                if (size != before)
                    _sinks.Publish(DriverEvent.BalloonChange(fleet.Identity(index), size));
            }
        }
    }
}
