using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A guest's graphics cards, and how they are looked at.</summary>
internal static class DisplayXml
{
    private const string Qxl = "qxl", Vga = "vga", Virtio = "virtio";

    // Those that a machine can start with come first in their pair.
    private static readonly Dictionary<string, (string Type, bool IsPrimary)> Videos = new()
    {
        ["VGA"] = (Vga, true),
        ["cirrus-vga"] = ("cirrus", true),
        ["qxl-vga"] = (Qxl, true),
        ["qxl"] = (Qxl, false),
        ["virtio-vga"] = (Virtio, true),
        ["virtio-vga-gl"] = (Virtio, true),
        ["virtio-gpu-pci"] = (Virtio, false),
        ["virtio-gpu-gl-pci"] = (Virtio, false),
        ["vmware-svga"] = ("vmvga", true),
        ["bochs-display"] = ("bochs", true),
        ["ramfb"] = ("ramfb", true),
    };

    public static void AddVideo(XmlText xml, QemuXml guest)
    {
        bool isFirst = true;
        foreach (GuestDevice device in guest.Devices)
        {
            if (!Videos.TryGetValue(device.Model, out (string Type, bool IsPrimary) kind))
                continue;
            xml.Open("video");
            xml.Element("model", null,
            [
                ("type", kind.Type), .. Memory(device, kind.Type), ("heads", OptionNumber.Decimal(device["max_outputs"]) ?? (kind.Type == "ramfb" ? null : "1")),
                ("primary", isFirst ? "yes" : null),
            ]);
            guest.AddAlias(xml, device);
            xml.Close();
            isFirst = false;
        }
    }

    public static void AddGraphics(XmlText xml, QemuXml guest)
    {
        foreach (string display in guest.Options?.Vnc ?? [])
            AddVnc(xml, guest, display);
        if (guest.Options?.Spice is { } spice)
        {
            if (spice.Switch("unix") == true)
                AddSocket(xml, guest, "spice", spice["addr"] ?? "");
            else if (spice["port"] is not null || spice["tls-port"] is not null)
                AddPlace(xml, "spice", spice["port"], spice["tls-port"], spice["addr"]);
        }
    }

    private static void AddVnc(XmlText xml, QemuXml guest, string display)
    {
        const int firstPort = 5900;
        const string unix = "unix:", name = "vnc=";
        string place = display.Split(',')[0];
        if (place.StartsWith(name, StringComparison.Ordinal))
            place = place[name.Length..];
        int colon = place.LastIndexOf(':');
        if (place.StartsWith(unix, StringComparison.Ordinal))
        {
            AddSocket(xml, guest, "vnc", place[unix.Length..]);
        }
        else if (colon >= 0 && int.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= ushort.MaxValue - firstPort)
        {
            AddPlace(xml, "vnc", Number(firstPort + number), null, colon == 0 ? null : place[..colon].Trim('[', ']'));
        }
    }

    private static void AddSocket(XmlText xml, QemuXml guest, string type, string path)
    {
        if (guest.IsMigratable)
        {
            xml.Element("graphics", null, ("type", type), ("socket", path));
            return;
        }

        xml.Open("graphics", ("type", type), ("socket", path));
        xml.Element("listen", null, ("type", "socket"), ("socket", path));
        xml.Close();
    }

    private static void AddPlace(XmlText xml, string type, string? port, string? securePort, string? address)
    {
        (string, string?)[] attributes = [("type", type), ("port", port), ("tlsPort", securePort), ("listen", address)];
        if (address is null)
        {
            xml.Element("graphics", null, attributes);
            return;
        }

        xml.Open("graphics", attributes);
        xml.Element("listen", null, ("type", "address"), ("address", address));
        xml.Close();
    }

    // In KiB, where QEMU has bytes or MiB.
    private static IEnumerable<(string, string?)> Memory(GuestDevice device, string type)
    {
        const ulong kibPerMiB = 1024;
        switch (type)
        {
            case Qxl:
                yield return ("ram", Kib(device["ram_size"]));
                yield return ("vram", Kib(device["vram_size"]));
                yield return ("vram64", Mib(device["vram64_size_mb"]));
                yield return ("vgamem", Mib(device["vgamem_mb"]));
                break;
            case Vga or "vmvga":
                yield return ("vram", Mib(device["vgamem_mb"]));
                break;
            case "bochs":
                yield return ("vram", Kib(device["vgamem"]));
                break;
            default:
                break;
        }

        static string? Kib(string? bytes) => Number(OptionSize.KiB(bytes));

        static string? Mib(string? mib) =>
            OptionNumber.Parse(mib) is > 0 and < uint.MaxValue and var number ? Number(number * kibPerMiB) : null;
    }
}
