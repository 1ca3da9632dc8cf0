using System.Numerics;

namespace Ballast.Drivers.Test;

/// <summary>Lists of CPUs in a domain's XML: <c>0-3,^2,8</c>.</summary>
internal static class TestCpuList
{
    private const int Most = 16384, BitsOfWord = 64;

    private static readonly HashSet<string> Placements = ["static", "auto"];

    /// <summary>Refuses what the definition says of its CPUs' places and cannot be.</summary>
    /// <exception cref="LibvirtException">There is such a thing.</exception>
    public static void Check(XmlElement domain)
    {
        if (domain.Child("vcpu") is { } vcpu)
        {
            TestDeviceRules.Refuse(vcpu, "placement", Placements);
            Check(vcpu["cpuset"]);
        }

        if (domain.Child("cputune") is not { } tuning)
            return;
        HashSet<string> pinned = [];
        foreach (XmlElement pin in tuning.Children("vcpupin"))
        {
            if (pin["vcpu"] is not { } number)
                throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, "Missing required attribute 'vcpu' in element 'vcpupin'");
            Check(pin["cpuset"] ?? throw Internal("missing cpuset for vcpupin"));
            if (!pinned.Add(number))
                throw Internal($"duplicate vcpupin for vcpu '{DisplayText.Escape(number)}'");
        }

        Check(tuning.Child("emulatorpin")?["cpuset"]);
    }

    private static void Check(string? list)
    {
        if (list is null)
            return;
        if (Count(list) is not { } count)
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.None, $"Failed to parse bitmap '{DisplayText.Escape(list)}'");
        if (count == 0)
            throw LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Domain, $"Invalid value of 'cpuset': {DisplayText.Escape(list)}");
    }

    // Null: it is no list. A comma at the end is none too many.
    private static int? Count(string list)
    {
        Span<ulong> cpus = stackalloc ulong[Most / BitsOfWord];
        cpus.Clear();
        string[] parts = list.Split(',');
        foreach (string part in parts.Length > 1 && parts[^1].Trim(' ').Length == 0 ? parts[..^1] : parts)
        {
            string text = part.Trim(' ');
            bool isLeftOut = text.StartsWith('^');
            string[] ends = (isLeftOut ? text[1..] : text).Split('-');
            if (ends.Length > (isLeftOut ? 1 : 2) || Read(ends[0]) is not { } first || Read(ends[^1]) is not { } last || last < first)
                return null;
            Set(cpus, first, last, !isLeftOut);
        }

        int count = 0;
        foreach (ulong word in cpus)
            count += BitOperations.PopCount(word);
        return count;
    }

    // A word at a time: a list can name all of them again and again.
    private static void Set(Span<ulong> cpus, int first, int last, bool isIn)
    {
        for (int word = first / BitsOfWord; word <= last / BitsOfWord; word++)
        {
            ulong bits = ulong.MaxValue << Math.Max(first - (word * BitsOfWord), 0);
            bits &= ulong.MaxValue >> Math.Max(((word + 1) * BitsOfWord) - 1 - last, 0);
            cpus[word] = isIn ? cpus[word] | bits : cpus[word] & ~bits;
        }
    }

    private static int? Read(string text) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int cpu) && cpu < Most ? cpu : null;

    private static LibvirtException Internal(string detail) => LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, detail);
}
