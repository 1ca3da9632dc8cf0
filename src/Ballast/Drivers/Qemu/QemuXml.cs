using System.Globalization;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>What is known of a QEMU, as libvirt's domain XML. What QEMU does not tell is left out, not guessed.</summary>
internal sealed record QemuXml
{
    public required DomainIdentity Identity { get; init; }

    public required ulong MaximumKiB { get; init; }

    public required ulong CurrentKiB { get; init; }

    public required int VirtualCpus { get; init; }

    /// <summary>How many virtual CPUs there can be.</summary>
    public required int MaxVirtualCpus { get; init; }

    /// <summary>As it would be started again: without what only a running domain has.</summary>
    public bool IsInactive { get; init; }

    /// <summary>Null: the monitor could not be asked.</summary>
    public QmpMachine? Machine { get; init; }

    public string? Emulator { get; init; }

    public BalloonDevice? Balloon { get; init; }

    /// <summary>The collection period; 0: off, or nobody knows.</summary>
    public uint PeriodSeconds { get; init; }

    /// <summary>Kinds of the network back ends on the command line, by their ids.</summary>
    public IReadOnlyDictionary<string, string> NetworkKinds { get; init; } = new Dictionary<string, string>();

    public override string ToString()
    {
        XmlText xml = new();
        xml.Open("domain", ("type", Machine?.IsKvm == true ? "kvm" : "qemu"), ("id", IsInactive ? null : Number(Identity.Id)));
        xml.Element("name", Identity.Name);
        xml.Element("uuid", Identity.Uuid.ToString());
        xml.Element("memory", Number(MaximumKiB), ("unit", "KiB"));
        xml.Element("currentMemory", Number(CurrentKiB), ("unit", "KiB"));
        if (VirtualCpus > 0)
        {
            xml.Element("vcpu", Number(MaxVirtualCpus), ("placement", "static"),
                ("current", VirtualCpus == MaxVirtualCpus ? null : Number(VirtualCpus)));
        }

        xml.Open("os");
        xml.Element("type", "hvm", ("arch", Machine?.Architecture), ("machine", Machine?.MachineType));
        xml.Close();
        xml.Open("devices");
        if (Emulator is not null)
            xml.Element("emulator", Emulator);
        foreach (MachineDisk disk in Machine?.Disks ?? [])
            AddDisk(xml, disk);
        foreach (MachineInterface card in Machine?.Interfaces ?? [])
            AddInterface(xml, card);
        AddBalloon(xml);
        xml.Close();
        xml.Close();
        return xml.ToString();
    }

    private void AddDisk(XmlText xml, MachineDisk disk)
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
        AddAlias(xml, disk.Alias);
        xml.Close();
    }

    private void AddInterface(XmlText xml, MachineInterface card)
    {
        string? kind = card.Netdev is not null && NetworkKinds.TryGetValue(card.Netdev, out string? said) ? said : null;
        xml.Open("interface", ("type", kind == "user" ? "user" : "ethernet"));
        xml.Element("mac", null, ("address", card.Mac));
        xml.Element("model", null, ("type", card.Model.StartsWith("virtio-net", StringComparison.Ordinal) ? "virtio" : card.Model));
        AddAlias(xml, card.Alias);
        xml.Close();
    }

    private void AddBalloon(XmlText xml)
    {
        if (Balloon is null)
        {
            xml.Element("memballoon", null, ("model", "none"));
            return;
        }

        xml.Open("memballoon", ("model", "virtio"));
        if (PeriodSeconds > 0)
            xml.Element("stats", null, ("period", Number(PeriodSeconds)));
        AddAlias(xml, Balloon.Path[(Balloon.Path.LastIndexOf('/') + 1)..]);
        xml.Close();
    }

    private void AddAlias(XmlText xml, string name)
    {
        if (!IsInactive)
            xml.Element("alias", null, ("name", name));
    }

    private static string? Number(IFormattable? number) => number?.ToString(null, CultureInfo.InvariantCulture);
}
