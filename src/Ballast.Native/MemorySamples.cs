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

    /// <summary>One block, for <see cref="Free(NativeMemoryRecord*)"/>.</summary>
    public static NativeMemoryRecord* ToRecord(ConnectionHandle owner, Domain domain, MemoryStats stats)
    {
        int count = stats.Entries.Count;
        NativeMemoryRecord* record = (NativeMemoryRecord*)NativeMemory.AllocZeroed((nuint)sizeof(NativeMemoryRecord) + ((nuint)count * (nuint)sizeof(NativeStat)));
        record->Domain = new DomainHandle(owner, domain).Handle;
        record->Stats = (NativeStat*)(record + 1);
        record->Sample.Size = (uint)sizeof(NativeSample);
        record->Count = Write(stats, &record->Sample, record->Stats, count);
        return record;
    }

    public static void Free(NativeMemoryRecord* record)
    {
        if (record == null)
            return;
        Handles.Find<DomainHandle>(record->Domain)?.Release();
        NativeMemory.Free(record);
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
            sample.Missing[tag] = (sbyte)(missing is { } reason ? (int)reason : -1);
        }

        NativeText.Fill(sample.Detail, stats.Detail ?? "");
        return sample;
    }
}
