using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Drivers.Host;
using Ballast.Guests;

namespace Ballast.Tests.Balance;

/// <summary>
/// A host that tests make up, with the kernel's files of QEMUs and their control groups, of either version: sizes in MiB. Each QEMU holds
/// what its guest touched, and 64 MiB.
/// </summary>
internal sealed class GroupHost(bool isSecond) : IDisposable
{
    public const ulong Qemu = 64;

    private const int FirstPid = 4711;

    private readonly PrivateDirectory _root = new();
    private readonly List<(string Group, AdviceGuest Guest)> _guests = [];
    private readonly Dictionary<string, string?> _written = [];

    /// <summary>The limits, by their groups' paths.</summary>
    public Dictionary<string, ulong> Limits { get; } = [];

    /// <summary>The kernel's files that cannot be read, by their paths below the root.</summary>
    public HashSet<string> Unreadable { get; } = [];

    /// <summary>What programs other than QEMUs hold, by their groups' paths.</summary>
    public Dictionary<string, ulong> Others { get; } = [];

    /// <summary>Whether programs wait for memory.</summary>
    public bool IsPressed { get; set; }

    /// <summary>What of each QEMU is locked, in KiB.</summary>
    public ulong Locked { get; set; }

    /// <summary>For how long QEMUs have run.</summary>
    public TimeSpan RunTime { get; set; } = TimeSpan.FromHours(1);

    public IReadOnlyList<(string Group, AdviceGuest Guest)> Guests => _guests;

    public void Dispose() => _root.Dispose();

    public void Add(string group, AdviceGuest guest) => _guests.Add((group, guest));

    public void Change(string name, Func<AdviceGuest, AdviceGuest> change)
    {
        int i = _guests.FindIndex(one => one.Guest.Name == name);
        _guests[i] = (_guests[i].Group, change(_guests[i].Guest));
    }

    public void Move(string name, string group)
    {
        int i = _guests.FindIndex(one => one.Guest.Name == name);
        _guests[i] = (group, _guests[i].Guest);
    }

    /// <summary>What a group's guests and programs hold when guests have used all that balloons of such sizes leave them.</summary>
    public double MostHeld(string group, Func<AdviceGuest, double> balloon) =>
        _guests.Where(one => IsWithin(one.Group, group)).Sum(one => balloon(one.Guest) + Qemu)
        + Others.Where(one => IsWithin(one.Key, group)).Sum(one => (double)one.Value);

    /// <summary>What the kernel and the guests tell now.</summary>
    /// <param name="time">Now, in seconds.</param>
    /// <param name="budget">What guests share.</param>
    /// <param name="told">What a guest's balloon is said to be, where that is not the truth.</param>
    public SeenHost See(double time, BudgetSetting budget, Func<AdviceGuest, AdviceGuest>? told = null)
    {
        HashSet<string> groups = [.. Limits.Keys, .. _guests.SelectMany(one => Levels(one.Group))];
        foreach (string group in groups)
            WriteGroup(group);
        if (!isSecond)
            Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        ulong total = 65536 * AdviceHost.KiB, free = total - (ulong)(MostHeld("/", guest => guest.Balloon!.Value) * AdviceHost.KiB);
        Write("proc/meminfo", $"MemTotal: {total} kB\nMemFree: {free} kB\nMemAvailable: {free} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB");
        Write("sys/kernel/mm/ksm/pages_sharing", "0");
        Write("proc/pressure/memory", $"some avg10={(IsPressed ? 50 : 0)}.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0");
        List<SeenGuest> seen = [];
        for (int i = 0; i < _guests.Count; i++)
        {
            int pid = FirstPid + i;
            Write($"proc/{pid}/cgroup", isSecond ? $"0::{_guests[i].Group}" : $"4:memory:{_guests[i].Group}\n0::/");
            Write($"proc/{pid}/status", $"VmSwap:\t0 kB\nVmLck:\t{Locked} kB\nVmPin:\t0 kB\nHugetlbPages:\t0 kB");
            ProcessMemory process = new ProcessMemoryFiles(_root.Path).Read(pid, 0) with { ReportsFreePages = false, DeflatesOnOom = true, RunTime = RunTime };
            AdviceGuest guest = _guests[i].Guest with { Process = process, Resident = Touched(_guests[i].Guest) + Qemu };
            seen.Add((told?.Invoke(guest) ?? guest).See(time));
        }

        return new SeenHost(new HostNode(_root.Path).HostMemory(budget.ControlGroup), seen);
    }

    private static ulong Touched(AdviceGuest guest) => Math.Min(guest.Balloon!.Value, guest.Resident!.Value);

    private static bool IsWithin(string group, string other) => other == "/" || group == other || group.StartsWith(other + "/", StringComparison.Ordinal);

    private static IEnumerable<string> Levels(string group)
    {
        for (; group.Length > 0; group = group[..group.LastIndexOf('/')])
            yield return group;
    }

    private void WriteGroup(string group)
    {
        string directory = (isSecond ? "sys/fs/cgroup" : "sys/fs/cgroup/memory") + group;
        string none = isSecond ? "max" : "9223372036854771712";
        string limit = Limits.TryGetValue(group, out ulong mib) ? (mib << 20).ToString(CultureInfo.InvariantCulture) : none;
        ulong held = (_guests.Where(one => IsWithin(one.Group, group)).Aggregate(0ul, (sum, one) => sum + Touched(one.Guest) + Qemu)
            + Others.Where(one => IsWithin(one.Key, group)).Aggregate(0ul, (sum, one) => sum + one.Value)) << 20;
        Write($"{directory}/{(isSecond ? "memory.max" : "memory.limit_in_bytes")}", limit);
        Write($"{directory}/{(isSecond ? "memory.current" : "memory.usage_in_bytes")}", $"{held}");
        if (isSecond)
            Write($"{directory}/memory.high", "max");
        Write($"{directory}/memory.stat", isSecond ? $"anon {held}\nkernel 0" : $"total_rss {held}\ntotal_shmem 0");
    }

    private void Write(string file, string text)
    {
        // Null: it cannot be read. Thousands of looks change little.
        string? content = Unreadable.Contains(file) ? null : text;
        if (_written.TryGetValue(file, out string? before) && before == content)
            return;
        _written[file] = content;
        string path = _root.File(file);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (Directory.Exists(path))
            Directory.Delete(path);
        File.Delete(path);

        // Not even root can read a directory as a file.
        if (content is null)
            _ = Directory.CreateDirectory(path);
        else
            File.WriteAllText(path, content + "\n");
    }
}
