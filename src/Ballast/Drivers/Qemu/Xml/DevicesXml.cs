using System.Globalization;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A QEMU's devices, in libvirt's order.</summary>
internal static class DevicesXml
{
    public static void Add(XmlText xml, QemuXml guest)
    {
        xml.Open("devices");
        if (guest.Emulator is not null)
            xml.Element("emulator", guest.Emulator);
        foreach (MachineDisk disk in guest.Machine?.Disks ?? [])
            AddDisk(xml, guest, disk);
        foreach (MachineInterface card in guest.Machine?.Interfaces ?? [])
            AddInterface(xml, guest, card);
        AddBalloon(xml, guest);
        xml.Close();
    }

    private static void AddDisk(XmlText xml, QemuXml guest, MachineDisk disk)
    {
        bool isBlock = disk.File?.StartsWith("/dev/", StringComparison.Ordinal) == true;
        xml.Open("disk", ("type", isBlock ? "block" : "file"), ("device", disk.IsRemovable ? "cdrom" : "disk"));
        if (disk.Format is not null)
            xml.Element("driver", null, ("name", "qemu"), ("type", disk.Format));
        if (disk.File is not null)
            xml.Element("source", null, (isBlock ? "dev" : "file", disk.File));
        xml.Element("target", null, ("dev", disk.Alias));
        if (disk.IsReadOnly)
            xml.Element("readonly", null);
        AddAlias(xml, guest, disk.Alias);
        xml.Close();
    }

    private static void AddInterface(XmlText xml, QemuXml guest, MachineInterface card)
    {
        string? kind = card.Netdev is not null && guest.NetworkKinds.TryGetValue(card.Netdev, out string? said) ? said : null;
        xml.Open("interface", ("type", kind == "user" ? "user" : "ethernet"));
        xml.Element("mac", null, ("address", card.Mac));
        xml.Element("model", null, ("type", card.Model.StartsWith("virtio-net", StringComparison.Ordinal) ? "virtio" : card.Model));
        AddAlias(xml, guest, card.Alias);
        xml.Close();
    }

    private static void AddBalloon(XmlText xml, QemuXml guest)
    {
        if (guest.Balloon is null)
        {
            xml.Element("memballoon", null, ("model", "none"));
            return;
        }

        xml.Open("memballoon", ("model", "virtio"));
        if (guest.PeriodSeconds > 0)
            xml.Element("stats", null, ("period", guest.PeriodSeconds.ToString(CultureInfo.InvariantCulture)));
        AddAlias(xml, guest, guest.Balloon.Path[(guest.Balloon.Path.LastIndexOf('/') + 1)..]);
        xml.Close();
    }

    private static void AddAlias(XmlText xml, QemuXml guest, string name)
    {
        if (!guest.IsInactive)
            xml.Element("alias", null, ("name", name));
    }
}
