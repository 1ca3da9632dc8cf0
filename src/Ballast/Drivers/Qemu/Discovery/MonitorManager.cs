namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Who manages a monitor, told by where its socket lies; such a monitor is listed and left alone.</summary>
internal static class MonitorManager
{
    private static readonly (string Name, string[] Directories)[] Managers =
    [
        ("libvirt", ["/var/lib/libvirt/", "/run/libvirt/", "/var/run/libvirt/", "/etc/libvirt/"]),
        ("Proxmox VE", ["/run/qemu-server/", "/var/run/qemu-server/"]),
        ("Incus", ["/run/incus/", "/var/lib/incus/", "/var/log/incus/", "/opt/incus/"]),
        ("LXD", ["/var/snap/lxd/", "/var/lib/lxd/", "/var/log/lxd/", "/run/lxd/", "/run/snap.lxd/"]),
    ];

    // Of a session's libvirt, below a home or a runtime directory of any name.
    private static readonly string[] LibvirtOfSession = ["/.config/libvirt/", "/.cache/libvirt/", "/.local/share/libvirt/", "/libvirt/qemu/"];

    /// <summary>The manager's name, or null where nobody is known to manage the monitor.</summary>
    public static string? Of(MonitorSocket monitor)
    {
        if (monitor.ChardevId == "charmonitor")
            return "libvirt";
        if (monitor.Path is not { } path)
            return null;
        foreach ((string name, string[] directories) in Managers)
        {
            if (Array.Exists(directories, directory => path.StartsWith(directory, StringComparison.Ordinal)))
                return name;
        }

        return Array.Exists(LibvirtOfSession, part => path.Contains(part, StringComparison.Ordinal)) ? "libvirt" : null;
    }
}
