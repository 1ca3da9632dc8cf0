using Ballast.Drivers.Qemu.Qmp;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A QEMU's devices, in libvirt's order.</summary>
internal static class DevicesXml
{
    public static void Add(XmlText xml, QemuXml guest)
    {
        xml.Open("devices");
        if (guest.Emulator is not null)
            xml.Element("emulator", guest.Emulator);
        HashSet<string> targets = [];
        foreach (MachineDisk disk in guest.Machine?.Disks ?? [])
            AddDisk(xml, guest, disk, targets);
        ControllersXml.Add(xml, guest);
        foreach (MachineInterface card in guest.Machine?.Interfaces ?? [])
            AddInterface(xml, guest, card);
        CharacterXml.Add(xml, guest);
        OtherDevicesXml.AddInputs(xml, guest);
        OtherDevicesXml.AddGraphics(xml, guest);
        OtherDevicesXml.AddSound(xml, guest);
        OtherDevicesXml.AddVideo(xml, guest);
        OtherDevicesXml.AddWatchdogs(xml, guest);
        AddBalloon(xml, guest);
        OtherDevicesXml.AddRandom(xml, guest);
        OtherDevicesXml.AddPanic(xml, guest);
        foreach (MachineMemory memory in guest.Machine?.Memory ?? [])
            MemoryXml.AddDevice(xml, guest, memory);
        xml.Close();
    }

    public static bool IsDisk(string model) => Bus(model, isAhci: false) is not null;

    private static void AddDisk(XmlText xml, QemuXml guest, MachineDisk disk, HashSet<string> targets)
    {
        GuestDevice? device = guest.Devices.FirstOrDefault(one => one.Name == disk.Alias);
        string? model = device?.Model;
        bool isCd = model is null ? disk.IsRemovable : model.EndsWith("-cd", StringComparison.Ordinal);
        string kind = isCd ? "cdrom" : model == "floppy" ? "floppy" : model is "scsi-block" or "scsi-generic" ? "lun" : "disk";
        bool isBlock = disk.File?.StartsWith("/dev/", StringComparison.Ordinal) == true;
        (string Protocol, string Name)? remote = Remote(disk.File);
        xml.Open("disk", ("type", isBlock ? "block" : remote is null ? "file" : "network"), ("device", kind));
        xml.Element("driver", null, ("name", "qemu"), ("type", disk.Format ?? (guest.IsMigratable ? "raw" : null)));
        if (remote is var (protocol, name))
            xml.Element("source", null, ("protocol", protocol), ("name", name));
        else if (disk.File is not null)
            xml.Element("source", null, (isBlock ? "dev" : "file", disk.File));
        string target = DiskTarget.Of(disk.Alias);
        xml.Element("target", null, ("dev", targets.Add(target) ? target : disk.Alias), ("bus", model is null ? null : Bus(model, IsAhci(guest, disk.Alias))));
        if (disk.IsReadOnly || isCd)
            xml.Element("readonly", null);
        if (device?["serial"] is { } serial)
            xml.Element("serial", serial);
        guest.AddAlias(xml, disk.Alias);
        xml.Close();
    }

    private static string? Bus(string model, bool isAhci) =>
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

    private static void AddInterface(XmlText xml, QemuXml guest, MachineInterface card)
    {
        string? kind = card.Netdev is not null && guest.NetworkKinds.TryGetValue(card.Netdev, out string? said) ? said : null;
        xml.Open("interface", ("type", kind switch { "user" => "user", "vhost-user" => "vhostuser", "vhost-vdpa" => "vdpa", _ => "ethernet" }));
        xml.Element("mac", null, ("address", card.Mac));
        xml.Element("model", null, ("type", VirtioModel(card.Model, "virtio-net")));
        guest.AddAlias(xml, card.Alias);
        xml.Close();
    }

    private static void AddBalloon(XmlText xml, QemuXml guest)
    {
        if (guest.Balloon is null)
        {
            xml.Element("memballoon", null, ("model", "none"));
            return;
        }

        string alias = guest.Balloon.Path[(guest.Balloon.Path.LastIndexOf('/') + 1)..];
        string model = guest.Devices.FirstOrDefault(device => device.Name == alias)?.Model ?? "virtio-balloon";
        xml.Open("memballoon", ("model", VirtioModel(model, "virtio-balloon")),
            ("autodeflate", guest.Machine?.DeflatesOnOom == true ? "on" : null),
            ("freePageReporting", guest.Machine?.ReportsFreePages == true ? "on" : null));
        if (guest.PeriodSeconds > 0)
            xml.Element("stats", null, ("period", Number(guest.PeriodSeconds)));
        guest.AddAlias(xml, alias);
        xml.Close();
    }

    // Those that speak one version of virtio alone have a model of their own.
    private static string VirtioModel(string model, string prefix) =>
        !model.StartsWith(prefix, StringComparison.Ordinal) ? model
        : model.EndsWith("-non-transitional", StringComparison.Ordinal) ? "virtio-non-transitional"
        : model.EndsWith("-transitional", StringComparison.Ordinal) ? "virtio-transitional" : "virtio";
}
