using System.Globalization;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>What a guest is seen, heard and worked with by, and the small devices.</summary>
internal static class OtherDevicesXml
{
    private static readonly Dictionary<string, (string Type, string Bus)> Inputs = new()
    {
        ["usb-tablet"] = ("tablet", "usb"),
        ["usb-mouse"] = ("mouse", "usb"),
        ["usb-kbd"] = ("keyboard", "usb"),
        ["virtio-tablet-pci"] = ("tablet", "virtio"),
        ["virtio-mouse-pci"] = ("mouse", "virtio"),
        ["virtio-keyboard-pci"] = ("keyboard", "virtio"),
    };

    private static readonly Dictionary<string, string> Sounds = new()
    {
        ["ich9-intel-hda"] = "ich9",
        ["intel-hda"] = "ich6",
        ["AC97"] = "ac97",
        ["ES1370"] = "es1370",
        ["sb16"] = "sb16",
        ["usb-audio"] = "usb",
    };

    private static readonly Dictionary<string, string> Videos = new()
    {
        ["VGA"] = "vga",
        ["cirrus-vga"] = "cirrus",
        ["qxl-vga"] = "qxl",
        ["qxl"] = "qxl",
        ["virtio-vga"] = "virtio",
        ["virtio-gpu-pci"] = "virtio",
        ["vmware-svga"] = "vmvga",
        ["bochs-display"] = "bochs",
        ["ramfb"] = "ramfb",
    };

    private static readonly Dictionary<string, string> AudioBackends = new() { ["pa"] = "pulseaudio", ["wav"] = "file" };

    public static void AddInputs(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (Inputs.TryGetValue(device.Model, out (string Type, string Bus) kind))
                AddSimple(xml, guest, "input", device, ("type", kind.Type), ("bus", kind.Bus));
        }

        if (!guest.IsPc || guest.Options?.Machine.Switch("i8042") == false)
            return;
        xml.Element("input", null, ("type", "mouse"), ("bus", "ps2"));
        if (!guest.IsMigratable)
            xml.Element("input", null, ("type", "keyboard"), ("bus", "ps2"));
    }

    public static void AddGraphics(XmlText xml, QemuXml guest)
    {
        const int firstPort = 5900;
        foreach (string display in guest.Options?.Vnc ?? [])
        {
            string place = display.Split(',')[0];
            int colon = place.LastIndexOf(':');
            if (place.StartsWith("unix:", StringComparison.Ordinal))
            {
                xml.Element("graphics", null, ("type", "vnc"), ("socket", place["unix:".Length..]));
            }
            else if (colon >= 0 && int.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= ushort.MaxValue - firstPort)
            {
                xml.Element("graphics", null,
                    ("type", "vnc"), ("port", Number(firstPort + number)), ("listen", colon == 0 ? null : place[..colon].Trim('[', ']')));
            }
        }
    }

    public static void AddSound(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (Sounds.TryGetValue(device.Model, out string? model))
                AddSimple(xml, guest, "sound", device, ("model", model));
        }

        foreach ((string? id, string? driver) in guest.Options?.Audio.Select(audio => (audio["id"], audio["driver"])) ?? [])
        {
            if (id is not null && driver is not null && !(guest.IsMigratable && driver == "none"))
                xml.Element("audio", null, ("id", id.StartsWith("audio", StringComparison.Ordinal) ? id["audio".Length..] : id), ("type", AudioBackends.GetValueOrDefault(driver, driver)));
        }
    }

    public static void AddVideo(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (!Videos.TryGetValue(device.Model, out string? model))
                continue;
            xml.Open("video");
            xml.Element("model", null, ("type", model));
            if (device.Alias is not null)
                guest.AddAlias(xml, device.Alias);
            xml.Close();
        }
    }

    public static void AddWatchdogs(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model is "i6300esb" or "ib700" or "diag288"))
            AddSimple(xml, guest, "watchdog", device, ("model", device.Model), ("action", guest.Options?.Actions["watchdog"] ?? "reset"));
    }

    public static void AddRandom(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model.StartsWith("virtio-rng", StringComparison.Ordinal)))
        {
            Discovery.OptionMembers? backend = device["rng"] is { } id ? guest.Options?.Objects.GetValueOrDefault(id) : null;
            xml.Open("rng", ("model", "virtio"));
            if (backend?["qom-type"] == "rng-random")
                xml.Element("backend", backend["filename"] ?? "/dev/urandom", ("model", "random"));
            else if (backend?["qom-type"] == "rng-builtin")
                xml.Element("backend", null, ("model", "builtin"));
            if (device.Alias is not null)
                guest.AddAlias(xml, device.Alias);
            xml.Close();
        }
    }

    public static void AddPanic(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model is "pvpanic" or "pvpanic-pci"))
            AddSimple(xml, guest, "panic", device, ("model", device.Model == "pvpanic" ? "isa" : "pvpanic"));
    }

    private static void AddSimple(
        XmlText xml, QemuXml guest, string element, GuestDevice device, params ReadOnlySpan<(string, string?)> attributes)
    {
        if (guest.IsMigratable || device.Alias is null)
        {
            xml.Element(element, null, attributes);
            return;
        }

        xml.Open(element, attributes);
        guest.AddAlias(xml, device.Alias);
        xml.Close();
    }
}
