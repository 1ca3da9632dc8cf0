using System.Runtime.CompilerServices;

namespace Ballast.Virtio;

[InlineArray(GuestReport.Count)]
internal struct GuestReportValues
{
    private ulong _first;
}

/// <summary>
/// What a guest reported, in bytes and counts, indexed by virtio tag. A value that was not reported is absent; one that
/// cannot be true is absent and counted as rejected.
/// </summary>
internal struct GuestReport
{
    /// <summary>virtio's tags 0 to 15.</summary>
    public const int Count = 16;

    /// <summary>An amount of bytes from here on is a −1 in disguise (Windows' driver: −1 pages, 0xFFFFFFFFFFFFF000).</summary>
    public const ulong ImpossibleBytes = 1UL << 63;

    /// <summary>What devices and drivers put where they have no value.</summary>
    public const ulong NotReported = ulong.MaxValue;

    private const ushort ByteTags = 0b1111_0000_1111_0011;
    private const ushort GaugeTags = 0b0000_0000_1111_0000;

    private GuestReportValues _values;
    private ushort _present;
    private ushort _rejected;

    /// <summary>Whether the guest's driver reported nothing that can be used.</summary>
    public readonly bool IsEmpty => _present == 0;

    /// <summary>What a guest put into its statistics queue. A tag that virtio does not name is left out, as QEMU's device does.</summary>
    public static GuestReport From(ReadOnlySpan<BalloonStatistic> statistics)
    {
        GuestReport report = default;
        foreach (BalloonStatistic statistic in statistics)
        {
            if (statistic.Tag < Count)
                report.Add(statistic.Tag, statistic.Value);
        }

        return report;
    }

    public readonly bool TryGet(int virtioTag, out ulong value)
    {
        value = _values[virtioTag];
        return (_present & (1 << virtioTag)) != 0;
    }

    public readonly bool IsRejected(int virtioTag) => (_rejected & (1 << virtioTag)) != 0;

    /// <summary>Takes a value, if it says something and can be true.</summary>
    public void Add(int virtioTag, ulong value)
    {
        if (value == NotReported)
            return;
        if (value >= ImpossibleBytes && (ByteTags & (1 << virtioTag)) != 0)
        {
            Reject(virtioTag);
            return;
        }

        _values[virtioTag] = value;
        _present |= (ushort)(1 << virtioTag);
    }

    /// <summary>Notes that there was something that is no value.</summary>
    public void Reject(int virtioTag) => _rejected |= (ushort)(1 << virtioTag);

    /// <summary>Whether it says the same.</summary>
    public readonly bool IsSameAs(in GuestReport other)
    {
        if (_present != other._present || _rejected != other._rejected)
            return false;
        for (int tag = 0; tag < Count; tag++)
        {
            if (_values[tag] != other._values[tag])
                return false;
        }

        return true;
    }

    /// <summary>Whether a counter is lower than it was in an earlier report.</summary>
    public readonly bool HasCounterBelow(in GuestReport earlier)
    {
        int both = _present & earlier._present & ~GaugeTags;
        for (int tag = 0; tag < Count; tag++)
        {
            if ((both & (1 << tag)) != 0 && _values[tag] < earlier._values[tag])
                return true;
        }

        return false;
    }
}
