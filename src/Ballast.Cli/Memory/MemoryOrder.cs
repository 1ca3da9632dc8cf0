using Ballast.Cli.Parsing;

namespace Ballast.Cli.Memory;

/// <summary>An order of guests; equals stay in the order of their names.</summary>
internal sealed class MemoryOrder : IComparer<MemoryLine>
{
    private readonly Comparison<MemoryLine> _first;

    private MemoryOrder(string name, Comparison<MemoryLine> first) => (Name, _first) = (name, first);

    /// <summary>All; the first one is the default.</summary>
    public static IReadOnlyList<MemoryOrder> All { get; } =
    [
        new("pressure", MemoryLine.ByPressure),
        new("name", MemoryLine.ByName),
        Largest("used", line => line.Stats.Used?.KiB),
        Largest("available", line => line.AvailableKiB),
        Largest("balloon", line => line.Stats.ActualKiB),
        Largest("resident", line => line.Stats.RssKiB),
        Largest("cache", line => line.Stats.DiskCachesKiB),
        Largest("reclaimable", line => line.ReclaimableKiB),
        Largest("age", line => (ulong?)line.Stats.Age?.Ticks),
    ];

    public static IEnumerable<string> Names => All.Select(order => order.Name);

    public string Name { get; }

    /// <summary>The order with a name; null stands for the default.</summary>
    public static MemoryOrder Read(string? name) =>
        name is null ? All[0] : All.FirstOrDefault(order => order.Name == name) ?? throw NearestName.Unknown("order", name, [.. Names]);

    public int Compare(MemoryLine? x, MemoryLine? y) => _first(x!, y!) is not 0 and var order ? order : MemoryLine.ByName(x!, y!);

    private static MemoryOrder Largest(string name, Func<MemoryLine, ulong?> value) =>
        new(name, (one, other) => Nullable.Compare(value(other), value(one)));
}
