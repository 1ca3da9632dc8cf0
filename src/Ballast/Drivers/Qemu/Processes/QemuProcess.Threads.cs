using System.Globalization;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>A thread of a QEMU, as the host's kernel accounts for it.</summary>
internal readonly record struct QemuThread(TimeSpan CpuTime, int HostCpu);

internal sealed partial class QemuProcess
{
    /// <summary>What a thread, by the id that QEMU knows it by, has used; null where this process has no such thread.</summary>
    public QemuThread? ReadThread(int id)
    {
        const int processor = 39;
        if (ThreadDirectory(id) is not { } directory || ReadText($"{directory}/stat") is not { } text
            || !TryParseStat(text, out string[] fields) || HasExited)
        {
            return null;
        }

        (TimeSpan user, TimeSpan system) = CpuTime(fields);
        return new QemuThread(user + system, (int)Math.Min(Number(fields[processor - 1]), int.MaxValue));
    }

    /// <summary>
    /// For how long a thread waited for I/O, and for a CPU, in nanoseconds; null where this process has no such thread. A kernel
    /// that does not count the first tells none of it.
    /// </summary>
    public (ulong Wait, ulong Delay)? ReadWaiting(int id)
    {
        const decimal nanosecondsOfMillisecond = 1_000_000;
        if (ThreadDirectory(id) is not { } directory || ReadText($"{directory}/schedstat")?.Split(' ') is not [_, var delay, ..] || HasExited)
            return null;
        ulong wait = 0;
        foreach (string line in (ReadText($"{directory}/sched") ?? "").Split('\n'))
        {
            if ((line.StartsWith("se.statistics.iowait_sum", StringComparison.Ordinal) || line.StartsWith("iowait_sum", StringComparison.Ordinal))
                && decimal.TryParse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out decimal milliseconds)
                && milliseconds >= 0)
            {
                wait = (ulong)(milliseconds * nanosecondsOfMillisecond);
            }
        }

        return (wait, Number(delay));
    }

    /// <summary>
    /// The host CPUs that a thread may run on, or, without one, that a new thread may; of length 0 where nobody knows.
    /// </summary>
    public CpuSet ReadAffinity(int? thread, int hostCpus)
    {
        string? directory = thread is { } id ? ThreadDirectory(id) : $"/proc/{Pid}";
        return directory is not null && StatusLine(directory, "Cpus_allowed:") is { } mask && !HasExited
            ? ParseMask(mask, hostCpus)
            : CpuSet.Empty;
    }

    // Always below this process's own directory: what a monitor says must not lead elsewhere.
    private string? ThreadDirectory(int id)
    {
        string tasks = $"/proc/{Pid}/task";
        if (id <= 0 || StatusLine($"/proc/{Pid}", "NSpid:") is not { } ids)
            return null;
        string name = id.ToString(CultureInfo.InvariantCulture);
        if (!ids.Contains('\t', StringComparison.Ordinal))
            return $"{tasks}/{name}";

        // In a container it knows its threads by other ids than this host does.
        try
        {
            return Directory.EnumerateDirectories(tasks).FirstOrDefault(task => StatusLine(task, "NSpid:")?.Split('\t')[^1] == name);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? StatusLine(string directory, string name)
    {
        foreach (string line in (ReadText($"{directory}/status") ?? "").Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return line[name.Length..].Trim();
        }

        return null;
    }

    // Hexadecimal digits with commas between words, the last one for the first four CPUs.
    private static CpuSet ParseMask(string mask, int hostCpus)
    {
        const int bitsOfDigit = 4;
        string digits = mask.Replace(",", "", StringComparison.Ordinal);
        return new CpuSet(hostCpus, Enumerable.Range(0, Math.Min(hostCpus, digits.Length * bitsOfDigit)).Where(cpu =>
            digits[^(1 + (cpu / bitsOfDigit))] is var digit && char.IsAsciiHexDigit(digit)
                && (Convert.ToInt32(digit.ToString(), 16) >> (cpu % bitsOfDigit) & 1) != 0));
    }

    private static string? ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // No such process or thread any more.
        }
    }
}
