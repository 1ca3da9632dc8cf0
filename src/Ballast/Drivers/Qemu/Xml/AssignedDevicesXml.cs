using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>Devices of the host, or of who looks at the guest, that the guest uses itself.</summary>
internal static class AssignedDevicesXml
{
    private const string UsbPath = "/dev/bus/usb/";

    public static void AddHost(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (device.Model.StartsWith("vfio-pci", StringComparison.Ordinal))
                AddVfio(xml, guest, device);
            else if (device.Model == "usb-host")
                AddUsb(xml, guest, device);
        }
    }

    public static void AddRedirected(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model == "usb-redir"))
        {
            CharacterSource source = CharacterSource.Of(guest, device["chardev"]);
            xml.Open("redirdev", ("bus", "usb"), ("type", source.Type));
            source.Add(xml, guest);
            guest.AddAlias(xml, device);
            xml.Close();
        }
    }

    // The host's directory of a device is called by its address, that of a mediated one by its UUID.
    private static void AddVfio(XmlText xml, QemuXml guest, GuestDevice device)
    {
        string? path = device["sysfsdev"]?.TrimEnd('/');
        string? directory = path?[(path.LastIndexOf('/') + 1)..];
        if (Guid.TryParseExact(directory, "D", out _))
            AddMediated(xml, guest, device, directory!);
        else
            AddPci(xml, guest, device, directory ?? device["host"]);
    }

    private static void AddPci(XmlText xml, QemuXml guest, GuestDevice device, string? host)
    {
        xml.Open("hostdev", ("mode", "subsystem"), ("type", "pci"));
        xml.Element("driver", null, ("name", "vfio"));
        xml.Open("source");
        if (PciAddress(host) is [var domain, var bus, var slot, var function])
        {
            xml.Element("address", null,
                ("domain", $"0x{domain:x4}"), ("bus", $"0x{bus:x2}"), ("slot", $"0x{slot:x2}"), ("function", $"0x{function:x}"));
        }

        xml.Close();
        guest.AddAlias(xml, device);
        xml.Close();
    }

    private static void AddMediated(XmlText xml, QemuXml guest, GuestDevice device, string uuid)
    {
        xml.Open("hostdev", ("mode", "subsystem"), ("type", "mdev"), ("model", "vfio-pci"));
        xml.Open("source");
        xml.Element("address", null, ("uuid", uuid));
        xml.Close();
        guest.AddAlias(xml, device);
        xml.Close();
    }

    private static void AddUsb(XmlText xml, QemuXml guest, GuestDevice device)
    {
        string[] place = device["hostdevice"] is { } path && path.StartsWith(UsbPath, StringComparison.Ordinal)
            ? path[UsbPath.Length..].Split('/')
            : [OptionNumber.Decimal(device["hostbus"]) ?? "", OptionNumber.Decimal(device["hostaddr"]) ?? ""];
        xml.Open("hostdev", ("mode", "subsystem"), ("type", "usb"));
        xml.Open("source");
        foreach ((string element, string member) in ((string, string)[])[("vendor", "vendorid"), ("product", "productid")])
        {
            if (OptionNumber.Parse(device[member]) is > 0 and <= ushort.MaxValue and var id)
                xml.Element(element, null, ("id", $"0x{id:x4}"));
        }

        if (place is [var bus, var address] && ReadDecimal(bus) is { } busNumber && ReadDecimal(address) is { } deviceNumber)
            xml.Element("address", null, ("bus", QemuXml.Number(busNumber)), ("device", QemuXml.Number(deviceNumber)));
        xml.Close();
        guest.AddAlias(xml, device);
        xml.Close();
    }

    // domain:bus:slot.function, the domain with colon being optional.
    private static uint[]? PciAddress(string? host)
    {
        string[] parts = host?.Split(':', '.') ?? [];
        string[] all = parts.Length == 3 ? ["0", .. parts] : parts;
        uint[] numbers = new uint[all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            if (!uint.TryParse(all[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }

        return numbers.Length == 4 ? numbers : null;
    }

    // With zeros in front, as the host's files of devices have them.
    private static uint? ReadDecimal(string? text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;
}
