namespace Ballast.Drivers.Test;

/// <summary>The order in which libvirt writes what a domain is made of. What is not in it, libvirt does not keep.</summary>
internal static class TestLayout
{
    private static readonly string[] Domain =
    [
        "name", "uuid", "genid", "title", "description", "metadata", "maxMemory", "memory", "currentMemory", "blkiotune", "memtune",
        "memoryBacking", "vcpu", "vcpus", "iothreads", "iothreadids", "defaultiothread", "cputune", "numatune", "resource", "sysinfo",
        "bootloader", "bootloader_args", "os", "idmap", "features", "cpu", "clock", "on_poweroff", "on_reboot", "on_crash", "on_lockfailure",
        "pm", "perf", "devices", "seclabel", "keywrap", "launchSecurity",
    ];

    private static readonly string[] OS =
    [
        "type", "firmware", "init", "initarg", "initenv", "initdir", "inituser", "initgroup", "loader", "nvram", "kernel", "initrd", "cmdline",
        "dtb", "acpi", "boot", "bootmenu", "smbios", "bios",
    ];

    private static readonly string[] Features =
    [
        "acpi", "apic", "pae", "hap", "viridian", "privnet", "hyperv", "kvm", "xen", "pvspinlock", "capabilities", "pmu", "vmport", "gic", "smm",
        "ioapic", "hpt", "vmcoreinfo", "htm", "nested-hv", "msrs", "ccf-assist", "cfpc", "sbbc", "ibs", "tcg", "async-teardown",
    ];

    private static readonly string[] Devices =
    [
        "emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial", "parallel", "console", "channel", "input",
        "tpm", "graphics", "audio", "sound", "video", "hostdev", "redirdev", "redirfilter", "hub", "watchdog", "memballoon", "rng", "nvram",
        "panic", "shmem", "memory", "iommu", "vsock", "crypto",
    ];

    private static readonly string[] Disk =
    [
        "driver", "auth", "source", "backingStore", "backenddomain", "geometry", "blockio", "mirror", "target", "iotune", "readonly", "shareable",
        "transient", "serial", "wwn", "vendor", "product", "encryption", "boot", "alias", "address",
    ];

    private static readonly string[] Interface =
    [
        "mac", "source", "vlan", "virtualport", "script", "backenddomain", "target", "guest", "model", "driver", "backend", "filterref",
        "bandwidth", "port", "link", "mtu", "coalesce", "boot", "rom", "acpi", "alias", "address",
    ];

    private static readonly Dictionary<string, string[]> Orders = new()
    {
        ["os"] = OS,
        ["features"] = Features,
        ["devices"] = Devices,
        ["disk"] = Disk,
        ["interface"] = Interface,
    };

    public static IReadOnlyList<string> OfDomain => Domain;

    public static bool IsFeature(XmlElement element) => Features.Contains(element.Name);

    /// <summary>Copies of a domain's elements, ordered; inside of some it is ordered as well.</summary>
    public static IReadOnlyList<XmlElement> InOrder(IEnumerable<XmlElement> elements) => [.. InOrder(elements, Domain)];

    private static IEnumerable<XmlElement> InOrder(IEnumerable<XmlElement> elements, string[] order)
    {
        ILookup<string, XmlElement> byName = elements.Where(element => element.Space.Length == 0).ToLookup(element => element.Name);
        foreach (string name in order)
        {
            foreach (XmlElement element in byName[name])
                yield return InOrder(element);
        }
    }

    private static XmlElement InOrder(XmlElement element)
    {
        // What has texts in it, as a disk's serial number, is none of these.
        if (!Orders.TryGetValue(element.Name, out string[]? order) || element.Contents.Exists(content => content.Text is not null))
            return element.Copy();
        XmlElement ordered = new(element.Name);
        ordered.Attributes.AddRange(element.Attributes);
        ordered.Contents.AddRange(InOrder(element.Elements, order).Select(child => new XmlContent(child)));
        return ordered;
    }
}
