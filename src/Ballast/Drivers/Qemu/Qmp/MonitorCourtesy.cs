using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Looks at the queues of the monitors that were found and are held: nothing signals that somebody waits there. One look
/// reads the listening sockets of a network namespace, and there are only looks while such monitors are held.
/// </summary>
internal sealed class MonitorCourtesy
{
    /// <summary>Often enough for an owner to have its greeting within a tenth of a second.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(40);

    // Looks, a second.
    private const int Again = 25;

    // Listening sockets of which a look takes a twentieth of its interval: each costs the kernel and us a microsecond.
    private const int MostAtFullPace = 2000;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<TimeProvider, MonitorCourtesy> All = [];

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly HashSet<QmpMonitor> _monitors = [];
    private readonly Dictionary<NetNamespace, UnixSocketDiag?> _tables = [];
    private bool _isLooking;
    private int _looks;
    private int _skipped;

    private MonitorCourtesy(TimeProvider time)
    {
        _time = time;
        _timer = Unattended.CreateTimer(time, static courtesy => courtesy.LookOnce(), this, Look, Look);
    }

    /// <summary>Looks after a connected monitor, unless it was named.</summary>
    public static void Register(QmpMonitor monitor, TimeProvider time)
    {
        if (monitor.IsNamed || monitor.Endpoint.Place is null)
            return;
        lock (Gate)
        {
            if (!All.TryGetValue(time, out MonitorCourtesy? courtesy))
                All[time] = courtesy = new MonitorCourtesy(time);
            courtesy._monitors.Add(monitor);
        }
    }

    private void LookOnce()
    {
        QmpMonitor[] monitors;
        lock (Gate)
        {
            if (_isLooking || --_skipped >= 0)
                return;
            _monitors.RemoveWhere(static monitor => !monitor.LetGoWhenIdle());
            if (_monitors.Count == 0)
            {
                End();
                return;
            }

            _isLooking = true;
            monitors = [.. _monitors];
        }

        try
        {
            _looks++;
            ILookup<NetNamespace, QmpMonitor> places = monitors.Where(static monitor => !monitor.IsNamed).ToLookup(static monitor => monitor.Endpoint.Place!);
            Leave(places);
            _skipped = LooksToSkip(places.Sum(place => MakeWay(place.Key, [.. place])));
        }
        finally
        {
            lock (Gate)
                _isLooking = false;
        }
    }

    // An open table keeps its network namespace, with all its devices, from ending together with the container.
    private void Leave(ILookup<NetNamespace, QmpMonitor> places)
    {
        foreach (NetNamespace place in _tables.Keys.Where(place => !places.Contains(place)).ToArray())
        {
            _tables.Remove(place, out UnixSocketDiag? table);
            table?.Dispose();
        }
    }

    /// <summary>Whoever opens thousands of sockets makes owners wait longer, but does not make us take a processor.</summary>
    internal static int LooksToSkip(int listeners) => listeners / MostAtFullPace;

    /// <summary>Gives up what is waited for.</summary>
    /// <returns>How many sockets were looked at.</returns>
    private int MakeWay(NetNamespace place, QmpMonitor[] monitors)
    {
        // Where there was none, perhaps for want of a thread, it is tried again in a while.
        if (!_tables.TryGetValue(place, out UnixSocketDiag? table) || (table is null && _looks % Again == 0))
            _tables[place] = table = Open(monitors);
        HashSet<uint> awaited = [];
        if (table?.ReadAwaited(awaited) is not { } listeners)
            return 0;
        foreach (QmpMonitor monitor in awaited.Count > 0 ? monitors : [])
        {
            if (awaited.Contains(monitor.Endpoint.Key.Listener))
                _ = monitor.YieldAsync();
        }

        return listeners;
    }

    // The namespace is reached through a process in it, which may have ended just now: then through the next.
    private static UnixSocketDiag? Open(QmpMonitor[] monitors) =>
        monitors.Select(static monitor => monitor.Endpoint.Place!).DistinctBy(static place => place.Path)
            .Select(UnixSocketDiag.Open).FirstOrDefault(static table => table is not null);

    /// <summary>The lock is held.</summary>
    private void End()
    {
        // A look that was due already comes after the end; there may be another one by then.
        if (All.GetValueOrDefault(_time) == this)
            All.Remove(_time);
        _timer.Dispose();
        foreach (UnixSocketDiag? table in _tables.Values)
            table?.Dispose();
        _tables.Clear();
    }
}
