using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>What the machine and its processors offer the guest beside the hardware.</summary>
internal static class FeaturesXml
{
    private const string Spinlocks = "spinlocks", VendorId = "vendor-id", SyntheticTimer = "stimer";

    // What the machine's own members and libvirt's features call alike.
    private static readonly string[] Switches = ["vmport", "smm"];

    // What Windows is told of Hyper-V: QEMU has hv- in front.
    private static readonly string[] Enlightenments =
    [
        "relaxed", "vapic", Spinlocks, "vpindex", "runtime", "synic", SyntheticTimer, "reset", VendorId, "frequencies", "reenlightenment",
        "tlbflush", "ipi", "evmcs", "avic",
    ];

    private static readonly (string Feature, string Switch, bool IsOn)[] KvmFeatures =
        [("hidden", "kvm", false), ("hint-dedicated", "kvm-hint-dedicated", true), ("poll-control", "kvm-poll-control", true)];

    public static void Add(XmlText xml, QemuXml guest, MachineOptions options)
    {
        List<Action> parts = [];
        if (guest.IsPc && options.Machine.Switch("acpi") != false)
            parts.Add(() => xml.Element("acpi", null));
        string[] enlightenments = [.. Enlightenments.Where(name => CpuXml.Value(options, $"hv-{name}") is not (null or "off" or "no" or "false"))];
        bool passesAll = CpuXml.Switch(options, "hv-passthrough") == true;
        if (passesAll)
            parts.Add(() => xml.Element("hyperv", null, ("mode", "passthrough")));
        else if (enlightenments.Length > 0)
            parts.Add(() => AddEnlightenments(xml, options, enlightenments));
        string[] ofKvm = [.. KvmFeatures.Where(one => CpuXml.Switch(options, one.Switch) == one.IsOn).Select(one => one.Feature)];
        if (ofKvm.Length > 0)
            parts.Add(() => AddKvm(xml, ofKvm));
        if (CpuXml.Switch(options, "pmu") is { } hasUnit)
            parts.Add(() => xml.Element("pmu", null, ("state", Word(hasUnit))));
        parts.AddRange(Switches.Where(name => options.Machine.Switch(name) is not null)
            .Select(name => (Action)(() => xml.Element(name, null, ("state", Word(options.Machine.Switch(name) == true))))));

        // The interrupt controller is QEMU's own, or the kernel's.
        string? place = options.Machine["kernel_irqchip"] ?? options.Machine["kernel-irqchip"];
        if (guest.IsPc && place is "split" or "on")
            parts.Add(() => xml.Element("ioapic", null, ("driver", place == "split" ? "qemu" : "kvm")));
        if (guest.Devices.Any(device => device.Model == "vmcoreinfo"))
            parts.Add(() => xml.Element("vmcoreinfo", null, ("state", "on")));
        if (parts.Count == 0)
            return;

        xml.Open("features");
        foreach (Action add in parts)
            add();
        xml.Close();
    }

    private static void AddEnlightenments(XmlText xml, MachineOptions options, string[] names)
    {
        xml.Open("hyperv", ("mode", "custom"));
        foreach (string name in names)
        {
            string value = CpuXml.Value(options, $"hv-{name}")!;
            if (name == SyntheticTimer && CpuXml.Switch(options, "hv-stimer-direct") == true)
            {
                xml.Open(name, ("state", Word(true)));
                xml.Element("direct", null, ("state", Word(true)));
                xml.Close();
                continue;
            }

            xml.Element(name.Replace('-', '_'), null,
                ("state", Word(true)), ("retries", name == Spinlocks ? Retries(value) : null), ("value", name == VendorId ? value : null));
        }

        xml.Close();
    }

    private static void AddKvm(XmlText xml, string[] features)
    {
        xml.Open("kvm");
        foreach (string feature in features)
            xml.Element(feature, null, ("state", Word(true)));
        xml.Close();
    }

    private static string Retries(string value) =>
        value.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        && uint.TryParse(value.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint retries)
            ? QemuXml.Number(retries)!
            : value;

    private static string Word(bool isOn) => isOn ? "on" : "off";
}
