using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>The host's directories that a guest shares.</summary>
internal static class FileSystemsXml
{
    public static void Add(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (device.Model.StartsWith("virtio-9p", StringComparison.Ordinal))
                AddDirectory(xml, guest, device);
            else if (device.Model.StartsWith("vhost-user-fs", StringComparison.Ordinal))
                AddServed(xml, guest, device);
        }
    }

    private static void AddDirectory(XmlText xml, QemuXml guest, GuestDevice device)
    {
        OptionMembers? source = device["fsdev"] is { } id ? guest.Options?.FileSystems.GetValueOrDefault(id) : null;
        string? access = source?["security_model"];
        xml.Open("filesystem",
            ("type", "mount"), ("accessmode", access is "mapped-xattr" or "mapped-file" ? "mapped" : access == "none" ? "squash" : access),
            ("fmode", OptionNumber.FileMode(source?["fmode"])), ("dmode", OptionNumber.FileMode(source?["dmode"])));
        if (source?["path"] is { } path)
            xml.Element("source", null, ("dir", path));
        xml.Element("target", null, ("dir", device["mount_tag"]));
        if (source?.Switch("readonly") == true)
            xml.Element("readonly", null);
        guest.AddAlias(xml, device);
        xml.Close();
    }

    // A program of its own serves the directory; QEMU knows the way to it.
    private static void AddServed(XmlText xml, QemuXml guest, GuestDevice device)
    {
        xml.Open("filesystem", ("type", "mount"));
        xml.Element("driver", null, ("type", "virtiofs"), ("queue", OptionNumber.Decimal(device["queue-size"])));
        if (CharacterSource.Of(guest, device["chardev"]).SocketPath is { } socket)
            xml.Element("source", null, ("socket", socket));
        xml.Element("target", null, ("dir", device["tag"]));
        guest.AddAlias(xml, device);
        xml.Close();
    }
}
