using System.Globalization;
using System.Text.RegularExpressions;

namespace Ballast.Drivers.Test;

/// <summary>What a domain's devices must be, whoever runs them. What breaks a rule is refused in libvirt's words.</summary>
internal static partial class TestDeviceRules
{
    private const string Floppy = "fd";

    private static readonly HashSet<string> Characters =
    [
        "null", "vc", "pty", "dev", "file", "pipe", "stdio", "udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus",
    ];

    private static readonly string[] Virtio = ["virtio", "virtio-transitional", "virtio-non-transitional"];
    private static readonly HashSet<string> Switch = ["on", "off"];

    /// <summary>The values of an attribute. The words are libvirt's for it; without any, the attribute and its element are named.</summary>
    private static readonly (string Element, string Attribute, HashSet<string> Values, string? Words)[] Kinds =
    [
        ("disk", "type", ["file", "block", "dir", "network", "volume", "nvme", "vhostuser"], null),
        ("disk", "device", ["disk", "cdrom", "floppy", "lun"], null),
        ("controller", "type", ["ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa"], null),
        ("interface", "type",
            ["user", "ethernet", "vhostuser", "server", "client", "mcast", "network", "bridge", "internal", "direct", "hostdev", "udp", "vdpa", "null", "vds"], null),
        ("graphics", "type", ["sdl", "vnc", "rdp", "desktop", "spice", "egl-headless", "dbus"], null),
        ("filesystem", "type", ["mount", "block", "file", "template", "ram", "bind", "volume"], null),
        ("audio", "type", ["none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus"], null),
        ("sound", "model", ["sb16", "es1370", "pcspk", "ac97", "ich6", "ich7", "ich9", "usb"], null),
        ("memballoon", "model", [.. Virtio, "xen", "none"], null),
        ("memballoon", "autodeflate", Switch, null),
        ("memballoon", "freePageReporting", Switch, null),
        ("iommu", "model", ["intel", "smmuv3", "virtio"], null),
        ("vsock", "model", [.. Virtio], null),
        ("memory", "model", ["dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"], null),
        ("tpm", "model", ["tpm-tis", "tpm-crb", "tpm-spapr", "tpm-spapr-proxy"], null),
        ("watchdog", "model", ["i6300esb", "ib700", "diag288"], "unknown watchdog model"),
        ("rng", "model", [.. Virtio], "unknown RNG model"),
        ("panic", "model", ["pseries", "isa", "hyperv", "s390", "pvpanic"], "unknown panic model"),
        ("input", "type", ["mouse", "tablet", "keyboard", "passthrough", "evdev"], "unknown input device type"),
        ("hostdev", "type", ["usb", "pci", "scsi", "scsi_host", "mdev"], "unknown host device source address type"),
        ("redirdev", "type", Characters, "unknown redirdev character device type"),
        .. ((string[])["serial", "parallel", "console", "channel"]).Select(element =>
            (element, "type", Characters, (string?)"unknown type presented to host for character device:")),
    ];

    private static readonly HashSet<string> Buses = ["ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd"];

    private static readonly HashSet<string> WithoutSource = ["user", "ethernet", "null", "hostdev"];

