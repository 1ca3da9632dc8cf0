namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Who manages a monitor, by the table alone.</summary>
internal static class MonitorManager
{
    /// <summary>The manager's name, or null where nobody is known to manage the monitor.</summary>
    public static string? Of(MonitorSocket monitor) => MonitorManagers.Known.Of(monitor.Path, monitor.ChardevId);
}
