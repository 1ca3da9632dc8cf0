using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The host's processes.</summary>
internal static class ProcessTable
{
    /// <summary>The ids of all processes there are now.</summary>
    public static IReadOnlyList<int> Pids() => LinuxFiles.ReadNumbers("/proc");

    /// <summary>When a process started, by the host's clock, to a second; null where it is gone.</summary>
    public static DateTimeOffset? StartedAt(int pid)
    {
        // The name is in parentheses and may have anything in it; the 20th field after it is the start, in ticks since the boot.
        const int maxBytes = 4096, startField = 19;
        const ulong ticksPerSecond = 100;
        const string bootTime = "btime ";
        string stat = Text($"/proc/{pid}/stat", maxBytes);
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string? boot = Text("/proc/stat", maxBytes << 10).Split('\n').FirstOrDefault(line => line.StartsWith(bootTime, StringComparison.Ordinal));
        return fields.Length > startField && ulong.TryParse(fields[startField], NumberStyles.None, CultureInfo.InvariantCulture, out ulong ticks)
            && ulong.TryParse(boot?[bootTime.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seconds)
            && seconds + (ticks / ticksPerSecond) is var start and <= MemoryStatsFacts.MaxUnixSeconds
            ? DateTimeOffset.FromUnixTimeSeconds((long)start)
            : null;
    }

    private static string Text(string path, int maxBytes) =>
        LinuxFiles.ReadAll(path, maxBytes) is { } read ? Encoding.UTF8.GetString(read.Span) : "";

    /// <summary>The user that a process acts as; null where it is gone.</summary>
    public static uint? Uid(int pid)
    {
        // Uid: real effective saved file-system
        const int maxBytes = 64 * 1024, effective = 2;
        foreach (string line in Text($"/proc/{pid}/status", maxBytes).Split('\n'))
        {
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
                return uint.Parse(line.Split('\t')[effective], NumberStyles.None, CultureInfo.InvariantCulture);
        }

        return null;
    }
}
