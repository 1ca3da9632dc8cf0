using System.Text;

namespace Ballast;

/// <summary>How a statistic moves.</summary>
internal enum MemoryStatCourse
{
    /// <summary>Up and down.</summary>
    Gauge,

    /// <summary>Only up, from zero at boot: lower than before means that the guest was reset, or that its driver lies.</summary>
    Counter,
}

/// <summary>Who knows a statistic.</summary>
internal enum MemoryStatSource
{
    /// <summary>The guest's driver, which puts it into the statistics queue.</summary>
    Guest,

    /// <summary>QEMU, or what is in its place.</summary>
    Hypervisor,

    /// <summary>The host's kernel.</summary>
    Host,
}

/// <summary>All that is known of one statistic.</summary>
/// <param name="Tag">Its tag, libvirt's or ours.</param>
/// <param name="Label">Its name, as <c>dommemstat</c> and JSON show it.</param>
/// <param name="BulkField">Its field in bulk statistics; null where libvirt has none.</param>
/// <param name="Unit">The unit of its values; a guest reports amounts in bytes.</param>
/// <param name="Course">Whether it can go down.</param>
/// <param name="Source">Who knows it.</param>
internal sealed record MemoryStatRow(
    MemoryStatTag Tag, string Label, string? BulkField, MemoryStatUnit Unit, MemoryStatCourse Course, MemoryStatSource Source)
{
    /// <summary>A statistic that the guest reports.</summary>
    /// <param name="tag">Its tag.</param>
    /// <param name="label">Its name.</param>
    /// <param name="bulkField">Its field in bulk statistics.</param>
    /// <param name="unit">The unit of its values.</param>
    /// <param name="course">Whether it can go down.</param>
    /// <param name="virtioTag">virtio's tag.</param>
    /// <param name="qmpName">Its member in QEMU's <c>guest-stats</c>.</param>
    /// <param name="sinceLinux">The first Linux whose driver reports it.</param>
    /// <param name="sinceQemu">The first QEMU that passes it on.</param>
    public MemoryStatRow(
        MemoryStatTag tag, string label, string? bulkField, MemoryStatUnit unit, MemoryStatCourse course,
        int virtioTag, string qmpName, string sinceLinux, string sinceQemu)
        : this(tag, label, bulkField, unit, course, MemoryStatSource.Guest)
    {
        (VirtioTag, QmpName) = (virtioTag, Encoding.UTF8.GetBytes(qmpName));
        (SinceLinux, SinceQemu) = (Version.Parse(sinceLinux), Version.Parse(sinceQemu));
    }

    /// <summary>virtio's tag in the statistics queue; −1 where the guest does not report it.</summary>
    public int VirtioTag { get; } = -1;

    /// <summary>Its member in QEMU's <c>guest-stats</c>, in UTF-8; empty where it is not there.</summary>
    public byte[] QmpName { get; } = [];

    /// <summary>Null where it is not the guest that knows it.</summary>
    public Version? SinceLinux { get; }

    /// <summary>Null where it is not the guest that knows it.</summary>
    public Version? SinceQemu { get; }

    /// <summary>One of ours, for those who ask for <see cref="MemoryStatsOptions.Extended"/>.</summary>
    public bool IsExtended => MemoryStatTagSet.IsOurs(Tag);

    /// <summary>A reported value from here on cannot be true: of an amount of bytes it is a −1 in disguise, of a count all can.</summary>
    public ulong ImpossibleFrom => Unit == MemoryStatUnit.KiB ? MemoryStatTable.ImpossibleBytes : ulong.MaxValue;

    /// <summary>Whether a value in the statistic's own unit can be true, however it came here.</summary>
    public bool CanBe(ulong value) => value < FromVirtio(ImpossibleFrom);

    /// <summary>What a guest reported, in the statistic's unit.</summary>
    public ulong FromVirtio(ulong value) => Unit == MemoryStatUnit.KiB ? value / 1024 : value;
}
