using System.Runtime.CompilerServices;

namespace Ballast.Virtio;

[InlineArray(MemoryStatTable.MaxVirtioTags)]
internal struct BalloonReportValues
{
    private ulong _first;
}

/// <summary>
/// What a guest reported, in bytes and counts, indexed by virtio tag. A value that was not reported is absent; one that
/// cannot be true is absent and counted as rejected.
/// </summary>
internal struct BalloonReport
{
    /// <summary>What devices and drivers put where they have no value.</summary>
    public const ulong NotReported = ulong.MaxValue;

    private BalloonReportValues _values;
    private ulong _present;
    private ulong _rejected;

    /// <summary>Whether the guest's driver reported nothing that can be used.</summary>
    public readonly bool IsEmpty => _present == 0;

    /// <summary>What a guest put into its statistics queue. A tag that the table does not name is left out, as QEMU's device does.</summary>
    public static BalloonReport From(ReadOnlySpan<BalloonStatistic> statistics)
    {
        BalloonReport report = default;
        foreach (BalloonStatistic statistic in statistics)
        {
            if (MemoryStatTable.FindVirtio(statistic.Tag) is { } row)
                report.Add(row, statistic.Value);
        }

        return report;
    }

    public readonly bool TryGet(int virtioTag, out ulong value)
    {
        value = _values[virtioTag];
        return (_present & (1UL << virtioTag)) != 0;
    }

    public readonly bool IsRejected(int virtioTag) => (_rejected & (1UL << virtioTag)) != 0;

    /// <summary>The value of a statistic in its own unit; null where it is absent.</summary>
    public readonly ulong? Find(MemoryStatRow row) => TryGet(row.VirtioTag, out ulong value) ? row.FromVirtio(value) : null;

    /// <summary>The same of a tag that the guest can report.</summary>
    public readonly ulong? Find(MemoryStatTag tag) => MemoryStatTable.Find(tag) is { } row ? Find(row) : null;

    /// <summary>Takes a value, if it says something and can be true.</summary>
    public void Add(MemoryStatRow row, ulong value)
    {
        if (value == NotReported)
            return;
        if (value >= row.ImpossibleFrom)
        {
            Reject(row);
            return;
        }

        _values[row.VirtioTag] = value;
        _present |= 1UL << row.VirtioTag;
    }

    /// <summary>Notes that there was something that is no value.</summary>
    public void Reject(MemoryStatRow row) => _rejected |= 1UL << row.VirtioTag;

    /// <summary>Whether it says the same.</summary>
    public readonly bool IsSameAs(in BalloonReport other) =>
        _present == other._present && _rejected == other._rejected
        && ((ReadOnlySpan<ulong>)_values).SequenceEqual((ReadOnlySpan<ulong>)other._values);

    /// <summary>Whether a counter is lower than it was in an earlier report.</summary>
    public readonly bool HasCounterBelow(in BalloonReport earlier)
    {
        ulong both = _present & earlier._present & MemoryStatTable.VirtioCounters;
        for (int tag = 0; both != 0; tag++, both >>= 1)
        {
            if ((both & 1) != 0 && _values[tag] < earlier._values[tag])
                return true;
        }

        return false;
    }
}
