using System.Globalization;
using System.Text.Json;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A disk's statistics, as far as its monitor tells them.</summary>
/// <param name="Alias">Its name, the same as in the XML.</param>
/// <param name="File">What holds it; null without a medium.</param>
/// <param name="IsRaw">Whether its storage is the disk itself, without a format.</param>
/// <param name="Numbers">Under libvirt's names and in its order.</param>
internal sealed record DiskStats(string Alias, string? File, bool IsRaw, IReadOnlyList<(string Name, ulong Value)> Numbers);

/// <summary>Statistics of devices, for callers that want them.</summary>
internal static class QmpDeviceStats
{
    private static readonly (string Name, string Member)[] Counters =
    [
        ("rd.reqs", "rd_operations"), ("rd.bytes", "rd_bytes"), ("rd.times", "rd_total_time_ns"),
        ("wr.reqs", "wr_operations"), ("wr.bytes", "wr_bytes"), ("wr.times", "wr_total_time_ns"),
        ("fl.reqs", "flush_operations"), ("fl.times", "flush_total_time_ns"),
    ];

    /// <summary>libvirt's names in its calls about one disk, in its order, and those in bulk statistics.</summary>
    public static IReadOnlyList<(string Name, string Statistic)> CounterNames { get; } =
    [
        ("wr_bytes", "wr.bytes"), ("wr_operations", "wr.reqs"), ("rd_bytes", "rd.bytes"), ("rd_operations", "rd.reqs"),
        ("flush_operations", "fl.reqs"), ("wr_total_times", "wr.times"), ("rd_total_times", "rd.times"), ("flush_total_times", "fl.times"),
    ];

    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<IReadOnlyList<DiskStats>> DisksAsync(QmpMonitor monitor, TimeSpan timeout, CancellationToken cancellationToken)
    {
        JsonElement? stats = await AskAsync(
            monitor, "query-blockstats", QmpCommands.Execute("query-blockstats"), timeout, cancellationToken).ConfigureAwait(false);
        JsonElement? blocks = await AskAsync(
            monitor, "query-block", QmpCommands.Execute("query-block"), timeout, cancellationToken).ConfigureAwait(false);
        Dictionary<string, JsonElement> inserted = [];
        foreach (JsonElement block in Elements(blocks))
        {
            if (Member(block, "inserted") is { } medium)
                inserted[QmpMachine.AliasOf(block)] = medium;
        }

        return [.. Elements(stats).Select(disk => Read(disk, inserted)).OfType<DiskStats>()];
    }

    /// <summary>How large the file or device of a disk is, and how much of it takes up room, in bytes; 0 where QEMU does not tell.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<(ulong Size, ulong Used)> StorageSizeAsync(QmpMonitor monitor, string file, TimeSpan timeout, CancellationToken cancellationToken)
    {
        JsonElement? nodes = await AskAsync(
            monitor, "query-named-block-nodes", QmpCommands.Execute("query-named-block-nodes"), timeout, cancellationToken).ConfigureAwait(false);

        // The node of the storage itself: those above it are as large as what the guest sees.
        return Elements(nodes)
            .Where(node => Text(Member(node, "file")) == file && Text(Member(node, "drv")) is "file" or "host_device" or "host_cdrom")
            .Select(node => Member(node, "image"))
            .Select(image => (Number(Member(image, "virtual-size")) ?? 0, Number(Member(image, "actual-size")) ?? 0))
            .FirstOrDefault();
    }

    /// <summary>The I/O threads that libvirt would know by a number, each with how it polls.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<IReadOnlyList<(uint Number, ulong PollMax, uint PollGrow, uint PollShrink)>> IoThreadsAsync(
        QmpMonitor monitor, TimeSpan timeout, CancellationToken cancellationToken)
    {
        const string prefix = "iothread";
        JsonElement? threads = await AskAsync(
            monitor, "query-iothreads", QmpCommands.Execute("query-iothreads"), timeout, cancellationToken).ConfigureAwait(false);
        List<(uint Number, ulong PollMax, uint PollGrow, uint PollShrink)> found = [];
        foreach (JsonElement thread in Elements(threads))
        {
            if (Text(Member(thread, "id")) is { } id && id.StartsWith(prefix, StringComparison.Ordinal)
                && uint.TryParse(id.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            {
                found.Add((number, Number(Member(thread, "poll-max-ns")) ?? 0,
                    (uint)(Number(Member(thread, "poll-grow")) ?? 0), (uint)(Number(Member(thread, "poll-shrink")) ?? 0)));
            }
        }

        return found;
    }

    /// <summary>How many network cards there are.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<int> CountNetworkCardsAsync(QmpMonitor monitor, TimeSpan timeout, CancellationToken cancellationToken)
    {
        int count = 0;
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            count += QmpMachine.NetworkCards(await AskAsync(
                monitor, "qom-list", QmpCommands.List(container), timeout, cancellationToken).ConfigureAwait(false)).Count();
        }

        return count;
    }

    /// <summary>
    /// How long KVM polled instead of letting a processor of the host sleep, in nanoseconds, with success and without, of all
    /// virtual processors together: 0 without KVM. Null where QEMU does not know the question (before 7.1).
    /// </summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<(ulong Success, ulong Fail)?> HaltPollingAsync(QmpMonitor monitor, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (await AskAsync(monitor, "query-stats", QmpCommands.HaltPolling(), timeout, cancellationToken).ConfigureAwait(false) is not { } reply)
            return null;
        ulong success = 0, fail = 0;
        foreach (JsonElement cpu in Elements(reply))
        {
            foreach (JsonElement statistic in Elements(Member(cpu, "stats")))
            {
                ulong value = Number(Member(statistic, "value")) ?? 0;
                if (Text(Member(statistic, "name")) == QmpCommands.HaltPollSuccess)
                    success += value;
                else if (Text(Member(statistic, "name")) == QmpCommands.HaltPollFail)
                    fail += value;
            }
        }

        return (success, fail);
    }

    private static DiskStats? Read(JsonElement disk, Dictionary<string, JsonElement> inserted)
    {
        string alias = QmpMachine.AliasOf(disk);
        if (alias.Length == 0)
            return null;
        JsonElement? medium = inserted.TryGetValue(alias, out JsonElement found) ? found : null, stats = Member(disk, "stats");
        List<(string Name, ulong Value)> numbers = [];
        foreach ((string name, string member) in Counters)
            Add(name, Number(Member(stats, member)));
        if (medium is not null)
        {
            // The file's own, which is the disk itself where no format lies between.
            Add("allocation", Number(Member(Member(Member(disk, "parent") ?? disk, "stats"), "wr_highest_offset")));
            Add("capacity", Number(Member(Member(medium, "image"), "virtual-size")));
        }

        return new DiskStats(alias, Text(Member(medium, "file")), Text(Member(medium, "drv")) == "raw", numbers);

        void Add(string name, ulong? value)
        {
            if (value is { } known)
                numbers.Add((name, known));
        }
    }
}
