using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>Memory that guests share, I/O memory units, sockets to the host, and how a guest tells of its panic.</summary>
internal static class PlatformDevicesXml
{
    // QEMU's members and libvirt's attributes of the same.
    private static readonly (string Attribute, string Member)[] IommuSwitches =
        [("intremap", "intremap"), ("caching_mode", "caching-mode"), ("eim", "eim"), ("iotlb", "device-iotlb")];

    public static void AddPanic(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model is "pvpanic" or "pvpanic-pci"))
            guest.AddSimple(xml, "panic", device, ("model", device.Model == "pvpanic" ? "isa" : "pvpanic"));

        if (guest.Options is { } options && CpuXml.Switch(options, "hv-crash") == true)
            xml.Element("panic", null, ("model", "hyperv"));
    }

    public static void AddSharedMemory(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (device.Model == "ivshmem-plain")
                AddPlain(xml, guest, device);
            else if (device.Model == "ivshmem-doorbell")
                AddDoorbell(xml, guest, device);
        }
    }

    public static void AddIommus(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            string? model = device.Model switch
            {
                "intel-iommu" => "intel",
                "amd-iommu" => "amd",
                "virtio-iommu" or "virtio-iommu-pci" => "virtio",
                _ => null,
            };
            if (model is null)
                continue;
            (string, string?)[] switches =
            [
                .. IommuSwitches.Select(one => (one.Attribute, Word(device.Said?.Switch(one.Member)))), ("aw_bits", OptionNumber.Decimal(device["aw-bits"])),
            ];
            if (switches.All(one => one.Item2 is null))
            {
                guest.AddSimple(xml, "iommu", device, ("model", model));
                continue;
            }

            xml.Open("iommu", ("model", model));
            xml.Element("driver", null, switches);
            guest.AddAlias(xml, device);
            xml.Close();
        }

        if (guest.Options?.Machine["iommu"] == "smmuv3")
            xml.Element("iommu", null, ("model", "smmuv3"));
    }

    public static void AddSockets(XmlText xml, QemuXml guest)
    {
        const string vhost = "vhost-vsock";
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model.StartsWith(vhost, StringComparison.Ordinal)))
        {
            xml.Open("vsock", ("model", DevicesXml.VirtioModel(device.Model, vhost)));
            if (device["guest-cid"] is { } address)
                xml.Element("cid", null, ("address", OptionNumber.Decimal(address)));
            guest.AddAlias(xml, device);
            xml.Close();
        }
    }

    private static void AddPlain(XmlText xml, QemuXml guest, GuestDevice device)
    {
        const ulong kibPerMiB = 1024;
        OptionMembers? memory = device["memdev"] is { } id ? guest.Options?.Objects.GetValueOrDefault(id) : null;
        string? path = memory?["mem-path"];
        xml.Open("shmem", ("name", path is null ? null : FileName(path)));
        xml.Element("model", null, ("type", "ivshmem-plain"));
        if (OptionSize.KiB(memory?["size"]) is { } size)
            xml.Element("size", QemuXml.Number(size / kibPerMiB), ("unit", "M"));
        guest.AddAlias(xml, device);
        xml.Close();
    }

    private static void AddDoorbell(XmlText xml, QemuXml guest, GuestDevice device)
    {
        string? path = CharacterSource.Of(guest, device["chardev"]).SocketPath;
        xml.Open("shmem", ("name", path is null ? null : FileName(path)));
        xml.Element("model", null, ("type", "ivshmem-doorbell"));
        if (path is not null)
            xml.Element("server", null, ("path", path));
        xml.Element("msi", null, ("vectors", OptionNumber.Decimal(device["vectors"])), ("ioeventfd", Word(device.Said?.Switch("ioeventfd"))));
        guest.AddAlias(xml, device);
        xml.Close();
    }

    private static string FileName(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static string? Word(bool? isOn) => isOn switch { true => "on", false => "off", null => null };
}
