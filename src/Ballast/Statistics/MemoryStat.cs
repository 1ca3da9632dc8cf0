namespace Ballast;

/// <summary>One statistic of a domain's memory: a tag and its value, in the unit that the tag defines.</summary>
/// <param name="Tag">What the value tells; may be a number that <see cref="MemoryStatTag"/> does not name.</param>
/// <param name="Value">The value: KiB, a count or Unix seconds, see <see cref="MemoryStatTagExtensions.Unit"/>.</param>
public readonly record struct MemoryStat(MemoryStatTag Tag, ulong Value);

/// <summary>The unit of a <see cref="MemoryStat"/>'s value.</summary>
public enum MemoryStatUnit
{
    /// <summary>The tag is not one this version names.</summary>
    Unknown,

    /// <summary>Units of 1024 bytes.</summary>
    KiB,

    /// <summary>A number of events, counted since the guest booted.</summary>
    Count,

    /// <summary>Seconds since 1970-01-01T00:00:00Z.</summary>
    UnixSeconds,
}

/// <summary>What is asked of a statistics call beyond libvirt's own set.</summary>
[Flags]
public enum MemoryStatsOptions
{
    /// <summary>libvirt's statistics, tags 0 to 12.</summary>
    None = 0,

    /// <summary>Also the six statistics that QEMU 9.2 and later pass on from Linux 6.12 and later guests, after all others.</summary>
    Extended = 1,
}
