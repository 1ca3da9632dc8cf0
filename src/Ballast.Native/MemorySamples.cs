using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>Samples with their circumstances in C's memory.</summary>
internal static unsafe class MemorySamples
{
    /// <summary>Fills statistics up to their room, and the sample up to the size its caller knows; returns how many statistics it filled.</summary>
    public static int Write(MemoryStats stats, NativeSample* sample, NativeStat* entries, int room)
    {
        int filled = Math.Min(stats.Entries.Count, room);
        for (int i = 0; i < filled; i++)
            entries[i] = new NativeStat { Tag = (int)stats.Entries[i].Tag, Value = stats.Entries[i].Value };
        NativeSample written = ToNative(stats);
        written.Size = sample->Size;
        new ReadOnlySpan<byte>(&written, (int)Math.Min(sample->Size, (uint)sizeof(NativeSample))).CopyTo(new Span<byte>(sample, (int)sample->Size));
        return filled;
    }

    /// <summary>An array that ends with null, for <see cref="Free(NativeMemoryRecord**)"/>.</summary>
    public static NativeMemoryRecord** ToRecords(ConnectionHandle owner, IReadOnlyList<DomainMemorySample> samples)
    {
        NativeMemoryRecord** array = (NativeMemoryRecord**)NativeMemory.AllocZeroed((nuint)samples.Count + 1, (nuint)sizeof(NativeMemoryRecord*));
        try
        {
            for (int i = 0; i < samples.Count; i++)
                array[i] = ToRecord(owner, samples[i].Domain, samples[i].Stats);
        }
        catch
        {
            Free(array);
            throw;
        }

        return array;
    }

    /// <summary>One block, for <see cref="Free(NativeMemoryRecord*)"/>.</summary>
    public static NativeMemoryRecord* ToRecord(ConnectionHandle owner, Domain domain, MemoryStats stats)
    {
        int count = stats.Entries.Count;
        nint handle = new DomainHandle(owner, domain).Handle;
        NativeMemoryRecord* record = (NativeMemoryRecord*)NativeMemory.AllocZeroed((nuint)sizeof(NativeMemoryRecord) + ((nuint)count * (nuint)sizeof(NativeStat)));
        record->Domain = handle;
        record->Stats = (NativeStat*)(record + 1);
        record->Sample.Size = (uint)sizeof(NativeSample);
        record->Count = Write(stats, &record->Sample, record->Stats, count);
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

    private static NativeSample ToNative(MemoryStats stats)
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
        };
        for (int tag = 0; tag < MissingReasons.Length; tag++)
        {
            MemoryStatsReason? missing = tag <= (int)MemoryStatTag.HugetlbPgFail ? stats.WhyMissing((MemoryStatTag)tag) : null;
            sample.Missing[tag] = (sbyte)(missing is { } reason ? Math.Min((int)reason, sbyte.MaxValue) : -1);
        }

        NativeText.Fill(sample.Detail, stats.Detail ?? "");
        return sample;
    }
}
