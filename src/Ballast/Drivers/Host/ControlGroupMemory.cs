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

    // Where systemd mounts version 2 beside version 1.
    private static readonly GroupFiles Beside = Second with { Mount = "sys/fs/cgroup/unified" };

    private static readonly MemoryGroup Unknown = new(null, null, null) { HasUnknownLimits = true };

    // What a group holds costs the kernel most to tell: it sums up all groups below, and guests share those above them.
    private Dictionary<string, Holding>? _held;

    /// <summary>For one answer about many processes: what a group holds is read once.</summary>
    public static ControlGroupMemory ForOneAnswer() => new() { _held = new(StringComparer.Ordinal) };

    /// <summary>Null where the host has no memory controller, or Ballast cannot see the process's groups.</summary>
    /// <exception cref="LibvirtException">They cannot be read.</exception>
    public DomainMemoryLimits? Limits(int pid)
    {
        (string? first, string? second) = Paths(pid) ?? throw Unreadable(pid);
        if (first is not null)
            return Read(First, first, pid) is { } old ? new DomainMemoryLimits(old.Hard, old.Soft, old.Swap) : null;

        // Version 2 counts swap alone, libvirt's parameter memory and swap together.
        return second is not null && Read(Second, second, pid) is { } limits
            ? new DomainMemoryLimits(limits.Hard, limits.Soft, limits.Hard + limits.Swap)
            : null;
    }

    /// <summary>The group that accounts for a process's memory, and its path; null where there is none.</summary>
    public (string? Path, MemoryGroup? Group) Of(int pid)
    {
        if (Paths(pid) is not { } paths)
            return (null, Unknown);
        if ((paths.First ?? paths.Second) is not { } path)
            return (null, null);

        // Above all groups there is no limit. One that Ballast cannot see may have any.
        GroupFiles files = FilesOfAll();
        return (path, path == "/" || IsSeen(files, DirectoryOf(files, path)) ? Group(path) : paths.First is null && HasNoLimitsBeside(path) ? null : Unknown);
    }

    /// <summary>
    /// A group by its path below where control groups are mounted; null where there is none, Ballast cannot see it, or nothing accounts
    /// for memory there.
    /// </summary>
    public MemoryGroup? Group(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            return null;
        GroupFiles files = FilesOfAll();

        // As people copy it.
        string mount = new[] { $"/{files.Mount}/", $"/{Second.Mount}/" }.FirstOrDefault(one => path.StartsWith(one, StringComparison.Ordinal)) ?? "";
        string directory = DirectoryOf(files, path[mount.Length..]);
        if (!IsSeen(files, directory))
            return null;
        Holding held = Held(files, directory);
        ulong? current = Number(directory, files.Current);
        ulong hard = NoLimit, soft = NoLimit;
        bool isFound = false, isUnknown = false;
        Stack<(int Levels, ulong Limit, ulong? Held)> limits = [];

        // Those around it have limits too, which it shares with others. In groups of threads, as libvirt makes them below a QEMU's, there
        // are none, and those around them hold.
        string level = directory;
        for (int levels = 0; IsWithin(level, Top(files)); level = Path.GetDirectoryName(level)!, levels++)
        {
            // The soft limit of version 1 does not slow anybody down.
            Setting ownHard = Limit(level, files.Hard), ownSoft = files == Second ? Limit(level, files.Soft) : Setting.None;
            isFound |= ownHard.IsThere;
            isUnknown |= ownHard.IsUnknown || ownSoft.IsUnknown;
            ulong own = Math.Min(ownHard.Bytes, ownSoft.Bytes);
            if (own == NoLimit)
                continue;
            Holding there = Held(files, level);
            isUnknown |= held.IsUnknown || there.IsUnknown;
            ulong others = (held.Bytes ?? current) is { } known && (there.Bytes ?? Number(level, files.Current)) is { } all ? all - Math.Min(all, known) : 0;
            hard = Math.Min(hard, Rest(ownHard.Bytes, others));
            soft = Math.Min(soft, Rest(ownSoft.Bytes, others));
            limits.Push((levels, own, there.Bytes));
        }

        if (!isFound)
            return null;
        MemoryGroupLimit? nearest = null;
        foreach ((int levels, ulong limit, ulong? there) in limits)
            nearest = new MemoryGroupLimit(levels, limit / BytesPerKiB, there / BytesPerKiB, nearest);
        return new MemoryGroup(KiB(hard), KiB(soft), current / BytesPerKiB)
        {
            UnreclaimableKiB = held.Bytes / BytesPerKiB,
            NearestLimit = nearest,
            HasUnknownLimits = isUnknown,
        };
    }

    // A group of version 2 may be called as the mount of version 1.
    private GroupFiles FilesOfAll() => File.Exists(Path.Combine(Top(First), First.Hard)) ? First : Second;

    private Setting Limit(string level, string file) => Lines(Path.Combine(level, file)) switch
    {
        null => new(NoLimit, IsThere: true, IsUnknown: true),
        [] => Setting.None,
        ["max", ..] => new(NoLimit, IsThere: true, IsUnknown: false),
        [var text, ..] when ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) => new(Math.Min(bytes, NoLimit), IsThere: true, IsUnknown: false),
        _ => new(NoLimit, IsThere: true, IsUnknown: true),
    };

    /// <summary>A limit, less what others hold where it is set.</summary>
    private static ulong Rest(ulong limit, ulong others) => limit < NoLimit ? limit - Math.Min(limit, others) : NoLimit;

    private ulong? Number(string directory, string file) =>
        ulong.TryParse(Lines(Path.Combine(directory, file))?.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) ? bytes : null;

    /// <summary>What a group holds and cannot be dropped.</summary>
    private Holding Held(GroupFiles files, string directory)
    {
        if (_held is null)
            return ReadHeld(files, directory);
        if (!_held.TryGetValue(directory, out Holding held))
            _held[directory] = held = ReadHeld(files, directory);
        return held;
    }

    private Holding ReadHeld(GroupFiles files, string directory)
    {
        if (Lines(Path.Combine(directory, "memory.stat")) is not { } lines)
            return new(null, IsUnknown: true);
        Dictionary<string, ulong> fields = [];
        foreach (string line in lines)
        {
            if (line.Split(' ') is [var name, var text] && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) && bytes < NoLimit)
                fields[name] = bytes;
        }

        if (files == First)
            return fields.TryGetValue("total_rss", out ulong rss) ? new(rss + fields.GetValueOrDefault("total_shmem"), IsUnknown: false) : default;
        if (!fields.TryGetValue("anon", out ulong anonymous))
            return default;

        // Before Linux 5.18 there is no sum of the kernel's.
        ulong kernel = fields.TryGetValue("kernel", out ulong sum) ? sum
            : (ulong)((string[])["slab", "kernel_stack", "pagetables", "percpu", "sock"]).Sum(name => (long)fields.GetValueOrDefault(name));
        return new(anonymous + fields.GetValueOrDefault("shmem") + kernel, IsUnknown: false);
    }

    /// <returns>Null where they cannot be read.</returns>
    private (string? First, string? Second)? Paths(int pid)
    {
        // Where no control groups are mounted, it is in none.
        if (Lines($"proc/{pid}/cgroup", mayBeEmpty: true) is not { } lines)
            return null;
        string? first = null, second = null;
        foreach (string line in lines)
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

    private bool IsSeen(GroupFiles files, string directory) => IsWithin(directory, Top(files)) && Directory.Exists(directory);

    /// <summary>Whether a group is one of version 2 where that is mounted beside version 1 and does not account for memory.</summary>
    private bool HasNoLimitsBeside(string group) =>
        IsSeen(Beside, DirectoryOf(Beside, group)) && Lines(Path.Combine(Beside.Mount, "cgroup.controllers"), mayBeEmpty: true) is { } lines && !lines.Any(line => line.Split(' ').Contains("memory"));

    private string Top(GroupFiles files) => Path.GetFullPath(Path.Combine(root, files.Mount));

    private string DirectoryOf(GroupFiles files, string group) => Path.GetFullPath(Top(files) + "/" + group.TrimStart('/')).TrimEnd('/');

    /// <summary>The narrowest limits of a group and of those around it: each of them holds.</summary>
    private (ulong? Hard, ulong? Soft, ulong? Swap)? Read(GroupFiles files, string group, int pid)
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
            Setting setting = Limit(directory, file);
            if (setting.IsUnknown)
                throw Unreadable(pid);
            limit = Math.Min(limit, setting.Bytes);
            return setting.IsThere;
        }
    }

    private static LibvirtException Unreadable(int pid) =>
        LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Qemu, string.Create(CultureInfo.InvariantCulture, $"cannot read the memory limits of process {pid}"));

    // One beside the mount may begin with its name.
    private static bool IsWithin(string? directory, string top) =>
        directory is not null && (directory == top || directory.StartsWith(top + "/", StringComparison.Ordinal));

    private static ulong? KiB(ulong bytes) => bytes < NoLimit ? bytes / BytesPerKiB : null;

    /// <returns>None where there is no such file; null where it cannot be read. That is no answer: what it would say may hold.</returns>
    private string[]? Lines(string path, bool mayBeEmpty = false)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path)) is var lines && (lines.Length > 0 || mayBeEmpty) ? lines : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A limit as it is set in one group.</summary>
    private readonly record struct Setting(ulong Bytes, bool IsThere, bool IsUnknown)
    {
        public static Setting None { get; } = new(NoLimit, IsThere: false, IsUnknown: false);
    }

    /// <summary>What a group holds; null where it does not tell.</summary>
    private readonly record struct Holding(ulong? Bytes, bool IsUnknown);

    private sealed record GroupFiles(string Mount, string Hard, string Soft, string Swap, string Current);
}
