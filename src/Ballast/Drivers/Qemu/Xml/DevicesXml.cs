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
            DiskXml.Add(xml, guest, disk, targets);
        ControllersXml.Add(xml, guest);
        FileSystemsXml.Add(xml, guest);
        foreach (MachineInterface card in guest.Machine?.Interfaces ?? [])
            InterfaceXml.Add(xml, guest, card);
        SecurityDevicesXml.AddSmartCards(xml, guest);
        CharacterXml.Add(xml, guest);
        OtherDevicesXml.AddInputs(xml, guest);
        SecurityDevicesXml.AddTpms(xml, guest);
        DisplayXml.AddGraphics(xml, guest);
        OtherDevicesXml.AddSound(xml, guest);
        DisplayXml.AddVideo(xml, guest);
        AssignedDevicesXml.AddHost(xml, guest);
        AssignedDevicesXml.AddRedirected(xml, guest);
        OtherDevicesXml.AddHubs(xml, guest);
        OtherDevicesXml.AddWatchdogs(xml, guest);
        AddBalloon(xml, guest);
        SecurityDevicesXml.AddRandom(xml, guest);
        PlatformDevicesXml.AddPanic(xml, guest);
        PlatformDevicesXml.AddSharedMemory(xml, guest);
        foreach (MachineMemory memory in guest.Machine?.Memory ?? [])
            MemoryXml.AddDevice(xml, guest, memory);
        SecurityDevicesXml.AddCrypto(xml, guest);
        PlatformDevicesXml.AddIommus(xml, guest);
        PlatformDevicesXml.AddSockets(xml, guest);
        xml.Close();
    }

    public static bool IsDisk(string model) => DiskXml.Bus(model, isAhci: false) is not null;

    private static void AddBalloon(XmlText xml, QemuXml guest)
    {
        if (guest.Balloon is null)
        {
            xml.Element("memballoon", null, ("model", "none"));
            return;
        }

        string alias = guest.Balloon.Path[(guest.Balloon.Path.LastIndexOf('/') + 1)..];
        string model = guest.Device(alias)?.Model ?? "virtio-balloon";
        xml.Open("memballoon", ("model", VirtioModel(model, "virtio-balloon")),
            ("autodeflate", guest.Machine?.DeflatesOnOom == true ? "on" : null),
            ("freePageReporting", guest.Machine?.ReportsFreePages == true ? "on" : null));
        if (guest.PeriodSeconds > 0)
            xml.Element("stats", null, ("period", Number(guest.PeriodSeconds)));
        guest.AddAlias(xml, alias);
        xml.Close();
    }

    /// <summary>libvirt's name of a virtio device's model: those that speak one version of virtio alone have one of their own.</summary>
    public static string VirtioModel(string model, string prefix) =>
        !model.StartsWith(prefix, StringComparison.Ordinal) ? model
        : model.EndsWith("-non-transitional", StringComparison.Ordinal) ? "virtio-non-transitional"
        : model.EndsWith("-transitional", StringComparison.Ordinal) ? "virtio-transitional" : "virtio";
}
