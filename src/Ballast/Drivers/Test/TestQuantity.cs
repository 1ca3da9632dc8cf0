using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>Numbers of a domain's XML.</summary>
internal static class TestQuantity
{
    private const ulong KiB = 1024;
    private const string Prefixes = "KMGTPE";

    /// <summary>An amount of memory in KiB, rounded up; null where there is no such element.</summary>
    /// <exception cref="LibvirtException">It is not an amount.</exception>
    public static ulong? Memory(XmlElement parent, string name)
    {
        if (parent.Child(name) is not { } element)
            return null;
        if (!ulong.TryParse(element.Value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
        {
            throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml,
                $"Invalid value '{DisplayText.Escape(element.Value)}' for element or attribute './{name}[1]'");
        }

        string unit = element["unit"] ?? "KiB";
        UInt128 bytes = (UInt128)number * Scale(unit);
        return bytes < (UInt128)1 << 63
            ? (ulong)((bytes + KiB - 1) / KiB)
            : throw LibvirtError.Report(ErrorCode.Overflow, ErrorOrigin.None, $"value too large: {number}{DisplayText.Escape(unit)}");
    }

    /// <summary>How many virtual CPUs there can be, and how many there are.</summary>
    /// <exception cref="LibvirtException">They are not numbers, or there are more than there can be.</exception>
    public static (int Maximum, int Current) VirtualCpus(XmlElement? vcpu)
    {
        if (vcpu is null)
            return (1, 1);
        if (!TryParse(vcpu.Value, out int maximum))
            throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Domain, "maximum vcpus count must be an integer");
        int current = maximum;
        if (vcpu["current"] is { } text && !TryParse(text, out current))
        {
            throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml,
                $"Invalid value for attribute 'current' in element 'vcpu': '{DisplayText.Escape(text)}'. Expected non-negative integer value");
        }

        if (current > maximum)
        {
            throw LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Domain,
                "maximum vCPU count must not be less than current vCPU count");
        }

        // Without any, libvirt counts those of the NUMA cells as too many.
        return maximum > 0
            ? (maximum, current)
            : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, "CPU IDs in <numa> exceed the <vcpu> count");
    }

    private static bool TryParse(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= ushort.MaxValue;

    private static ulong Scale(string unit)
    {
        const ulong thousand = 1000;
        if (unit.Equals("b", StringComparison.OrdinalIgnoreCase) || unit.Equals("bytes", StringComparison.OrdinalIgnoreCase))
            return 1;
        int power = unit.Length > 0 ? Prefixes.IndexOf(char.ToUpperInvariant(unit[0]), StringComparison.Ordinal) + 1 : 0;
        ulong factor = unit.Length switch
        {
            1 => KiB,
            2 when char.ToUpperInvariant(unit[1]) == 'B' => thousand,
            3 when unit.EndsWith("iB", StringComparison.OrdinalIgnoreCase) => KiB,
            _ => 0,
        };
        if (power == 0 || factor == 0)
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.None, $"unknown suffix '{DisplayText.Escape(unit)}'");
        ulong scale = 1;
        for (int i = 0; i < power; i++)
            scale *= factor;
        return scale;
    }
}
