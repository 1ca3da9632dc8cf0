using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>The controllers: those that the machine was given, and those that it has by itself.</summary>
internal static class ControllersXml
{
    private const string Usb = "usb", Pci = "pci", Scsi = "scsi", Sata = "sata", Ide = "ide", Fdc = "fdc", FirstFdc = "fdc0";

    private static readonly Dictionary<string, (string Type, string? Model)> Kinds = new()
    {
        ["qemu-xhci"] = (Usb, "qemu-xhci"),
        ["nec-usb-xhci"] = (Usb, "nec-xhci"),
        ["piix3-usb-uhci"] = (Usb, "piix3-uhci"),
        ["piix4-usb-uhci"] = (Usb, "piix4-uhci"),
        ["usb-ehci"] = (Usb, "ehci"),
        ["pci-ohci"] = (Usb, "pci-ohci"),
        ["ich9-usb-ehci1"] = (Usb, "ich9-ehci1"),
        ["ich9-usb-uhci1"] = (Usb, "ich9-uhci1"),
        ["ich9-usb-uhci2"] = (Usb, "ich9-uhci2"),
        ["ich9-usb-uhci3"] = (Usb, "ich9-uhci3"),
        ["virtio-scsi-pci"] = (Scsi, "virtio-scsi"),
        ["lsi53c895a"] = (Scsi, "lsilogic"),
        ["megasas"] = (Scsi, "lsisas1078"),
        ["mptsas1068"] = (Scsi, "lsisas1068"),
        ["pvscsi"] = (Scsi, "vmpvscsi"),
        ["am53c974"] = (Scsi, "am53c974"),
        ["dc390"] = (Scsi, "dc390"),
        ["virtio-serial-pci"] = ("virtio-serial", null),
        ["ahci"] = (Sata, null),
        ["ich9-ahci"] = (Sata, null),
        ["isa-fdc"] = (Fdc, null),
        ["usb-ccid"] = ("ccid", null),
        ["pcie-root-port"] = (Pci, "pcie-root-port"),
        ["ioh3420"] = (Pci, "pcie-root-port"),
        ["pci-bridge"] = (Pci, "pci-bridge"),
        ["pcie-pci-bridge"] = (Pci, "pcie-to-pci-bridge"),
        ["i82801b11-bridge"] = (Pci, "dmi-to-pci-bridge"),
        ["x3130-upstream"] = (Pci, "pcie-switch-upstream-port"),
        ["xio3130-downstream"] = (Pci, "pcie-switch-downstream-port"),
        ["pxb"] = (Pci, "pci-expander-bus"),
        ["pxb-pcie"] = (Pci, "pcie-expander-bus"),
    };

    public static void Add(XmlText xml, QemuXml guest)
    {
        Dictionary<string, int> counts = [];
        bool hasUsb = false;
        foreach (GuestDevice device in guest.Devices)
        {
            if (!Kinds.TryGetValue(device.Model, out (string Type, string? Model) kind))
                continue;
            hasUsb |= kind.Type == Usb;
            int count = counts[kind.Type] = counts.GetValueOrDefault(kind.Type) + 1;
            int index = Index(device.Alias) ?? (kind.Type == Pci ? count : count - 1);

            // A PC has this one unless another is asked for.
            if (!guest.IsMigratable || guest.IsQ35 || kind != Kinds["piix3-usb-uhci"] || index > 0)
                AddGiven(xml, guest, device, kind, index);
        }

        if (!guest.IsPc || guest.Options is not { } options)
            return;
        if (!hasUsb && !options.HasUsb && options.Machine.Switch("usb") != true)
            AddOwn(xml, guest, Usb, "none", "usb");
        if (guest.IsQ35)
            AddOwn(xml, guest, Sata, null, "ide");
        else if (guest.Devices.Any(device => device.Model.StartsWith("ide-", StringComparison.Ordinal)))
            AddOwn(xml, guest, Ide, null, "ide");
        if (guest.IsQ35)
            AddOwn(xml, guest, Pci, "pcie-root", "pcie.0");
        else if (!guest.IsMigratable)
            AddOwn(xml, guest, Pci, "pci-root", "pci.0");
        if (guest.Devices.Any(device => device.Model == "floppy") && !counts.ContainsKey(Fdc))
            AddOwn(xml, guest, Fdc, null, FirstFdc);
    }

    private static void AddGiven(XmlText xml, QemuXml guest, GuestDevice device, (string Type, string? Model) kind, int index)
    {
        xml.Open("controller", ("type", kind.Type), ("index", Number(index)), ("model", kind.Model));
        if (kind.Type == Pci)
        {
            xml.Element("model", null, ("name", device.Model));
            if (device["chassis"] is { } chassis && device["port"] is { } port)
                xml.Element("target", null, ("chassis", OptionNumber.Decimal(chassis)), ("port", OptionNumber.Parse(port) is { } number ? Hexadecimal(number) : port));
        }


        // A PC has one of these, which libvirt asks for without an id.
        if ((device.Alias ?? (kind.Type == Fdc ? FirstFdc : null)) is { } alias)
            guest.AddAlias(xml, alias);
        xml.Close();
    }

    private static void AddOwn(XmlText xml, QemuXml guest, string type, string? model, string alias)
    {
        if (guest.IsMigratable)
        {
            xml.Element("controller", null, ("type", type), ("index", "0"), ("model", model));
            return;
        }

        xml.Open("controller", ("type", type), ("index", "0"), ("model", model));
        guest.AddAlias(xml, alias);
        xml.Close();
    }

    // libvirt numbers them so in their ids; the first USB controller's has no number.
    private static int? Index(string? alias)
    {
        if (alias is null)
            return null;
        int start = alias.Length;
        while (start > 0 && char.IsAsciiDigit(alias[start - 1]))
            start--;
        return alias == Usb ? 0 : int.TryParse(alias.AsSpan(start), NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : null;
    }
}
