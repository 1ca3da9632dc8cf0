using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
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

    /// <summary>Without what it is only while it runs. Nothing else defines it, so all the rest is as it runs.</summary>
    public bool IsInactive { get; init; }

    /// <summary>As another host would start it: without what follows from the rest.</summary>
    public bool IsMigratable { get; init; }

    /// <summary>Null: the monitor could not be asked.</summary>
    public QmpMachine? Machine { get; init; }

    public string? Emulator { get; init; }

    /// <summary>What the command line says; null where it cannot be read, or must not be believed.</summary>
    public MachineOptions? Options { get; init; }

    public BalloonDevice? Balloon { get; init; }

    /// <summary>The collection period; 0: off, or nobody knows.</summary>
    public uint PeriodSeconds { get; init; }

    /// <summary>Kinds of the network back ends on the command line, by their ids.</summary>
    public IReadOnlyDictionary<string, string> NetworkKinds { get; init; } = new Dictionary<string, string>();

    /// <summary>The devices that it was given.</summary>
    public IReadOnlyList<GuestDevice> Devices => field ??= GuestDevice.Of(Options, Machine);

    private ILookup<string, GuestDevice> ByName => field ??= Devices.ToLookup(device => device.Name);

    private ILookup<string?, GuestDevice> ByBus => field ??= Devices.ToLookup(device => device["bus"]);

    /// <summary>Whether it is one of QEMU's PCs, which have devices that nobody asks for.</summary>
    public bool IsPc => IsQ35 || MachineType.StartsWith("pc", StringComparison.Ordinal);

    public bool IsQ35 => MachineType is "q35" || MachineType.StartsWith("pc-q35", StringComparison.Ordinal);

    private string MachineType => Machine?.MachineType ?? Options?.Machine["type"] ?? "";

    public GuestDevice? Device(string name) => ByName[name].FirstOrDefault();

    public IEnumerable<GuestDevice> DevicesOn(string bus) => ByBus[bus];

    public void AddAlias(XmlText xml, string name)
    {
        if (!IsMigratable)
            xml.Element("alias", null, ("name", name));
    }

    /// <summary>The device's id; nothing where it has none.</summary>
    public void AddAlias(XmlText xml, GuestDevice device)
    {
        if (device.Alias is not null)
            AddAlias(xml, device.Alias);
    }

    /// <summary>A device of which there is no more to say.</summary>
    public void AddSimple(XmlText xml, string element, GuestDevice device, params ReadOnlySpan<(string, string?)> attributes)
    {
        if (IsMigratable || device.Alias is null)
        {
            xml.Element(element, null, attributes);
            return;
        }

        xml.Open(element, attributes);
        AddAlias(xml, device);
        xml.Close();
    }

    public static string? Number(IFormattable? number) => number?.ToString(null, CultureInfo.InvariantCulture);

    public static string Hexadecimal(ulong number) => string.Create(CultureInfo.InvariantCulture, $"0x{number:x}");

    public override string ToString()
    {
        XmlText xml = new();
        xml.Open("domain", ("type", Machine?.IsKvm == true ? "kvm" : "qemu"), ("id", IsInactive ? null : Number(Identity.Id)));
        xml.Element("name", Identity.Name);
        xml.Element("uuid", Identity.Uuid.ToString());
        if (Devices.FirstOrDefault(device => device.Model == "vmgenid")?["guid"] is { } generation and not "auto")
            xml.Element("genid", generation);
        if (Options is not null)
            MemoryXml.AddMaximum(xml, Options);
        xml.Element("memory", Number(MaximumKiB), ("unit", "KiB"));
        xml.Element("currentMemory", Number(CurrentKiB), ("unit", "KiB"));
        if (Options is not null)
            MemoryXml.AddBacking(xml, Options);
        if (VirtualCpus > 0)
        {
            xml.Element("vcpu", Number(MaxVirtualCpus), ("placement", "static"),
                ("current", VirtualCpus == MaxVirtualCpus ? null : Number(VirtualCpus)));
        }

        if (Options?.Objects.Values.Count(one => one["qom-type"] == "iothread") is > 0 and var threads)
            xml.Element("iothreads", Number(threads));
        if (Options is not null)
        {
            MemoryXml.AddNumaTune(xml, Options);
            SystemInformationXml.Add(xml, Options);
        }

        SystemXml.AddBoot(xml, this);
        if (Options is not null)
        {
            FeaturesXml.Add(xml, this, Options);
            CpuXml.Add(xml, this, Options);
            SystemXml.AddClock(xml, Options);
            SystemXml.AddEnds(xml, Options);
            SystemXml.AddPower(xml, Options);
        }

        DevicesXml.Add(xml, this);
        xml.Close();
        return xml.ToString();
    }
}
