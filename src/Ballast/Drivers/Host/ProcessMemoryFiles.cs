using System.Globalization;

namespace Ballast.Drivers.Host;

/// <summary>What the kernel's files tell of a process's memory. A root other than / is for tests.</summary>
internal sealed class ProcessMemoryFiles(string root = "/")
{
    private const double TicksPerSecond = 100;
    private static readonly ulong PageKiB = (ulong)Environment.SystemPageSize / 1024;

    /// <param name="pid">The process, which may be gone: then nothing is known.</param>
    /// <param name="startTicks">When it started, in clock ticks since the host booted; 0: unknown.</param>
    /// <param name="groups">What was read of control groups for the same answer; null: nothing yet.</param>
    public ProcessMemory Read(int pid, ulong startTicks, ControlGroupMemory? groups = null)
    {
        string[] status = Lines(pid, "status");
        groups ??= new ControlGroupMemory(root);
        (string? path, MemoryGroup? group) = groups.Of(pid);
        return new ProcessMemory
        {
            Reason = status.Length > 0 ? MemoryStatsReason.Fresh : MemoryStatsReason.PermissionDenied,
            SwappedKiB = HostNode.FieldKiB(status, "VmSwap"),
            LockedKiB = HostNode.FieldKiB(status, "VmLck"),
            PinnedKiB = HostNode.FieldKiB(status, "VmPin"),
            HugePagesKiB = HostNode.FieldKiB(status, "HugetlbPages"),
            MergedKiB = MergedKiB(pid),
            RunTime = RunTime(startTicks),
            GroupPath = path,
            Group = group,
        };
    }

    // One line a counter, by its name and its number of pages.
    private ulong? MergedKiB(int pid) =>
        Lines(pid, "ksm_stat").Select(line => line.Split(' ')).FirstOrDefault(words => words is ["ksm_merging_pages", _]) is [_, var pages]
        && ulong.TryParse(pages, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count)
            ? count * PageKiB
            : null;

    private TimeSpan? RunTime(ulong startTicks)
    {
        string uptime = (Lines("proc/uptime").FirstOrDefault() ?? "").Split(' ')[0];
        return startTicks > 0 && double.TryParse(uptime, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            ? TimeSpan.FromSeconds(Math.Max(0, seconds - (startTicks / TicksPerSecond)))
            : null;
    }

    private string[] Lines(int pid, string file) => Lines(string.Create(CultureInfo.InvariantCulture, $"proc/{pid}/{file}"));

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
