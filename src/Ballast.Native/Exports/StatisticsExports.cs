using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>Memory statistics of one domain, and statistics of many.</summary>
internal static unsafe class StatisticsExports
{
    // More tags than any hypervisor has, and as many as libvirt's protocol carries.
    private const uint MaxStats = 1024;

    // The call is the most frequent one: its buffer is the thread's. One that was given up may still be written to.
    [ThreadStatic]
    private static MemoryStat[]? _buffer;

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainMemoryStats")]
    private static int GetMemoryStats(nint domain, NativeStat* stats, uint count, uint flags)
    {
        try
        {
            DomainHandle handle = Handles.Domain(domain, "virDomainMemoryStats");
            if (stats == null || count == 0)
                return 0;
            handle.Owner.RefuseFlags(flags, "DomainMemoryStats");
            return Fill(handle.Domain, stats, count);
        }
        catch (Exception e)
        {
            return Failure.Of(e, domain);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetAllDomainStats")]
    private static int GetAllStats(nint connection, uint groups, NativeStatsRecord*** records, uint flags)
    {
        const string function = "virConnectGetAllDomainStats";
        return Call.OfConnection(connection, function, (handle, token) =>
            records == null
                ? throw CallException.Null("retStats", function)
                : handle.Connection.GetAllDomainStatsAsync((DomainStatsGroups)groups, (DomainStatsFlags)flags, token),
            found => NativeRecords.Write(Handles.Connection(connection, function), found, records));
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainListGetStats")]
    private static int ListGetStats(nint* domains, uint groups, NativeStatsRecord*** records, uint flags)
    {
        const string function = "virDomainListGetStats";
        nint first = 0;
        try
        {
            if (domains == null)
                throw CallException.Null("doms", function);
            if (records == null)
                throw CallException.Null("retStats", function);
            if (*domains == 0)
                throw CallException.Invalid($"doms array in {function} must contain at least one domain", ErrorOrigin.Domain);
            first = *domains;
            ConnectionHandle? owner = null;
            List<Domain> wanted = ReadDomains(domains, function, ref owner);
            return NativeRecords.Write(
                owner!,
                Blocking.Wait(owner!.Connection.GetDomainStatsAsync(wanted, (DomainStatsGroups)groups, (DomainStatsFlags)flags, Blocking.Token)),
                records);
        }
        catch (Exception e)
        {
            return Failure.Of(e, first);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainStatsRecordListFree")]
    private static void FreeRecords(NativeStatsRecord** records)
    {
        try
        {
            NativeRecords.Free(records);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    /// <summary>The domains of an array that ends with null; all of one connection.</summary>
    public static List<Domain> ReadDomains(nint* domains, string function, ref ConnectionHandle? owner)
    {
        List<Domain> wanted = [];
        for (nint* next = domains; *next != 0; next++)
        {
            DomainHandle handle = Handles.Domain(*next, function);
            owner ??= handle.Owner;
            if (handle.Owner != owner)
            {
                throw CallException.Invalid(
                    $"domains in 'doms' array must belong to a single connection in {function}", ErrorOrigin.Domain);
            }

            wanted.Add(handle.Domain);
        }

        return wanted;
    }

    private static int Fill(Domain domain, NativeStat* stats, uint count)
    {
        int room = (int)Math.Min(count, MaxStats);
        MemoryStat[] buffer = _buffer is { } kept && kept.Length >= room ? kept : new MemoryStat[Math.Max(room, MemoryStatTags.Libvirt.Count)];
        _buffer = null;
        int filled = Blocking.Wait(domain.FillMemoryStatsAsync(buffer.AsMemory(0, room), MemoryStatsOptions.None, Blocking.Token));
        _buffer = buffer;
        for (int i = 0; i < filled; i++)
            stats[i] = new NativeStat { Tag = (int)buffer[i].Tag, Value = buffer[i].Value };
        return filled;
    }
}
