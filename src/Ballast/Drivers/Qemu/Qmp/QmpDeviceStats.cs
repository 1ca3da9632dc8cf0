using System.Text.Json;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A disk's statistics, as far as its monitor tells them.</summary>
/// <param name="Alias">Its name, the same as in the XML.</param>
/// <param name="File">What holds it; null without a medium.</param>
/// <param name="Numbers">Under libvirt's names and in its order.</param>
internal sealed record DiskStats(string Alias, string? File, IReadOnlyList<(string Name, ulong Value)> Numbers);

/// <summary>Statistics of devices, for callers that want them.</summary>
internal static class QmpDeviceStats
{
    private static readonly (string Name, string Member)[] Counters =
    [
        ("rd.reqs", "rd_operations"), ("rd.bytes", "rd_bytes"), ("rd.times", "rd_total_time_ns"),
        ("wr.reqs", "wr_operations"), ("wr.bytes", "wr_bytes"), ("wr.times", "wr_total_time_ns"),
        ("fl.reqs", "flush_operations"), ("fl.times", "flush_total_time_ns"),
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

        return new DiskStats(alias, Text(Member(medium, "file")), numbers);

        void Add(string name, ulong? value)
        {
            if (value is { } known)
                numbers.Add((name, known));
        }
    }
}
