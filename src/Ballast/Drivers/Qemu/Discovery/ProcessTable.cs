using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The host's processes.</summary>
internal static class ProcessTable
{
    /// <summary>The ids of all processes there are now.</summary>
    public static IEnumerable<int> Pids()
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                yield return pid;
        }
    }

    /// <summary>The user that a process acts as; null where it is gone.</summary>
    public static uint? Uid(int pid)
    {
        try
        {
            foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            {
                // Uid: real effective saved file-system
                const int effective = 2;
                if (line.StartsWith("Uid:", StringComparison.Ordinal))
                    return uint.Parse(line.Split('\t')[effective], NumberStyles.None, CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone.
        }

        return null;
    }
}
