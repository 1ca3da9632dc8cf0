using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A disk, with what lies behind it and how QEMU treats it.</summary>
internal static class DiskXml
{
    public static void Add(XmlText xml, QemuXml guest, MachineDisk disk, HashSet<string> targets)
    {
        GuestDevice? device = guest.Device(disk.Alias);
        string? model = device?.Model;
        bool isCd = model is null ? disk.IsRemovable : model.EndsWith("-cd", StringComparison.Ordinal);
        string kind = isCd ? "cdrom" : model == "floppy" ? "floppy" : model is "scsi-block" or "scsi-generic" ? "lun" : "disk";
        bool isBlock = disk.File?.StartsWith("/dev/", StringComparison.Ordinal) == true;
        (string Protocol, string Name)? remote = Remote(disk.File);
        DiskNode node = DiskNode.Of(guest.Options, device?["drive"]);
        xml.Open("disk", ("type", isBlock ? "block" : remote is null ? "file" : "network"), ("device", kind));
        xml.Element("driver", null,
            [("name", "qemu"), ("type", disk.Format is null ? (guest.IsMigratable ? DiskNode.Raw : null) : node.Format(disk.Format)), .. Treatment(node, device)]);
        if (remote is var (protocol, name))
            xml.Element("source", null, ("protocol", protocol), ("name", name));
        else if (disk.File is not null)
            xml.Element("source", null, (isBlock ? "dev" : "file", disk.File));
        string target = DiskTarget.Of(disk.Alias);
        xml.Element("target", null, ("dev", targets.Add(target) ? target : disk.Alias), ("bus", model is null ? null : Bus(model, IsAhci(guest, disk.Alias))));
        if (disk.IsReadOnly || isCd)
            xml.Element("readonly", null);
        if (device?.Said?.Switch("share-rw") == true)
            xml.Element("shareable", null);
        if (device?["serial"] is { } serial)
            xml.Element("serial", serial);
        if (OptionNumber.Parse(device?["wwn"]) is { } worldWideName)
            xml.Element("wwn", worldWideName.ToString("x16", CultureInfo.InvariantCulture));
        foreach (string member in (string[])["vendor", "product"])
        {
            if (device?[member] is { } value)
                xml.Element(member, value);
        }

        guest.AddAlias(xml, disk.Alias);
        xml.Close();
    }

    /// <summary>The bus of a kind of disk; null for devices that are none.</summary>
    public static string? Bus(string model, bool isAhci) =>
        model.StartsWith("virtio-blk", StringComparison.Ordinal) || model.StartsWith("vhost-user-blk", StringComparison.Ordinal) ? "virtio"
        : model.StartsWith("scsi-", StringComparison.Ordinal) ? "scsi"
        : model.StartsWith("ide-", StringComparison.Ordinal) ? (isAhci ? "sata" : "ide")
        : model switch
        {
            "usb-storage" or "usb-bot" or "usb-uas" => "usb",
            "floppy" => "fdc",
            "sd-card" => "sd",
            _ => null,
        };

    // How writes go, what an error does, and which thread works: the device says it, or the node that it uses.
    private static IEnumerable<(string, string?)> Treatment(DiskNode node, GuestDevice? device)
    {
        yield return ("cache", Cache(node.Top, device?.Said));
        string? onWrite = device?["werror"], onRead = device?["rerror"];
        yield return ("error_policy", Policy(onWrite));
        yield return ("rerror_policy", onRead == onWrite || (onWrite == "enospc" && onRead == "report") ? null : Policy(onRead));
        yield return ("io", node.Storage?["aio"]);
        yield return ("discard", node.Top?["discard"]);
        yield return ("iothread", ThreadNumber(device?["iothread"]));
        yield return ("detect_zeroes", node.Top?["detect-zeroes"]);
    }

    private static string? Cache(OptionMembers? node, OptionMembers? device)
    {
        bool? isDirect = Switch("direct"), isUnsafe = Switch("no-flush");
        bool? isBuffered = device?.Switch("write-cache");
        if (isDirect is null && isBuffered is null)
            return null;
        return isUnsafe == true ? "unsafe"
            : isBuffered == false ? (isDirect == true ? "directsync" : "writethrough")
            : isDirect == true ? "none" : "writeback";

        bool? Switch(string name) => node?.Switch(name) ?? node?.Switch($"cache.{name}");
    }

    private static string? Policy(string? said) => said == "enospc" ? "enospace" : said == "auto" ? null : said;

    private static string? ThreadNumber(string? id)
    {
        const string prefix = "iothread";
        return id?.StartsWith(prefix, StringComparison.Ordinal) == true && uint.TryParse(id.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? Number(number)
            : null;
    }

    // Their disks are the same to QEMU; a q35's own controller is one.
    private static bool IsAhci(QemuXml guest, string alias) =>
        alias.StartsWith("sata", StringComparison.Ordinal) || (guest.IsQ35 && !alias.StartsWith("ide", StringComparison.Ordinal));

    // QEMU's way to write what is on another host.
    private static (string Protocol, string Name)? Remote(string? file)
    {
        const string mark = "://";
        int at = file?.IndexOf(mark, StringComparison.Ordinal) ?? -1;
        if (at <= 0 || !file.AsSpan(0, at).ToString().All(char.IsAsciiLetterOrDigit))
            return null;
        string rest = file![(at + mark.Length)..];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        return (file[..at], slash < 0 ? "" : rest[(slash + 1)..]);
    }
}
