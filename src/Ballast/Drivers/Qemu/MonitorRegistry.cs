using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>
/// The monitors that this process is connected to: one per socket, however many connections use it, because a monitor
/// serves one client.
/// </summary>
internal static class MonitorRegistry
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<(string Path, TimeProvider Time), Entry> Entries = [];

    /// <summary>The shared monitor of a socket; every call needs a <see cref="ReleaseAsync"/>.</summary>
    public static QmpMonitor Acquire(string realPath, TimeProvider time)
    {
        lock (Gate)
        {
            if (!Entries.TryGetValue((realPath, time), out Entry? entry))
                Entries[(realPath, time)] = entry = new Entry(new QmpMonitor(realPath, time));
            entry.Users++;
            return entry.Monitor;
        }
    }

    public static ValueTask ReleaseAsync(QmpMonitor monitor, TimeProvider time)
    {
        lock (Gate)
        {
            Entry entry = Entries[(monitor.Path, time)];
            if (--entry.Users > 0)
                return default;
            Entries.Remove((monitor.Path, time));
        }

        return monitor.DisposeAsync();
    }

    private sealed class Entry(QmpMonitor monitor)
    {
        public QmpMonitor Monitor => monitor;

        public int Users { get; set; }
    }
}
