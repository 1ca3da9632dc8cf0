namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>What a monitor may send before it is taken for broken or hostile.</summary>
internal static class QmpLimits
{
    /// <summary>Largest message: QEMU's longest replies to what we ask have some kilobytes.</summary>
    public const int MaxMessageBytes = 1024 * 1024;

    /// <summary>Deepest nesting of a message; QEMU's stay below ten.</summary>
    public const int MaxDepth = 32;

    /// <summary>
    /// Bytes a second beyond what was asked for: events, white space, and what makes an answer longer than answers are. Two
    /// of the largest messages.
    /// </summary>
    public const int MaxUnaskedBytesPerSecond = 2 * MaxMessageBytes;

    /// <summary>What each portion counts for at least, however small it is: to take it costs as much.</summary>
    public const int LeastPortionBytes = 128;

    /// <summary>What an answer may have without being counted.</summary>
    public const int AnswerBytes = 64 * 1024;

    /// <summary>Events, and replies that nobody asked for, taken within a second; QEMU throttles its events to a few.</summary>
    public const int MaxUnsolicitedPerSecond = 10_000;

    /// <summary>
    /// Elements of a list: processors, disks, devices, block nodes. QEMU has 4,096 processors at most, and far fewer of the others.
    /// </summary>
    public const int MaxElements = 4096;

    /// <summary>
    /// Tokens of an answer that a tree is made of. The most have the statistics of 4,096 processors, 21 of each in 200 bytes: QEMU
    /// spells out its names, so that the largest message has no more.
    /// </summary>
    public const int MaxTreeTokens = 128 * 1024;

    /// <summary>Slots for processors; more than any machine of QEMU's has.</summary>
    public const int MaxCpuSlots = 16384;

    /// <summary>Longest name, error text or path kept from a message, in characters.</summary>
    public const int MaxTextLength = 4096;
}
