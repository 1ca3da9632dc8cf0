using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The host's processes.</summary>
internal static class ProcessTable
{
    /// <summary>The ids of all processes there are now.</summary>
    public static IReadOnlyList<int> Pids() => LinuxFiles.ReadNumbers("/proc");

    /// <summary>The user that a process acts as; null where it is gone.</summary>
    public static uint? Uid(int pid)
    {
        // Uid: real effective saved file-system
        const int maxBytes = 64 * 1024, effective = 2;
        string status = LinuxFiles.ReadAll($"/proc/{pid}/status", maxBytes) is { } read ? Encoding.UTF8.GetString(read.Span) : "";
        foreach (string line in status.Split('\n'))
        {
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
                return uint.Parse(line.Split('\t')[effective], NumberStyles.None, CultureInfo.InvariantCulture);
        }

        return null;
    }
}
