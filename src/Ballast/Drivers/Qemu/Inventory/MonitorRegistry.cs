using Ballast.Drivers.Qemu.Qmp;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>
/// The monitors that this process is connected to: one per listening socket, however many connections use it, because a
/// monitor serves one client.
/// </summary>
internal static class MonitorRegistry
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<(MonitorKey Key, TimeProvider Time), Entry> Entries = [];

    // Those that are being closed: the next one awaits its predecessor, or it would find the monitor held by ourselves.
    private static readonly Dictionary<(MonitorKey Key, TimeProvider Time), Task> Closing = [];

    /// <summary>The shared monitor of a socket; every call needs a <see cref="ReleaseAsync"/>.</summary>
    /// <param name="endpoint">Where it is, for the first who uses it.</param>
    /// <param name="isNamed">Whether its socket was named, which is consent to keep it.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="log">Who is told what happens to it.</param>
    public static QmpMonitor Acquire(MonitorEndpoint endpoint, bool isNamed, TimeProvider time, ConnectionLog log)
    {
        lock (Gate)
        {
            if (!Entries.TryGetValue((endpoint.Key, time), out Entry? entry))
            {
                endpoint.Predecessor = Closing.GetValueOrDefault((endpoint.Key, time), Task.CompletedTask);
                Entries[(endpoint.Key, time)] = entry = new Entry(new QmpMonitor(endpoint, time));
            }

            if (endpoint.Owner is { } owner)
                entry.Monitor.Endpoint.AddOwner(owner, endpoint.IsProvenByTable);
            entry.Users++;
            entry.Monitor.Log.Add(log);
            if (isNamed)
                entry.Monitor.Use.AddNamer();
            return entry.Monitor;
        }
    }

    /// <param name="monitor">The monitor.</param>
    /// <param name="isNamed">As it was acquired.</param>
    /// <param name="isGone">Whether its QEMU is gone: who still waits is told that, and not that the connection was closed.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="log">As it was acquired.</param>
    public static ValueTask ReleaseAsync(QmpMonitor monitor, bool isNamed, bool isGone, TimeProvider time, ConnectionLog log)
    {
        (MonitorKey, TimeProvider) key = (monitor.Endpoint.Key, time);
        Task closing;
        lock (Gate)
        {
            Entry entry = Entries[key];
            monitor.Log.Remove(log);
            if (isNamed)
                monitor.Use.RemoveNamer();
            if (--entry.Users > 0)
            {
                if (isNamed && !monitor.IsNamed && monitor.IsConnected)
                    MonitorCourtesy.Register(monitor, time);
                return default;
            }

            Entries.Remove(key);
            if (isGone)
                monitor.MarkGone();
            closing = CloseAsync(monitor, Closing.GetValueOrDefault(key, Task.CompletedTask));
            Closing[key] = closing;
        }

        return new ValueTask(ForgetAsync(closing, key));
    }

    private static async Task CloseAsync(QmpMonitor monitor, Task earlier)
    {
        // Without the lock of all monitors.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await monitor.DisposeAsync().ConfigureAwait(false);
        await earlier.ConfigureAwait(false);
    }

    private static async Task ForgetAsync(Task closing, (MonitorKey, TimeProvider) key)
    {
        await closing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (Gate)
        {
            if (Closing.GetValueOrDefault(key) == closing)
                Closing.Remove(key);
        }

        await closing.ConfigureAwait(false);
    }

    private sealed class Entry(QmpMonitor monitor)
    {
        public QmpMonitor Monitor => monitor;

        public int Users { get; set; }
    }
}
