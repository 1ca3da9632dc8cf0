using System.Globalization;

namespace Ballast.Cli.Doctor;

/// <summary>What the kernel tells of the host and its processes, in KiB; null where it does not.</summary>
/// <param name="root">Where procfs is mounted.</param>
internal sealed class ProcFiles(string root)
{
    /// <summary>A field of /proc/meminfo.</summary>
    public ulong? Memory(string field) => Field("meminfo", field);

    /// <summary>A field of a QEMU's /proc/PID/status; null where the process is no QEMU of this host.</summary>
    public ulong? OfQemu(int pid, string field)
    {
        string file = string.Create(CultureInfo.InvariantCulture, $"{pid}/status");
        return Text(file).FirstOrDefault(line => line.StartsWith("Name:", StringComparison.Ordinal))?.Contains("qemu", StringComparison.Ordinal) == true
            ? Field(file, field)
            : null;
    }

    /// <summary>Whether a signal or a debugger has stopped a QEMU of this host.</summary>
    public bool IsStopped(int pid)
    {
        string[] lines = Text(string.Create(CultureInfo.InvariantCulture, $"{pid}/status"));
        return lines.Any(line => line.StartsWith("Name:", StringComparison.Ordinal) && line.Contains("qemu", StringComparison.Ordinal))
            && lines.Any(line => line.StartsWith("State:\tT", StringComparison.Ordinal) || line.StartsWith("State:\tt", StringComparison.Ordinal));
    }

    /// <summary>Of the last minute, the share in which some task waited for memory, in percent.</summary>
    public double? Pressure()
    {
        const string average = "avg60=";
        string? line = Text("pressure/memory").FirstOrDefault(line => line.StartsWith("some ", StringComparison.Ordinal));
        string? word = line?.Split(' ').FirstOrDefault(word => word.StartsWith(average, StringComparison.Ordinal));
        return double.TryParse(word?[average.Length..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share) ? share : null;
    }

    /// <summary>Whether the kernel refuses to promise more memory than there is.</summary>
    public bool IsStrict() => Text("sys/vm/overcommit_memory").FirstOrDefault()?.Trim() == "2";

    private ulong? Field(string file, string field)
    {
        foreach (string line in Text(file))
        {
            if (line.StartsWith(field, StringComparison.Ordinal) && line.Length > field.Length && line[field.Length] == ':'
                && ulong.TryParse(line[(field.Length + 1)..].Trim().Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong value))
            {
                return value;
            }
        }

        return null;
    }

    private string[] Text(string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
