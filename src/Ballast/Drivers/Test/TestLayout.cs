using System.Xml.Linq;

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

    public static bool IsFeature(XElement element) => Features.Contains(element.Name.LocalName);

    /// <summary>Copies of a domain's elements, ordered; inside of some it is ordered as well.</summary>
    public static IReadOnlyList<XElement> InOrder(IEnumerable<XElement> elements) => [.. InOrder(elements, Domain)];

    private static IEnumerable<XElement> InOrder(IEnumerable<XElement> elements, string[] order) => elements
        .Where(element => element.Name.Namespace == XNamespace.None && order.Contains(element.Name.LocalName))
        .OrderBy(element => Array.IndexOf(order, element.Name.LocalName))
        .Select(InOrder);

    private static XElement InOrder(XElement element) => Orders.TryGetValue(element.Name.LocalName, out string[]? order)
        ? new XElement(element.Name, element.Attributes(), element.HasElements ? InOrder(element.Elements(), order) : element.Value is { Length: > 0 } text ? text : null)
        : new XElement(element);
}
