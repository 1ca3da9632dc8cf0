namespace Ballast;

/// <summary>One statistic of a domain's memory: a tag and its value, in the unit that the tag defines.</summary>
/// <param name="Tag">The statistic; it may be a number that <see cref="MemoryStatTag"/> does not name.</param>
/// <param name="Value">The value in KiB, as a count or in Unix seconds, see <see cref="MemoryStatTagExtensions.Unit"/>.</param>
public readonly record struct MemoryStat(MemoryStatTag Tag, ulong Value);

/// <summary>The unit of a <see cref="MemoryStat"/>'s value.</summary>
public enum MemoryStatUnit
{
    /// <summary>This version does not know the tag.</summary>
    Unknown,

    /// <summary>Units of 1024 bytes.</summary>
    KiB,

    /// <summary>A number of events, counted since the guest booted.</summary>
    Count,

    /// <summary>Seconds since 1970-01-01T00:00:00Z.</summary>
    UnixSeconds,
}

/// <summary>Which statistics a call requests beyond libvirt's own.</summary>
[Flags]
public enum MemoryStatsOptions
{
    /// <summary>libvirt's statistics, tags 0 to 12.</summary>
    None = 0,

    /// <summary>
    /// The six statistics that QEMU 9.2 and later forward from guests with Linux 6.12 and later, after all others.
    /// </summary>
    Extended = 1,
}
