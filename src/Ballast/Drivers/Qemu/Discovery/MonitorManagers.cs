using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Who manages a monitor: told by where its socket lies, by the id of its character device, and by the name that QEMU was
/// started under. Such a monitor is listed and left alone. docs/access.md says where each row was seen, and why other
/// managers need none.
/// </summary>
/// <param name="more">Directories of further managers, which outrank the table.</param>
internal sealed class MonitorManagers(IReadOnlyList<(string Name, string PathPrefix)> more)
{
    // libvirt names every monitor of its own so, and hands it over as a descriptor, without a path, since 6.0.
    private const string LibvirtChardev = "charmonitor";

    // Of paths, the first that fits: all that a row says must hold.
    private static readonly Row[] Rows =
    [
        new("libvirt") { Chardev = LibvirtChardev },
        new("libvirt") { Under = "/var/lib/libvirt/" },
        new("libvirt") { Under = "/run/libvirt/" },
        new("libvirt") { Under = "/etc/libvirt/" },

        // A session's, below a home or a runtime directory of any name (GNOME Boxes has one of its own).
        new("libvirt") { Within = "/libvirt/qemu/" },
        new("libvirt") { Within = "/.config/libvirt/" },
        new("libvirt") { Within = "/.cache/libvirt/" },
        new("libvirt") { Within = "/.local/share/libvirt/" },

        new("Proxmox VE") { Under = "/run/qemu-server/" },

        new("Incus") { Under = "/run/incus/" },
        new("Incus") { Under = "/var/lib/incus/" },
        new("Incus") { Under = "/var/log/incus/" },
        new("Incus") { Under = "/opt/incus/" },
        new("LXD") { Under = "/var/snap/lxd/" },
        new("LXD") { Under = "/run/snap.lxd/" },
        new("LXD") { Under = "/run/lxd/" },
        new("LXD") { Under = "/var/lib/lxd/" },
        new("LXD") { Under = "/var/log/lxd/" },

        // Both may be told to live elsewhere (INCUS_DIR, LXD_DIR); device and file keep their names.
        new("Incus or LXD") { Chardev = "monitor", File = "qemu.monitor" },

        // NAME.qmp is ganeti-noded's, which comes and goes, NAME.kvmd its watcher's, which stays.
        new("Ganeti") { Under = "/run/ganeti/kvm-hypervisor/" },

        // Beside it Kata can open extra-monitor.sock, which is meant for others. A shim without privileges has its own
        // directory below the user's runtime directory. Newer ones hand over a descriptor: then only the name tells.
        new("Kata Containers") { Within = "/run/vc/vm/", File = "qmp.sock" },
        new("Kata Containers") { Guest = "sandbox-", HasNoPath = true },

        new("lima") { Within = "/.lima/", File = "qmp.sock" },
        new("lima") { Within = "/_lima/", File = "qmp.sock" },
        new("lima") { Guest = "lima-", Chardev = "char-qmp" },

        new("podman machine") { Within = "/podman/", File = "qmp_*.sock" },
        new("minikube") { Within = "/.minikube/machines/", File = "monitor" },
        new("the qemus/qemu container") { File = "qemu-qmp-ballooning.sock" },
    ];

    private readonly (string Name, string Under)[] _more =
        [.. more.SelectMany(row => Spellings(row.PathPrefix).Select(path => (row.Name, Plain(path).TrimEnd('/') + "/")))];

    /// <summary>The table alone.</summary>
    public static MonitorManagers Known { get; } = new([]);

    /// <summary>The table and what the options add.</summary>
    public static MonitorManagers Of(ConnectionOptions options) => options.ManagedDirectories.Count == 0
        ? Known
        : new([.. options.ManagedDirectories.Select(pair => (pair.Value, pair.Key))]);

    /// <summary>The manager's name, or null where nobody is known to manage the monitor.</summary>
    /// <param name="path">The socket's absolute path as its QEMU knows it, or null: a descriptor was passed to it.</param>
    /// <param name="chardevId">The id of the monitor's character device, or null.</param>
    /// <param name="guest">The name on QEMU's command line, or null.</param>
    public string? Of(string? path, string? chardevId, string? guest = null)
    {
        string? plain = path is null ? null : Plain(path);
        foreach ((string name, string under) in _more)
        {
            if (plain?.StartsWith(under, StringComparison.Ordinal) == true)
                return name;
        }

        return Array.Find(Rows, row => row.Fits(plain, chardevId, guest))?.Name;
    }

    // As it was written, and without symbolic links where it has any.
    private static IEnumerable<string> Spellings(string directory)
    {
        yield return directory;
        using SafeFileHandle handle = LinuxFiles.Open(directory, out _);
        if (!handle.IsInvalid && LinuxFiles.ReadLink($"/proc/self/fd/{handle.DangerousGetHandle()}") is { } place && place != directory)
            yield return place;
    }

    // One spelling for each path: without "//", "." and "..", and /run for /var/run, which is a link to it.
    private static string Plain(string path)
    {
        const string linked = "/var/run/";
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            return path; // JSON on a stranger's command line can hold anything.
        string full = Path.GetFullPath(path);
        return full.StartsWith(linked, StringComparison.Ordinal) ? full["/var".Length..] : full;
    }

    /// <summary>One way to tell a manager.</summary>
    private sealed record Row(string Name)
    {
        /// <summary>A directory, with a slash at its end, that the path begins with.</summary>
        public string? Under { get; init; }

        /// <summary>Directories somewhere in the path, between slashes.</summary>
        public string? Within { get; init; }

        /// <summary>The file's name; one * stands for any part.</summary>
        public string? File { get; init; }

        public string? Chardev { get; init; }

        /// <summary>What QEMU's name begins with.</summary>
        public string? Guest { get; init; }

        /// <summary>For monitors that were passed as a descriptor.</summary>
        public bool HasNoPath { get; init; }

        public bool Fits(string? path, string? chardevId, string? guest) =>
            (Chardev is null || Chardev == chardevId)
            && (Guest is null || guest?.StartsWith(Guest, StringComparison.Ordinal) == true)
            && (!HasNoPath || path is null)
            && (Under is null || path?.StartsWith(Under, StringComparison.Ordinal) == true)
            && (Within is null || path?.Contains(Within, StringComparison.Ordinal) == true)
            && (File is null || (path is not null && FitsFile(Path.GetFileName(path.AsSpan()))));

        private bool FitsFile(ReadOnlySpan<char> file)
        {
            int star = File!.IndexOf('*', StringComparison.Ordinal);
            return star < 0
                ? file.SequenceEqual(File)
                : file.Length >= File.Length - 1 && file.StartsWith(File.AsSpan(0, star)) && file.EndsWith(File.AsSpan(star + 1));
        }
    }
}
