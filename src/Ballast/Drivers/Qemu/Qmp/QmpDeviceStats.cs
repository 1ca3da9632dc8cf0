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

/// <summary>How an I/O thread polls, which libvirt knows by a number.</summary>
/// <param name="Number">The number.</param>
/// <param name="PollMax">The longest it polls, in nanoseconds; null, as the others: QEMU does not tell.</param>
/// <param name="PollGrow">QEMU's factor of growing.</param>
/// <param name="PollShrink">QEMU's divisor of shrinking.</param>
internal readonly record struct IoThreadStats(uint Number, ulong? PollMax, uint? PollGrow, uint? PollShrink);

/// <summary>
/// Statistics of devices, for callers that want them: all their questions go out in one write. What QEMU did not answer before it
/// fell silent, is null.
/// </summary>
internal sealed class QmpDeviceStats
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

    // In the order in which libvirt's fields come.
    private static readonly (DomainStatsGroups Group, byte[][] Questions)[] Questions =
    [
        (DomainStatsGroups.CpuTotal, [QmpCommands.HaltPolling()]),
        (DomainStatsGroups.Interface, [QmpCommands.List(QmpCommands.PeripheralPath), QmpCommands.List(QmpCommands.AnonymousPath)]),
        (DomainStatsGroups.Block, [QmpCommands.Execute("query-blockstats"), QmpCommands.Execute("query-block")]),
        (DomainStatsGroups.Iothread, [QmpCommands.Execute("query-iothreads")]),
        (DomainStatsGroups.DirtyRate, [QmpCommands.Execute("query-dirty-rate")]),
    ];

    /// <summary>The groups that have something of devices.</summary>
    public const DomainStatsGroups Groups = DomainStatsGroups.CpuTotal | DomainStatsGroups.Interface | DomainStatsGroups.Block
        | DomainStatsGroups.Iothread | DomainStatsGroups.DirtyRate;

    /// <summary>
    /// How long KVM polled instead of letting a processor of the host sleep, in nanoseconds, with success and without, of all
    /// virtual processors together: 0 without KVM. Null where QEMU does not know the question (before 7.1).
    /// </summary>
    public (ulong Success, ulong Fail)? HaltPolling { get; private set; }

    /// <summary>How many network cards there are.</summary>
    public int? NetworkCards { get; private set; }

    public IReadOnlyList<DiskStats>? Disks { get; private set; }

    /// <summary>The I/O threads that libvirt would know by a number.</summary>
    public IReadOnlyList<IoThreadStats>? IoThreads { get; private set; }

    /// <summary>How fast the guest writes to its memory, where QEMU knows the question.</summary>
    public QmpDirtyRate? DirtyRate { get; private set; }

    /// <summary>Never fails: what cannot be had is missing.</summary>
    /// <param name="monitor">Whom to ask.</param>
    /// <param name="groups">For which groups.</param>
    /// <param name="timeout">The longest wait for all answers.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<QmpDeviceStats> AskAsync(
        AskedMonitor monitor, DomainStatsGroups groups, TimeSpan timeout, CancellationToken cancellationToken)
    {
        (DomainStatsGroups Group, byte[][] Questions)[] asked = [.. Questions.Where(known => (known.Group & groups) != 0)];
        List<JsonElement?> answers = [];
        try
        {
            await AskAllAsync(
                monitor, "statistics of devices", [.. asked.SelectMany(known => known.Questions)], answers, timeout, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // As for the other groups: missing, not an error of the whole call.
        }

        QmpDeviceStats stats = new();
        int next = 0;
        foreach ((DomainStatsGroups group, byte[][] questions) in asked)
        {
            if (next + questions.Length > answers.Count)
                break;
            stats.Add(group, [.. answers.Skip(next).Take(questions.Length)]);
            next += questions.Length;
        }

        return stats;
    }

    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<IReadOnlyList<DiskStats>> DisksAsync(AskedMonitor monitor, TimeSpan timeout, CancellationToken cancellationToken)
    {
        List<JsonElement?> answers = [];
        await AskAllAsync(
            monitor, "query-blockstats", Questions.First(known => known.Group == DomainStatsGroups.Block).Questions, answers, timeout, cancellationToken)
            .ConfigureAwait(false);
        return ReadDisks(answers[0], answers[1]);
    }

    /// <summary>How large the file or device of a disk is, and how much of it takes up room, in bytes; 0 where QEMU does not tell.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<(ulong Size, ulong Used)> StorageSizeAsync(AskedMonitor monitor, string file, TimeSpan timeout, CancellationToken cancellationToken)
    {
        JsonElement? nodes = await QmpJson.AskAsync(
            monitor, "query-named-block-nodes", QmpCommands.Execute("query-named-block-nodes"), timeout, cancellationToken).ConfigureAwait(false);

        // The node of the storage itself: those above it are as large as what the guest sees.
        return Elements(nodes)
            .Where(node => Text(Member(node, "file")) == file && Text(Member(node, "drv")) is "file" or "host_device" or "host_cdrom")
            .Select(node => Member(node, "image"))
            .Select(image => (Number(Member(image, "virtual-size")) ?? 0, Number(Member(image, "actual-size")) ?? 0))
            .FirstOrDefault();
    }

    /// <summary>Reads the answers to a group's questions.</summary>
    public void Add(DomainStatsGroups group, JsonElement?[] answers)
    {
        switch (group)
        {
            case DomainStatsGroups.CpuTotal:
                HaltPolling = answers[0] is { } halted ? ReadHaltPolling(halted) : null;
                break;
            case DomainStatsGroups.Interface:
                NetworkCards = answers.Sum(container => QmpMachine.NetworkCards(container).Count());
                break;
            case DomainStatsGroups.Block:
                Disks = ReadDisks(answers[0], answers[1]);
                break;
            case DomainStatsGroups.Iothread:
                IoThreads = [.. Elements(answers[0]).Select(ReadIoThread).OfType<IoThreadStats>()];
                break;
            default:
                DirtyRate = QmpDirtyRate.Read(answers[0]);
                break;
        }
    }

    private static DiskStats[] ReadDisks(JsonElement? stats, JsonElement? blocks)
    {
        Dictionary<string, JsonElement> inserted = [];
        foreach (JsonElement block in Elements(blocks))
        {
            if (Member(block, "inserted") is { } medium)
                inserted[QmpMachine.AliasOf(block)] = medium;
        }

        return [.. Elements(stats).Select(disk => ReadDisk(disk, inserted)).OfType<DiskStats>()];
    }

    private static IoThreadStats? ReadIoThread(JsonElement thread)
    {
        const string prefix = "iothread";
        return Text(Member(thread, "id")) is { } id && id.StartsWith(prefix, StringComparison.Ordinal)
            && uint.TryParse(id.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? new IoThreadStats(number, Number(Member(thread, "poll-max-ns")), Factor("poll-grow"), Factor("poll-shrink"))
            : null;

        uint? Factor(string name) => Number(Member(thread, name)) is <= uint.MaxValue and var factor ? (uint)factor : null;
    }

    // Without one of them the sum would be another.
    private static (ulong Success, ulong Fail)? ReadHaltPolling(JsonElement reply)
    {
        ulong? success = 0, fail = 0;
        foreach (JsonElement statistic in Elements(reply).SelectMany(cpu => Elements(Member(cpu, "stats"))))
        {
            ulong? value = Number(Member(statistic, "value"));
            if (Text(Member(statistic, "name")) == QmpCommands.HaltPollSuccess)
                success += value;
            else if (Text(Member(statistic, "name")) == QmpCommands.HaltPollFail)
                fail += value;
        }

        return success is { } polled && fail is { } waited ? (polled, waited) : null;
    }

    private static DiskStats? ReadDisk(JsonElement disk, Dictionary<string, JsonElement> inserted)
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

        return new DiskStats(alias, BlockFile.PathOf(Text(Member(medium, "file"))), Text(Member(medium, "drv")) == "raw", numbers);

        void Add(string name, ulong? value)
        {
            if (value is { } known)
                numbers.Add((name, known));
        }
    }
}
