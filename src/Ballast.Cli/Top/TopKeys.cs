using Ballast.Cli.Memory;

namespace Ballast.Cli.Top;

/// <summary>The keys, and what they do.</summary>
internal static class TopKeys
{
    // The letter of each order; every order has one.
    private static readonly (string Key, string Order)[] Orders =
    [
        ("p", "pressure"), ("n", "name"), ("u", "used"), ("a", "available"), ("b", "balloon"), ("r", "resident"), ("c", "cache"), ("f", "reclaimable"), ("g", "age"),
    ];

    public static IReadOnlyList<(string Key, string Meaning)> All { get; } =
    [
        ("Up, Down, PgUp, PgDn", "choose a guest"),
        ("Enter", "show the chosen guest: charts, rates, events; Esc: back"),
        ("<, >", "sort by the column before or after"),
        .. Orders.Select(order => (order.Key, $"sort by {order.Order}")),
        ("/", "show only guests whose name or reason contains what is typed; Esc: all"),
        ("?", "this help; Esc: back"),
        ("q", "quit"),
    ];

    public static MemoryOrder? OrderOf(string key) =>
        Orders.FirstOrDefault(order => order.Key == key).Order is { } name ? MemoryOrder.Read(name) : null;
}
