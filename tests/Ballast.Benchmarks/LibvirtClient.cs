using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ballast.Benchmarks;

/// <summary>libvirt's own client library, for the comparison only.</summary>
internal sealed unsafe partial class LibvirtClient : IDisposable
{
    private const string Library = "libvirt.so.0";
    private const int MaxStats = 16;

    private readonly nint _connection;
    private readonly nint _domain;

    // Errors are this program's to handle; the library would print them.
    static LibvirtClient() => SetErrorFunc(0, &Ignore);

    public LibvirtClient(string uri, string domain)
    {
        _connection = Open(uri);
        _domain = _connection == 0 ? 0 : LookupByName(_connection, domain);
        if (_domain == 0)
            throw new InvalidOperationException($"libvirt cannot look up {domain} on {uri}.");
    }

    /// <summary>Opens a connection; returns how many microseconds that took. It is closed again.</summary>
    public static double TimeToOpen(string uri)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        nint connection = Open(uri);
        double microseconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        if (connection == 0)
            throw new InvalidOperationException($"libvirt cannot open {uri}.");
        _ = Close(connection);
        return microseconds;
    }

    /// <summary>Returns how many statistics came.</summary>
    public int GetMemoryStats()
    {
        Stat* stats = stackalloc Stat[MaxStats];
        int count = MemoryStats(_domain, stats, MaxStats, 0);
        return count >= 0 ? count : throw new InvalidOperationException("virDomainMemoryStats failed.");
    }

    /// <summary>Asks the daemon for its library's version: the protocol and nothing else.</summary>
    public int GetLibraryVersion() =>
        LibraryVersion(_connection, out ulong version) == 0 ? (int)version : throw new InvalidOperationException("virConnectGetLibVersion failed.");

    /// <summary>The balloon's statistics of all domains in one call; returns how many there were.</summary>
    public int CountBalloonStats()
    {
        const uint balloon = 4;
        int count = AllDomainStats(_connection, balloon, out nint records, 0);
        if (count < 0)
            throw new InvalidOperationException("virConnectGetAllDomainStats failed.");
        FreeStatsList(records);
        return count;
    }

    public void Dispose()
    {
        _ = FreeDomain(_domain);
        _ = Close(_connection);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(nint data, nint error)
    {
    }

    [LibraryImport(Library, EntryPoint = "virSetErrorFunc")]
    private static partial void SetErrorFunc(nint data, delegate* unmanaged[Cdecl]<nint, nint, void> handler);

    [LibraryImport(Library, EntryPoint = "virConnectOpen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string uri);

    [LibraryImport(Library, EntryPoint = "virDomainLookupByName", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint LookupByName(nint connection, string name);

    [LibraryImport(Library, EntryPoint = "virDomainMemoryStats")]
    private static partial int MemoryStats(nint domain, Stat* stats, uint count, uint flags);

    [LibraryImport(Library, EntryPoint = "virConnectGetLibVersion")]
    private static partial int LibraryVersion(nint connection, out ulong version);

    [LibraryImport(Library, EntryPoint = "virConnectGetAllDomainStats")]
    private static partial int AllDomainStats(nint connection, uint groups, out nint records, uint flags);

    [LibraryImport(Library, EntryPoint = "virDomainStatsRecordListFree")]
    private static partial void FreeStatsList(nint records);

    [LibraryImport(Library, EntryPoint = "virDomainFree")]
    private static partial int FreeDomain(nint domain);

    [LibraryImport(Library, EntryPoint = "virConnectClose")]
    private static partial int Close(nint connection);

    [StructLayout(LayoutKind.Sequential)]
    private struct Stat
    {
        public int Tag;
        public ulong Value;
    }
}
