using System.Globalization;

namespace Ballast.Drivers.Host;

/// <summary>Memory limits from the control groups, of either version, of a process or by a group's path. A root other than / is for tests.</summary>
internal sealed class ControlGroupMemory(string root = "/")
{
    private const ulong BytesPerKiB = 1024;

    // Version 1 has no word for "no limit", only the largest number of whole pages.
    private const ulong NoLimit = 1UL << 62;

    // Where each version is mounted, and the names of its files.
    private static readonly GroupFiles First = new(
        "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.usage_in_bytes");

    private static readonly GroupFiles Second = new("sys/fs/cgroup", "memory.max", "memory.high", "memory.swap.max", "memory.current");

    // What a group holds costs the kernel most to tell: it sums up all groups below, and guests share those above them.
    private Dictionary<string, ulong?>? _held;

    /// <summary>For one answer about many processes: what a group holds is read once.</summary>
    public static ControlGroupMemory ForOneAnswer() => new() { _held = new(StringComparer.Ordinal) };

    /// <summary>Null where the host has no memory controller, or the process's groups are not seen from here.</summary>
    public DomainMemoryLimits? Limits(int pid)
    {
        (string? first, string? second) = Paths(pid);
        if (first is not null)
            return Read(First, first) is { } old ? new DomainMemoryLimits(old.Hard, old.Soft, old.Swap) : null;

        // Version 2 counts swap alone, libvirt's parameter memory and swap together.
        return second is not null && Read(Second, second) is { } limits
            ? new DomainMemoryLimits(limits.Hard, limits.Soft, limits.Hard + limits.Swap)
            : null;
    }

    /// <summary>The path of the group that accounts for a process's memory; null where there is none.</summary>
    public string? PathOf(int pid)
    {
        (string? first, string? second) = Paths(pid);
        return first ?? second;
    }

    /// <summary>A group by its path below where control groups are mounted; null where there is none, or it is not seen from here.</summary>
    public MemoryGroup? Group(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            return null;

        // A group of version 2 may be called as the mount of version 1.
        GroupFiles files = File.Exists(Path.Combine(Top(First), First.Hard)) ? First : Second;

        // As people copy it.
        string mount = new[] { $"/{files.Mount}/", $"/{Second.Mount}/" }.FirstOrDefault(one => path.StartsWith(one, StringComparison.Ordinal)) ?? "";
        string group = path[mount.Length..];

        // That it is there, its own file shows.
        string directory = DirectoryOf(files, group);
        if (!IsWithin(directory, Top(files)) || !File.Exists(Path.Combine(directory, files.Hard)))
            return null;
        ulong? held = Held(files, directory), current = Number(directory, files.Current);
        ulong hard = NoLimit, soft = NoLimit;
        Stack<(int Levels, ulong Limit, ulong? Held)> limits = [];

        // Those around it have limits too, which it shares with others.
        string level = directory;
        for (int levels = 0; IsWithin(level, Top(files)); level = Path.GetDirectoryName(level)!, levels++)
        {
            // The soft limit of version 1 does not slow anybody down.
            ulong ownHard = Limit(level, files.Hard), ownSoft = files == Second ? Limit(level, files.Soft) : NoLimit;
            if (Math.Min(ownHard, ownSoft) == NoLimit)
                continue;
            ulong? there = Held(files, level);
            ulong others = (held ?? current) is { } known && (there ?? Number(level, files.Current)) is { } all ? all - Math.Min(all, known) : 0;
            hard = Math.Min(hard, Rest(ownHard, others));
            soft = Math.Min(soft, Rest(ownSoft, others));
            limits.Push((levels, Math.Min(ownHard, ownSoft), there));
        }

        MemoryGroupLimit? nearest = null;
        foreach ((int levels, ulong limit, ulong? there) in limits)
            nearest = new MemoryGroupLimit(levels, limit / BytesPerKiB, there / BytesPerKiB, nearest);
        return new MemoryGroup(KiB(hard), KiB(soft), current / BytesPerKiB) { UnreclaimableKiB = held / BytesPerKiB, NearestLimit = nearest };
    }

    private ulong Limit(string level, string file) => Number(level, file) is { } limit ? Math.Min(limit, NoLimit) : NoLimit;

    /// <summary>A limit, less what others hold where it is set.</summary>
    private static ulong Rest(ulong limit, ulong others) => limit < NoLimit ? limit - Math.Min(limit, others) : NoLimit;

    private ulong? Number(string directory, string file) =>
        ulong.TryParse(Lines(Path.Combine(directory, file)).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) ? bytes : null;

    /// <summary>What a group holds and cannot be dropped, in bytes; null where that is not told.</summary>
    private ulong? Held(GroupFiles files, string directory)
    {
        if (_held is null)
            return ReadHeld(files, directory);
        if (!_held.TryGetValue(directory, out ulong? held))
            _held[directory] = held = ReadHeld(files, directory);
        return held;
    }

    private ulong? ReadHeld(GroupFiles files, string directory)
    {
        Dictionary<string, ulong> fields = [];
        foreach (string line in Lines(Path.Combine(directory, "memory.stat")))
        {
            if (line.Split(' ') is [var name, var text] && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) && bytes < NoLimit)
                fields[name] = bytes;
        }

        if (files == First)
            return fields.TryGetValue("total_rss", out ulong rss) ? rss + fields.GetValueOrDefault("total_shmem") : null;
        if (!fields.TryGetValue("anon", out ulong anonymous))
            return null;

        // Before Linux 5.18 there is no sum of the kernel's.
        ulong kernel = fields.TryGetValue("kernel", out ulong sum) ? sum
            : (ulong)((string[])["slab", "kernel_stack", "pagetables", "percpu", "sock"]).Sum(name => (long)fields.GetValueOrDefault(name));
        return anonymous + fields.GetValueOrDefault("shmem") + kernel;
    }

    private (string? First, string? Second) Paths(int pid)
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

        return (first, second);
    }

    private string Top(GroupFiles files) => Path.GetFullPath(Path.Combine(root, files.Mount));

    private string DirectoryOf(GroupFiles files, string group) => Path.GetFullPath(Top(files) + "/" + group.TrimStart('/')).TrimEnd('/');

    /// <summary>The narrowest limits of a group and of those around it: each of them holds.</summary>
    private (ulong? Hard, ulong? Soft, ulong? Swap)? Read(GroupFiles files, string group)
    {
        string top = Top(files), directory = DirectoryOf(files, group);
        ulong hard = NoLimit, soft = NoLimit, swap = NoLimit;
        bool isFound = false;

        // A group outside of the mount, as seen from a container, is none of ours to read.
        for (; IsWithin(directory, top); directory = Path.GetDirectoryName(directory)!)
        {
            isFound |= Narrow(files.Hard, ref hard);
            _ = Narrow(files.Soft, ref soft);
            _ = Narrow(files.Swap, ref swap);
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

    // One beside the mount may begin with its name.
    private static bool IsWithin(string? directory, string top) =>
        directory is not null && (directory == top || directory.StartsWith(top + "/", StringComparison.Ordinal));

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

    private sealed record GroupFiles(string Mount, string Hard, string Soft, string Swap, string Current);
}
