using System.Globalization;

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

    private static readonly Dictionary<string, string> Codecs = new() { ["hda-duplex"] = "duplex", ["hda-micro"] = "micro", ["hda-output"] = "output" };

    private static readonly Dictionary<string, string> AudioBackends = new() { ["pa"] = "pulseaudio", ["wav"] = "file" };

    public static void AddInputs(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (Inputs.TryGetValue(device.Model, out (string Type, string Bus) kind))
                guest.AddSimple(xml, "input", device, ("type", kind.Type), ("bus", kind.Bus));
        }

        if (!guest.IsPc || guest.Options?.Machine.Switch("i8042") == false)
            return;
        xml.Element("input", null, ("type", "mouse"), ("bus", "ps2"));
        if (!guest.IsMigratable)
            xml.Element("input", null, ("type", "keyboard"), ("bus", "ps2"));
    }

    public static void AddSound(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (Sounds.TryGetValue(device.Model, out string? model))
                AddSound(xml, guest, device, model);
        }

        (uint? Number, string Driver)[] backends =
        [
            .. (guest.Options?.Audio ?? []).Where(audio => audio["id"] is not null && audio["driver"] is not null)
                .Select(audio => (AudioNumber(audio["id"]!), audio["driver"]!)),
        ];
        HashSet<uint> taken = [.. backends.Select(backend => backend.Number).OfType<uint>()];
        uint free = 1;
        foreach ((uint? known, string driver) in backends)
        {
            uint number = known ?? NextFree();
            if (!guest.IsMigratable || driver != "none")
                xml.Element("audio", null, ("id", QemuXml.Number(number)), ("type", AudioBackends.GetValueOrDefault(driver, driver)));
        }

        uint NextFree()
        {
            while (!taken.Add(free))
                free++;
            return free;
        }
    }

    // libvirt's number of a back end, from 1 on; null where somebody else named it, so that it needs one.
    private static uint? AudioNumber(string id)
    {
        const string prefix = "audio";
        return id.StartsWith(prefix, StringComparison.Ordinal)
            && uint.TryParse(id.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number > 0
            ? number
            : null;
    }

    // One duplex codec is what libvirt gives a card by itself.
    private static void AddSound(XmlText xml, QemuXml guest, GuestDevice device, string model)
    {
        const string duplex = "duplex";
        string[] codecs = device.Alias is null
            ? []
            : [.. guest.DevicesOn($"{device.Alias}.0").Where(one => Codecs.ContainsKey(one.Model)).Select(one => Codecs[one.Model])];
        if (codecs is [] or [duplex])
        {
            guest.AddSimple(xml, "sound", device, ("model", model));
            return;
        }

        xml.Open("sound", ("model", model));
        foreach (string codec in codecs)
            xml.Element("codec", null, ("type", codec));
        guest.AddAlias(xml, device);
        xml.Close();
    }

    public static void AddWatchdogs(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model is "i6300esb" or "ib700" or "diag288"))
            guest.AddSimple(xml, "watchdog", device, ("model", device.Model), ("action", guest.Options?.Actions["watchdog"] ?? "reset"));
    }

    public static void AddHubs(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model == "usb-hub"))
            guest.AddSimple(xml, "hub", device, ("type", "usb"));
    }
}
