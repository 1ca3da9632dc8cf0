using System.Globalization;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Xml;

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
        DevicesXml.Add(xml, this);
        xml.Close();
        return xml.ToString();
    }

    private static string? Number(IFormattable? number) => number?.ToString(null, CultureInfo.InvariantCulture);
}
