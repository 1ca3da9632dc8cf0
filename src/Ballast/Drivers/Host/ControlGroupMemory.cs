using System.Globalization;

namespace Ballast.Drivers.Host;

/// <summary>The memory limits of a process, from its control groups of either version. A root other than / is for tests.</summary>
internal sealed class ControlGroupMemory(string root = "/")
{
    private const ulong BytesPerKiB = 1024;

    // Version 1 has no word for "no limit", only the largest number of whole pages.
    private const ulong NoLimit = 1UL << 62;

    /// <summary>Null where the host has no memory controller, or the process's groups are not seen from here.</summary>
    public DomainMemoryLimits? Limits(int pid)
    {
        string? first = null, second = null;
        foreach (string line in Lines($"proc/{pid}/cgroup"))
        {
            // number:controllers:path; the path may hold colons.
            string[] fields = line.Split(':', 3);
            if (fields.Length != 3)
                continue;
            if (fields[1].Split(',').Contains("memory"))
                first = fields[2];
            else if (fields[1].Length == 0)
                second = fields[2];
        }

        if (first is not null)
        {
            return Read("sys/fs/cgroup/memory", first, "memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes") is { } old
                ? new DomainMemoryLimits(old.Hard, old.Soft, old.Swap)
                : null;
        }

        // Version 2 counts swap alone, libvirt's parameter memory and swap together.
        return second is not null && Read("sys/fs/cgroup", second, "memory.max", "memory.high", "memory.swap.max") is { } limits
            ? new DomainMemoryLimits(limits.Hard, limits.Soft, limits.Hard + limits.Swap)
            : null;
    }

    /// <summary>The narrowest limits of a group and of those around it: each of them holds.</summary>
    private (ulong? Hard, ulong? Soft, ulong? Swap)? Read(string mount, string group, string hardFile, string softFile, string swapFile)
    {
        string top = Path.GetFullPath(Path.Combine(root, mount));
        string directory = Path.GetFullPath(top + "/" + group.TrimStart('/'));
        ulong hard = NoLimit, soft = NoLimit, swap = NoLimit;
        bool isFound = false;

        // A group outside of the mount, as seen from a container, is none of ours to read.
        for (; directory.StartsWith(top, StringComparison.Ordinal); directory = Path.GetDirectoryName(directory)!)
        {
            isFound |= Narrow(hardFile, ref hard);
            _ = Narrow(softFile, ref soft);
            _ = Narrow(swapFile, ref swap);
        }

        return isFound ? (KiB(hard), KiB(soft), KiB(swap)) : null;

        bool Narrow(string file, ref ulong limit)
        {
            if (Lines(Path.Combine(directory, file)).FirstOrDefault() is not { } text)
                return false;
            if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes))
                limit = Math.Min(limit, bytes);
            return true;
        }
    }

    private static ulong? KiB(ulong bytes) => bytes < NoLimit ? bytes / BytesPerKiB : null;

    private string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
