namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>What a monitor may send before it is taken for broken or hostile.</summary>
internal static class QmpLimits
{
    /// <summary>Largest message: QEMU's longest replies to what we ask have some kilobytes.</summary>
    public const int MaxMessageBytes = 1024 * 1024;

    /// <summary>Deepest nesting of a message; QEMU's stay below ten.</summary>
    public const int MaxDepth = 32;

    /// <summary>Events taken within a second; QEMU throttles its own to a few.</summary>
    public const int MaxEventsPerSecond = 10_000;

    /// <summary>Longest name, error text or path kept from a message, in characters.</summary>
    public const int MaxTextLength = 4096;

    /// <summary>Longest path of a unix socket, in bytes, without the final NUL.</summary>
    public const int MaxSocketPathBytes = 107;
}
