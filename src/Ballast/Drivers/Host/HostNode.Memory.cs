using System.Globalization;

namespace Ballast.Drivers.Host;

/// <content>Its memory, as a decision about balloons needs it.</content>
internal sealed partial class HostNode
{
    // The kernel writes percent with two digits behind the point, and microseconds.
    private const double Percent = 100;

    /// <param name="controlGroup">The path of a control group below where they are mounted; null for none.</param>
    public HostMemory HostMemory(string? controlGroup)
    {
        // What belongs together is of one moment, and known or unknown together.
        string[] memory = Lines("proc/meminfo"), pressure = Lines("proc/pressure/memory");
        return new HostMemory
        {
            Reason = MemoryStatsReason.Fresh,
            TotalKiB = FieldKiB(memory, "MemTotal"),
            FreeKiB = FieldKiB(memory, "MemFree"),
            AvailableKiB = FieldKiB(memory, "MemAvailable"),
            SwapTotalKiB = FieldKiB(memory, "SwapTotal"),
            SwapFreeKiB = FieldKiB(memory, "SwapFree"),
            MergedKiB = MergedKiB(),
            SomePressure = Pressure(pressure, "some"),
            FullPressure = Pressure(pressure, "full"),
            Group = controlGroup is null ? null : new ControlGroupMemory(root).Group(controlGroup),
        };
    }

    // A kernel that could merge has the directory; one that shows none of its settings may merge as well.
    private ulong? MergedKiB() =>
        ulong.TryParse(Lines("sys/kernel/mm/ksm/pages_sharing").FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong pages) ? pages * SystemPageKiB
        : Directory.Exists(Path.Combine(root, "sys/kernel/mm")) && !Directory.Exists(Path.Combine(root, "sys/kernel/mm/ksm")) ? 0
        : null;

    /// <summary>A field of a file like meminfo or status; null where it is not there or no size.</summary>
    internal static ulong? FieldKiB(IEnumerable<string> lines, string name)
    {
        string? line = lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':');
        string? text = line?[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong kib) ? kib : null;
    }

    // some avg10=0.00 avg60=0.12 avg300=0.50 total=123456
    private static MemoryPressure? Pressure(string[] lines, string kind)
    {
        string[]? words = lines.Select(line => line.Split(' ')).FirstOrDefault(words => words[0] == kind);
        return Value("avg10") is { } ten && Value("avg60") is { } sixty && Value("avg300") is { } threeHundred && Value("total") is { } microseconds
            && microseconds < TimeSpan.MaxValue.TotalMicroseconds
            ? new MemoryPressure(ten / Percent, sixty / Percent, threeHundred / Percent, TimeSpan.FromMicroseconds(microseconds))
            : null;

        double? Value(string name)
        {
            string? word = words?.FirstOrDefault(word => word.StartsWith(name + "=", StringComparison.Ordinal));
            return double.TryParse(word?[(name.Length + 1)..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
                && double.IsFinite(value) ? value : null;
        }
    }
}
