using System.Reflection;
using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>What libvirt's interface cannot say: <c>ballast…</c>.</summary>
internal static unsafe class BallastExports
{
    private const uint Extended = 1;

    // Names are handed out as they are, for ever.
    private static readonly nint Version = NativeText.Copy(
        typeof(BallastExports).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "");

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastGetVersion")]
    private static nint GetVersion() => Call.Guarded((nint)0, () => Version);

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastDomainGetMemorySample")]
    private static int GetSample(nint domain, NativeSample* sample, NativeStat* stats, uint count, uint flags) =>
        Sample(domain, "ballastDomainGetMemorySample", sample, stats, count, flags, (asked, options, token) => asked.GetMemoryStatsAsync(options, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemorySampleGetMissing")]
    private static int GetMissing(NativeSample* sample, int tag, int* reason)
    {
        const string function = "ballastMemorySampleGetMissing";
        try
        {
            MemorySamples.Check(sample, function);
            int? missing = MemorySamples.WhyMissing(sample, tag, function);
            if (reason != null && missing is { } why)
                *reason = why;
            return missing is null ? 0 : 1;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastDomainRefreshMemoryStats")]
    private static int Refresh(nint domain, NativeSample* sample, NativeStat* stats, uint count, uint flags) =>
        Sample(domain, "ballastDomainRefreshMemoryStats", sample, stats, count, flags, (asked, options, token) => asked.RefreshMemoryStatsAsync(options, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastDomainGetMemoryStatsPeriod")]
    private static int GetPeriod(nint domain, uint flags)
    {
        const string function = "ballastDomainGetMemoryStatsPeriod";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            RefuseFlags(flags, 0, function);
            return handle.Domain.GetMemoryStatsPeriodAsync(token);
        }, period => (int)period.TotalSeconds);
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastConnectGetMemorySamples")]
    private static int GetSamples(nint connection, nint* domains, NativeMemoryRecord*** records, uint flags)
    {
        const string function = "ballastConnectGetMemorySamples";
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            if (records == null)
                throw CallException.Null("records", function);
            MemoryStatsOptions options = Options(flags, function);
            ConnectionHandle? owner = handle;
            IReadOnlyList<DomainMemorySample> samples = Blocking.Wait(domains == null
                ? handle.Connection.GetAllMemoryStatsAsync(options, Blocking.Token)
                : handle.Connection.GetMemoryStatsAsync(StatisticsExports.ReadDomains(domains, function, ref owner), options, Blocking.Token));
            *records = MemorySamples.ToRecords(handle, samples, options);
            return samples.Count;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemoryRecordListFree")]
    private static void FreeRecords(NativeMemoryRecord** records)
    {
        try
        {
            MemorySamples.Free(records);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastConnectWatchMemoryStats")]
    private static nint Watch(nint connection, nint domain, uint period, uint flags)
    {
        const string function = "ballastConnectWatchMemoryStats";
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            DomainHandle? only = domain == 0 ? null : Handles.Domain(domain, function);
            if (only is not null && only.Owner != handle)
                throw CallException.Argument($"domain in {function} must match connection", "dom", function);
            if (period == 0)
                throw CallException.Argument($"period in {function} must be greater than zero", "period", function);
            return new WatchHandle(handle, only?.Domain, TimeSpan.FromMilliseconds(period), Options(flags, function)).Handle;
        }
        catch (Exception e)
        {
            return Failure.NullOf(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastWatchGetFd")]
    private static int WatchFd(nint watch) => Call.Guarded(-1, () =>
    {
        Signal signal = Handles.Find<WatchHandle>(watch)?.Signal ?? throw NoWatch("ballastWatchGetFd");
        return signal.IsOurs ? signal.Descriptor : throw CallException.Internal("the watch's descriptor was closed by the program");
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastWatchNext")]
    private static int WatchNext(nint watch, NativeMemoryRecord** record, int timeout)
    {
        try
        {
            WatchHandle handle = Handles.Find<WatchHandle>(watch) ?? throw NoWatch("ballastWatchNext");
            if (record == null)
                throw CallException.Null("record", "ballastWatchNext");
            *record = null;
            if (handle.Next(timeout) is not { } sample)
                return 0;
            *record = MemorySamples.ToRecord(handle.Owner, sample, handle.Options);
            return 1;
        }
        catch (Exception e)
        {
            return Failure.Of(e, watch);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastMemoryRecordFree")]
    private static void FreeRecord(NativeMemoryRecord* record)
    {
        try
        {
            MemorySamples.Free(record);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastWatchFree")]
    private static void FreeWatch(nint watch)
    {
        try
        {
            Handles.Find<WatchHandle>(watch)?.Dispose();
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastConnectShutdown")]
    private static int Shutdown(nint connection)
    {
        try
        {
            Handles.Connection(connection, "ballastConnectShutdown").Shutdown();
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastSetInterruptCheck")]
    private static void SetInterruptCheck(delegate* unmanaged<nint, int> check, nint opaque)
    {
        try
        {
            Blocking.SetCheck(check, opaque);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    private static int Sample(
        nint domain, string function, NativeSample* sample, NativeStat* stats, uint count, uint flags,
        Func<Domain, MemoryStatsOptions, CancellationToken, ValueTask<MemoryStats>> ask)
    {
        try
        {
            DomainHandle handle = Handles.Domain(domain, function);
            MemorySamples.Check(sample, function);
            if (stats == null && count > 0)
                throw CallException.Null("stats", function);
            MemoryStatsOptions options = Options(flags, function);
            MemoryStats answer = Blocking.Wait(ask(handle.Domain, options, Blocking.Token));
            return MemorySamples.Write(answer, options, sample, stats, (int)Math.Min(count, int.MaxValue));
        }
        catch (Exception e)
        {
            return Failure.Of(e, domain);
        }
    }

    private static MemoryStatsOptions Options(uint flags, string function)
    {
        RefuseFlags(flags, Extended, function);
        return (MemoryStatsOptions)flags;
    }

    public static void RefuseFlags(uint flags, uint known, string function)
    {
        if ((flags & ~known) != 0)
            throw CallException.Argument($"unsupported flags (0x{flags & ~known:x}) in function {function}", "flags", function);
    }

    private static CallException NoWatch(string function) => CallException.Argument($"invalid watch pointer in {function}", "watch", function);
}
