using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>What a simulated guest does with its memory, or how it fails to say so. Its name begins with the kind.</summary>
internal enum GuestKind
{
    /// <summary>Does next to nothing.</summary>
    Idle,

    /// <summary>Reads files until they fill its memory, and starts anew.</summary>
    Cache,

    /// <summary>Leaks for hours, until what leaks is restarted.</summary>
    Growing,

    /// <summary>Needs most of its memory for some seconds every minute or three.</summary>
    Spiking,

    /// <summary>Needs more than it has: its swap counters and major faults move.</summary>
    Swapping,

    /// <summary>Was paused by its user.</summary>
    Paused,

    /// <summary>Has no balloon driver.</summary>
    NoDriver,

    /// <summary>Was never asked: there is what its driver said when it was loaded.</summary>
    NoPolling,

    /// <summary>Reports what cannot be: beside amounts of 2^63 bytes and more, numbers that contradict each other.</summary>
    Lying,

    /// <summary>Answered once, and does no more.</summary>
    Stale,

    /// <summary>Is a Windows guest without the service that collects the numbers.</summary>
    NoService,

    /// <summary>Has a driver that has never reported.</summary>
    Silent,

    /// <summary>Reports −1 pages for everything, as old Windows drivers do.</summary>
    Broken,
}

/// <summary>Which guests of a fleet are of which kind, and their names.</summary>
internal static class GuestKinds
{
    // The first ten show what there is to see, so that a small fleet does.
    private static readonly GuestKind[] Shares =
    [
        GuestKind.Idle, GuestKind.Cache, GuestKind.Growing, GuestKind.Spiking, GuestKind.Swapping,
        GuestKind.Paused, GuestKind.NoDriver, GuestKind.NoPolling, GuestKind.Lying, GuestKind.Stale,
        GuestKind.Idle, GuestKind.Cache, GuestKind.Growing, GuestKind.Spiking, GuestKind.NoService,
        GuestKind.Idle, GuestKind.Cache, GuestKind.Silent, GuestKind.Broken, GuestKind.Idle,
    ];

    private static readonly string[] Prefixes =
    [
        "idle-", "cache-", "growing-", "spiking-", "swapping-", "paused-", "no-driver-", "no-polling-", "lying-", "stale-",
        "no-service-", "silent-", "broken-",
    ];

    public static GuestKind Of(int index) => Shares[index % Shares.Length];

    /// <summary>The name: the kind, and the guest's id in five digits, or more where they do not do.</summary>
    public static string Name(int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefixes[(int)Of(index)]}{index + 1:D5}");

    /// <summary>The index of the guest that would have the name.</summary>
    public static bool TryParse(string name, out int index)
    {
        ReadOnlySpan<char> digits = name.AsSpan(name.LastIndexOf('-') + 1);
        index = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id - 1 : -1;
        return index >= 0 && Name(index) == name;
    }
}
