using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>Samples with their circumstances in C's memory.</summary>
internal static unsafe class MemorySamples
{
    private const int Extended = 0x42000000;

    private static readonly MemoryStatTag[] Tags = [.. MemoryStatTags.Libvirt, .. MemoryStatTags.Extended];

    /// <summary>The size of <see cref="NativeSample"/> in the first version of the interface; it is taken for ever.</summary>
    public const int Version1Size = 368;

    /// <summary>More than any version has: who says so has not set the size.</summary>
    public const int LargestSize = 4096;

    /// <summary>Fills statistics up to their room, and the sample up to the size that its caller knows; returns how many statistics it filled.</summary>
    public static int Write(MemoryStats stats, MemoryStatsOptions options, NativeSample* sample, NativeStat* entries, int room)
    {
        int filled = Math.Min(stats.Entries.Count, room);
        for (int i = 0; i < filled; i++)
            entries[i] = new NativeStat { Tag = (int)stats.Entries[i].Tag, Value = stats.Entries[i].Value };
        NativeSample written = ToNative(stats, options);
        written.Size = sample->Size;
        int known = (int)Math.Min(sample->Size, (uint)sizeof(NativeSample));
        Span<byte> target = new(sample, (int)sample->Size);
        new ReadOnlySpan<byte>(&written, known).CopyTo(target);
        target[known..].Clear();
        return filled;
    }

    /// <exception cref="CallException">It is null, or of a size that no version has.</exception>
    public static void Check(NativeSample* sample, string function)
    {
        if (sample == null)
            throw CallException.Null("sample", function);
        if (sample->Size is < Version1Size or > LargestSize)
            throw CallException.Argument($"size of the sample in {function} is {sample->Size}: set it to sizeof(ballastMemorySample), {sizeof(NativeSample)} here", "sample", function);
    }

    /// <summary>Why a statistic is missing; null where it is not.</summary>
    /// <exception cref="CallException">There is no such statistic.</exception>
    public static int? WhyMissing(NativeSample* sample, int tag, string function)
    {
        if (!((MemoryStatTag)tag).IsKnown() || Position(tag) is not { } position)
            throw CallException.Argument($"there is no statistic {tag}", "tag", function);
        int reason = sample->Missing[position];
        return reason < 0 ? null : reason;
    }

    /// <summary>An array that ends with null, for <see cref="Free(NativeMemoryRecord**)"/>.</summary>
    public static NativeMemoryRecord** ToRecords(ConnectionHandle owner, IReadOnlyList<DomainMemorySample> samples, MemoryStatsOptions options)
    {
        NativeMemoryRecord** array = (NativeMemoryRecord**)NativeMemory.AllocZeroed((nuint)samples.Count + 1, (nuint)sizeof(NativeMemoryRecord*));
        try
        {
            for (int i = 0; i < samples.Count; i++)
                array[i] = ToRecord(owner, samples[i], options);
        }
        catch
        {
            Free(array);
            throw;
        }

        return array;
    }

    /// <summary>One block, for <see cref="Free(NativeMemoryRecord*)"/>.</summary>
    public static NativeMemoryRecord* ToRecord(ConnectionHandle owner, DomainMemorySample sampled, MemoryStatsOptions options)
    {
        int count = sampled.Stats.Entries.Count;
        nint handle = new DomainHandle(owner, sampled.Domain).Handle;
        NativeMemoryRecord* record = (NativeMemoryRecord*)NativeMemory.AllocZeroed(
            (nuint)(sizeof(NativeMemoryRecord) + sizeof(NativeSample)) + ((nuint)count * (nuint)sizeof(NativeStat)));
        record->Size = (uint)sizeof(NativeMemoryRecord);
        record->Domain = handle;
        record->Sample = (NativeSample*)(record + 1);
        record->Sample->Size = (uint)sizeof(NativeSample);
        record->Stats = (NativeStat*)(record->Sample + 1);
        record->Count = Write(sampled.Stats, options, record->Sample, record->Stats, count);
        return record;
    }

    public static void Free(NativeMemoryRecord* record)
    {
        if (record == null)
            return;
        _ = Handles.Find<DomainHandle>(record->Domain)?.Release();
        NativeMemory.Free(record);
    }

    public static void Free(NativeMemoryRecord** records)
    {
        for (NativeMemoryRecord** next = records; next != null && *next != null; next++)
            Free(*next);
        NativeMemory.Free(records);
    }

    private static NativeSample ToNative(MemoryStats stats, MemoryStatsOptions options)
    {
        NativeSample sample = new()
        {
            Reason = (int)stats.Reason,
            Freshness = (int)stats.Freshness,
            Inconsistencies = (uint)stats.Inconsistencies,
            Period = stats.Period is { } period ? (int)Math.Min(period.TotalSeconds, int.MaxValue) : -1,
            UsedFormula = stats.Used is { } used ? (int)used.Formula : -1,
            Used = stats.Used?.KiB ?? 0,
            LastUpdate = stats.LastUpdate is { } update ? (ulong)update.ToUnixTimeSeconds() : 0,
            Age = stats.Age is { } age ? (long)age.TotalMilliseconds : -1,
            PauseCause = (int)stats.PauseCause,
        };
        ((Span<sbyte>)sample.Missing).Fill(-1);
        foreach (MemoryStatTag tag in Tags)
        {
            bool isAskedFor = (int)tag < Extended || (options & MemoryStatsOptions.Extended) != 0;
            if (isAskedFor && Position((int)tag) is { } position && stats.WhyMissing(tag) is { } reason)
                sample.Missing[position] = (sbyte)Math.Min((int)reason, sbyte.MaxValue);
        }

        sample.DetailLength = (uint)NativeText.Fill(sample.Detail, stats.Detail ?? "");
        return sample;
    }

    // Libvirt's tags by their number, then Ballast's own by virtio's. More will find room in a member of their own.
    private static int? Position(int tag)
    {
        const int half = MissingReasons.Length / 2;
        return tag is >= 0 and < half ? tag
            : tag is >= Extended and < Extended + half ? half + tag - Extended
            : null;
    }
}
