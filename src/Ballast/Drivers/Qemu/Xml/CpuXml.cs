using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>The processors' model, their topology and their nodes.</summary>
internal static class CpuXml
{
    private const string Host = "host", Maximum = "max";

    // Switches of QEMU's processors that are no features of theirs.
    private static readonly string[] NoFeatures =
        ["migratable", "check", "enforce", "kvm", "kvm-", "pmu", "host-cache-info", "host-phys-bits", "l3-cache", "vmware-cpuid-freq", "cpuid-0xb", "fill-mtrr-mask", "x-"];

    public static void Add(XmlText xml, QemuXml guest, MachineOptions options)
    {
        IReadOnlyList<NumaCell> cells = NumaCell.Of(options);
        (string Name, string Value)[] topology = [.. Topology(options.Processors)];
        if (options.Cpu is null && cells.Count == 0 && topology.Length == 0)
            return;

        string[] parts = options.Cpu?.Split(',') ?? [""];
        Dictionary<string, bool> switches = Switches(parts[1..]);
        string? model = parts[0] is "" or Host or Maximum ? null : parts[0];
        (string, string?)[] attributes = parts[0] switch
        {
            "" => [],
            Host or Maximum =>
            [
                ("mode", parts[0] == Host ? "host-passthrough" : "maximum"), ("check", "none"),
                ("migratable", switches.TryGetValue("migratable", out bool isMigratable) ? isMigratable ? "on" : "off" : null),
            ],
            _ => [("mode", "custom"), ("match", "exact"), ("check", guest.IsMigratable ? "none" : "full")],
        };
        (string Name, bool IsOn)[] features =
        [
            .. switches.Where(one => !one.Key.StartsWith("hv", StringComparison.Ordinal)
                && !NoFeatures.Any(name => name.EndsWith('-') ? one.Key.StartsWith(name, StringComparison.Ordinal) : one.Key == name))
                .Select(one => (one.Key, one.Value)),
        ];
        if (model is null && topology.Length == 0 && features.Length == 0 && cells.Count == 0)
        {
            xml.Element("cpu", null, attributes);
            return;
        }

        xml.Open("cpu", attributes);
        if (model is not null)
            xml.Element("model", model, ("fallback", "forbid"));
        if (topology.Length > 0)
            xml.Element("topology", null, [.. topology.Select(level => (level.Name, (string?)level.Value))]);
        foreach ((string name, bool isOn) in features)
            xml.Element("feature", null, ("policy", isOn ? "require" : "disable"), ("name", name));
        AddCells(xml, cells);
        xml.Close();
    }

    /// <summary>How a switch of the processors is said to be; null: it is not said.</summary>
    public static bool? Switch(MachineOptions options, string name) => Value(options, name) switch
    {
        "on" or "yes" or "true" => true,
        "off" or "no" or "false" => false,
        _ => null,
    };

    /// <summary>What a member of the processors' model is said to be: the last that is said; null where it is not.</summary>
    /// <param name="options">The command line's.</param>
    /// <param name="name">With hyphens; QEMU takes underscores for the same.</param>
    public static string? Value(MachineOptions options, string name) =>
        options.Cpu?.Split(',').Skip(1).Select(Member).LastOrDefault(member => member.Name.Replace('_', '-') == name).Value;

    private static void AddCells(XmlText xml, IReadOnlyList<NumaCell> cells)
    {
        if (cells.Count == 0)
            return;
        xml.Open("numa");
        bool areAllShared = cells.All(cell => cell.Backend?.Switch("share") == true);
        foreach (NumaCell cell in cells)
        {
            // What all have is said of the whole memory.
            (string, string?)[] attributes =
            [
                ("id", cell.Id), ("cpus", cell.Cpus), ("memory", Number(cell.KiB)), ("unit", cell.KiB is null ? null : "KiB"),
                ("memAccess", !areAllShared && cell.Backend?.Switch("share") == true ? "shared" : null),
            ];
            if (cell.Distances.Count == 0)
            {
                xml.Element("cell", null, attributes);
                continue;
            }

            xml.Open("cell", attributes);
            xml.Open("distances");
            foreach ((string other, string distance) in cell.Distances)
                xml.Element("sibling", null, ("id", other), ("value", distance));
            xml.Close();
            xml.Close();
        }

        xml.Close();
    }

    // Later ones count, +name and -name too; a name alone is on.
    private static Dictionary<string, bool> Switches(IEnumerable<string> parts)
    {
        Dictionary<string, bool> switches = [];
        foreach (string part in parts)
        {
            (string name, string value) = Member(part);
            if (name.Length > 0 && value is "on" or "off" or "yes" or "no" or "true" or "false")
                switches[name] = value is "on" or "yes" or "true";
        }

        return switches;
    }

    private static (string Name, string Value) Member(string part)
    {
        int equals = part.IndexOf('=', StringComparison.Ordinal);
        return part switch
        {
            ['+', .. var added] => (added, "on"),
            ['-', .. var removed] => (removed, "off"),
            _ => equals < 0 ? (part, "on") : (part[..equals], part[(equals + 1)..]),
        };
    }

    // One level that is not said follows from the others; more depend on QEMU's version. All in sockets is what counts
    // without any topology.
    private static IEnumerable<(string Name, string Value)> Topology(OptionMembers said)
    {
        string[] named = ["sockets", "dies", "cores", "threads"];
        int?[] levels = [.. named.Select(name => Read(said[name]))];
        levels[1] ??= said["dies"] is null ? 1 : null;
        if (levels.Contains(null) && (Read(said["maxcpus"]) ?? Read(said["cpus"])) is { } most && levels.Count(level => level is null) == 1)
        {
            long product = 1;
            foreach (int? level in levels)
                product = Math.Min(product * (level ?? 1), int.MaxValue);
            levels[Array.IndexOf(levels, null)] = most % product == 0 ? (int)(most / product) : null;
        }

        bool isPlain = said["dies"] is null && levels is [_, _, 1, 1];
        return isPlain || levels.Contains(null)
            ? []
            : named.Zip(levels, (name, level) => (name, level!.Value.ToString(CultureInfo.InvariantCulture)));
    }

    private static int? Read(string? text) =>
        OptionNumber.Parse(text) is > 0 and <= int.MaxValue and var number ? (int)number : null;
}
