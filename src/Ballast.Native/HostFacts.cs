using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>The host's side of memory in C's memory; what is not known is -1 there.</summary>
internal static unsafe class HostFacts
{
    private const long Unknown = -1;

    /// <summary>The size of <see cref="NativeHostMemory"/> in the first version that had it; it is taken for ever.</summary>
    public const int Version1Size = 160;

    /// <exception cref="CallException">It is null, or of a size that no version has.</exception>
    public static void Check(NativeHostMemory* memory, string function)
    {
        if (memory == null)
            throw CallException.Null("memory", function);
        if (memory->Size is < Version1Size or > MemorySamples.LargestSize)
            throw CallException.Argument($"size of the structure in {function} is {memory->Size}: set it to sizeof(ballastHostMemory), {sizeof(NativeHostMemory)} here", "memory", function);
    }

    /// <summary>Fills the structure up to the size that its caller knows.</summary>
    public static void Write(HostMemory host, NativeHostMemory* memory)
    {
        NativeHostMemory written = new()
        {
            Size = memory->Size,
            Reason = (int)host.Reason,
            Total = Size(host.TotalKiB),
            Free = Size(host.FreeKiB),
            Available = Size(host.AvailableKiB),
            SwapTotal = Size(host.SwapTotalKiB),
            SwapFree = Size(host.SwapFreeKiB),
            Merged = Size(host.MergedKiB),
            SomePressure = Pressure(host.SomePressure),
            FullPressure = Pressure(host.FullPressure),
            HasGroup = Flag(host.Group),
            GroupMax = Size(host.Group?.MaxKiB),
            GroupHigh = Size(host.Group?.HighKiB),
            GroupCurrent = Size(host.Group?.CurrentKiB),
            GroupUnreclaimable = Size(host.Group?.UnreclaimableKiB),
        };
        int known = (int)Math.Min(memory->Size, (uint)sizeof(NativeHostMemory));
        Span<byte> target = new(memory, (int)memory->Size);
        new ReadOnlySpan<byte>(&written, known).CopyTo(target);
        target[known..].Clear();
    }

    /// <summary>An array that ends with null, for <see cref="Free"/>.</summary>
    public static NativeProcessMemory** ToRecords(ConnectionHandle owner, IReadOnlyList<DomainProcessMemory> processes)
    {
        NativeProcessMemory** array = (NativeProcessMemory**)NativeMemory.AllocZeroed((nuint)processes.Count + 1, (nuint)sizeof(NativeProcessMemory*));
        try
        {
            for (int i = 0; i < processes.Count; i++)
                array[i] = ToRecord(owner, processes[i]);
        }
        catch
        {
            Free(array);
            throw;
        }

        return array;
    }

    public static void Free(NativeProcessMemory** records)
    {
        for (NativeProcessMemory** next = records; next != null && *next != null; next++)
        {
            _ = Handles.Find<DomainHandle>((*next)->Domain)?.Release();
            NativeMemory.Free((void*)(*next)->GroupPath);
            NativeMemory.Free(*next);
        }

        NativeMemory.Free(records);
    }

    private static NativeProcessMemory* ToRecord(ConnectionHandle owner, DomainProcessMemory process)
    {
        ProcessMemory memory = process.Memory;
        NativeProcessMemory* record = (NativeProcessMemory*)NativeMemory.AllocZeroed((nuint)sizeof(NativeProcessMemory));
        *record = new NativeProcessMemory
        {
            Size = (uint)sizeof(NativeProcessMemory),
            Reason = (int)memory.Reason,
            Domain = new DomainHandle(owner, process.Domain).Handle,
            Swapped = Size(memory.SwappedKiB),
            Locked = Size(memory.LockedKiB),
            Pinned = Size(memory.PinnedKiB),
            HugePages = Size(memory.HugePagesKiB),
            Merged = Size(memory.MergedKiB),
            RunTime = memory.RunTime is { } time ? (long)time.TotalMilliseconds : Unknown,
            ReportsFreePages = Flag(memory.ReportsFreePages),
            DeflatesOnOom = Flag(memory.DeflatesOnOom),
            GroupPath = memory.GroupPath is { } path ? NativeText.Copy(path) : 0,
            HasGroup = Flag(memory.Group),
            GroupMax = Size(memory.Group?.MaxKiB),
            GroupHigh = Size(memory.Group?.HighKiB),
            GroupCurrent = Size(memory.Group?.CurrentKiB),
            GroupUnreclaimable = Size(memory.Group?.UnreclaimableKiB),
        };
        return record;
    }

    private static NativePressure Pressure(MemoryPressure? pressure) => pressure is { } known
        ? new NativePressure { Last10 = known.Last10Seconds, Last60 = known.Last60Seconds, Last300 = known.Last300Seconds, Total = (long)known.Total.TotalMilliseconds }
        : new NativePressure { Last10 = Unknown, Last60 = Unknown, Last300 = Unknown, Total = Unknown };

    // A daemon may say anything.
    private static long Size(ulong? kib) => kib is { } known ? (long)Math.Min(known, long.MaxValue) : Unknown;

    // A number below zero is no limit there: what is only partly known is not told.
    private static int Flag(MemoryGroup? group) => group is { HasUnknownLimits: false } ? 1 : 0;

    private static int Flag(bool? value) => value is { } known ? known ? 1 : 0 : (int)Unknown;
}