    /// <exception cref="LibvirtException">One cannot be, or two cannot be together.</exception>
    public static void Check(XmlElement devices)
    {
        foreach (XmlElement device in devices.Elements)
        {
            foreach ((string element, string attribute, HashSet<string> values, string? words) in Kinds)
            {
                if (device.Name == element)
                    Refuse(device, attribute, values, words);
            }

            switch (device.Name)
            {
                case "disk":
                    CheckDisk(device);
                    break;
                case "interface":
                    CheckInterface(device);
                    break;
                case "memballoon" when device.Child("stats") is { } stats && stats["period"] is { } period:
                    RequireInteger(period, "period", "stats");
                    break;
                case "controller" when device["index"] is { } index:
                    RequireInteger(index, "index", "controller");
                    break;
                default:
                    break;
            }
        }

        if (devices.Children("watchdog").Skip(1).Any())
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, "only a single watchdog device is supported");
        RefuseSameTargets(devices);
        RefuseSameControllers(devices);
    }

    /// <summary>Refuses a value of an attribute that is none of those that there are.</summary>
    public static void Refuse(XmlElement element, string attribute, HashSet<string> values, string? words = null)
    {
        if (element[attribute] is not { } value || values.Contains(value))
            return;
        string shown = DisplayText.Escape(value);
        throw words is null
            ? LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, $"Invalid value for attribute '{attribute}' in element '{element.Name}': '{shown}'.")
            : LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Domain, words.EndsWith(':') ? $"{words} {shown}" : $"{words} '{shown}'");
    }

    private static void CheckDisk(XmlElement disk)
    {
        if (disk.Child("target") is not { } target)
            return;
        Refuse(target, "bus", Buses);
        string name = target["dev"] ?? "", shown = DisplayText.Escape(name);
        if (disk.Child("address") is null && !DiskName().IsMatch(name))
            throw XmlError($"Unknown disk name '{shown}' and no address specified");
        string device = disk["device"] ?? "disk";
        bool isFloppy = device == "floppy", isNamedSo = name.StartsWith(Floppy, StringComparison.Ordinal);
        if (isFloppy != isNamedSo && device != "cdrom")
            throw Internal($"Invalid {(isFloppy ? device : "harddisk")} device name: {shown}");
        if (target["bus"] is { } bus && isFloppy != (bus == "fdc"))
            throw Internal($"Invalid bus type '{bus}' for {(isFloppy ? "floppy " : "")}disk");
    }

    private static void CheckInterface(XmlElement card)
    {
        if (card.Child("mac")?["address"] is { } address)
        {
            string shown = DisplayText.Escape(address);
            if (!Address().IsMatch(address))
                throw XmlError($"unable to parse mac address '{shown}'");
            if ((byte.Parse(address.AsSpan(0, address.IndexOf(':', StringComparison.Ordinal)), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 1) != 0)
                throw XmlError($"expected unicast mac address, found multicast '{shown}'");
        }

        if (card["type"] is { } type && !WithoutSource.Contains(type) && card.Child("source") is null)
            throw XmlError($"interface type='{type}' requires a 'source' element");
    }

    private static void RefuseSameTargets(XmlElement devices)
    {
        Dictionary<string, XmlElement> disks = [];
        foreach (XmlElement disk in devices.Children("disk"))
        {
            if (disk.Child("target")?["dev"] is { } name && !disks.TryAdd(name, disk))
                throw XmlError($"target '{DisplayText.Escape(name)}' duplicated for disk sources '{Source(disks[name])}' and '{Source(disk)}'");
        }
    }

    private static string Source(XmlElement disk) =>
        disk.Child("source") is { } source && (source["file"] ?? source["dev"] ?? source["dir"]) is { } path ? DisplayText.Escape(path) : "<null>";

    private static void RefuseSameControllers(XmlElement devices)
    {
        HashSet<(string?, string)> seen = [];
        foreach (XmlElement controller in devices.Children("controller"))
        {
            // Those of USB have companions of the same number.
            if (controller["index"] is { } index && controller["type"] is not "usb" && !seen.Add((controller["type"], index)))
                throw XmlError($"Multiple '{controller["type"]}' controllers with index '{index}'");
        }
    }

    private static void RequireInteger(string value, string attribute, string element)
    {
        if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
        {
            throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml,
                $"Invalid value for attribute '{attribute}' in element '{element}': '{DisplayText.Escape(value)}'. Expected integer value");
        }
    }

    private static LibvirtException XmlError(string detail) => LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Domain, detail);

    private static LibvirtException Internal(string detail) => LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, detail);

    [GeneratedRegex("^(fd|hd|vd|sd|xvd|ubd)[a-z]+[0-9]*\\z", RegexOptions.CultureInvariant)]
    private static partial Regex DiskName();

    [GeneratedRegex("^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Address();
}
