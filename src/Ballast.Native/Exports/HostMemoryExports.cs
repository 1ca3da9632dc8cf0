using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>The host's side of memory: <c>ballastConnectGetHostMemory</c> and the like.</summary>
internal static unsafe class HostMemoryExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_ballastConnectGetHostMemory")]
    private static int GetHostMemory(nint connection, byte* controlGroup, NativeHostMemory* memory, uint flags)
    {
        const string function = "ballastConnectGetHostMemory";
        string? group = null;
        return Call.OfConnection(connection, function, (handle, token) =>
        {
            HostFacts.Check(memory, function);
            BallastExports.RefuseFlags(flags, 0, function);
            group = NativeText.Read(controlGroup);
            return handle.Connection.GetHostMemoryAsync(group, token);
        }, host =>
        {
            // That it is not known is no sign that there is none of that name.
            if (group is not null && host.Reason == MemoryStatsReason.UnsupportedByDaemon)
                throw CallException.NoSupport($"{function} with a control group: libvirt's daemon does not report its limits, ballastd does");
            HostFacts.Write(host, memory);
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastConnectGetProcessMemory")]
    private static int GetProcessMemory(nint connection, nint* domains, NativeProcessMemory*** records, uint flags)
    {
        const string function = "ballastConnectGetProcessMemory";
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            if (records == null)
                throw CallException.Null("records", function);
            BallastExports.RefuseFlags(flags, 0, function);
            ConnectionHandle? owner = handle;
            IReadOnlyList<Domain> wanted = domains == null
                ? Blocking.Wait(handle.Connection.ListDomainsAsync(cancellationToken: Blocking.Token))
                : StatisticsExports.ReadDomains(domains, function, ref owner);
            IReadOnlyList<DomainProcessMemory> processes = Blocking.Wait(handle.Connection.GetProcessMemoryAsync(wanted, Blocking.Token));
            *records = HostFacts.ToRecords(handle, processes);
            return processes.Count;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_ballastProcessMemoryListFree")]
    private static void FreeProcessMemory(NativeProcessMemory** records)
    {
        try
        {
            HostFacts.Free(records);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }
}
