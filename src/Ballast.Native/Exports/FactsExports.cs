using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>What programs ask beside memory and state: jobs, metadata, times, disks, pages.</summary>
internal static unsafe class FactsExports
{
    private const int AllCpus = -1, Unknown = -1;

    // No host has more, and what is asked for has to be counted in an int.
    private const uint MostCells = 10000;

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetJobInfo")]
    private static int GetJobInfo(nint domain, NativeJobInfo* info)
    {
        const string function = "virDomainGetJobInfo";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            if (info == null)
                throw CallException.Null("info", function);
            *info = default;
            return handle.Domain.GetJobInfoAsync(token);
        }, job =>
        {
            *info = new NativeJobInfo
            {
                Type = (int)job.Type,
                TimeElapsed = job.ElapsedMilliseconds,
                TimeRemaining = job.RemainingMilliseconds,
                DataTotal = job.Data.TotalBytes,
                DataProcessed = job.Data.ProcessedBytes,
                DataRemaining = job.Data.RemainingBytes,
                MemTotal = job.Memory.TotalBytes,
                MemProcessed = job.Memory.ProcessedBytes,
                MemRemaining = job.Memory.RemainingBytes,
                FileTotal = job.File.TotalBytes,
                FileProcessed = job.File.ProcessedBytes,
                FileRemaining = job.File.RemainingBytes,
            };
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetJobStats")]
    private static int GetJobStats(nint domain, int* type, NativeParameter** parameters, int* count, uint flags)
    {
        const uint completed = 1, keep = 2;
        const string function = "virDomainGetJobStats";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            if (type == null)
                throw CallException.Null("type", function);
            if (parameters == null)
                throw CallException.Null("params", function);
            if (count == null)
                throw CallException.Null("nparams", function);
            if ((flags & (completed | keep)) == keep)
            {
                throw CallException.Argument(
                    "Flag 'VIR_DOMAIN_JOB_STATS_COMPLETED' is required by flag 'VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED'", "ctl", function);
            }

            handle.Owner.RefuseFlagsOfQemu(flags, "DomainGetJobStats", completed | keep);
            return handle.Domain.GetJobStatsAsync((flags & completed) != 0, (flags & keep) != 0, token);
        }, job =>
        {
            *type = (int)job.Type;
            *count = job.Parameters.Count;
            *parameters = *count == 0 ? null : (NativeParameter*)NativeMemory.AllocZeroed((nuint)(*count), (nuint)sizeof(NativeParameter));
            _ = NativeParameters.Fill(*parameters, *count, job.Parameters);
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetControlInfo")]
    private static int GetControlInfo(nint domain, NativeControlInfo* info, uint flags)
    {
        const string function = "virDomainGetControlInfo";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            if (info == null)
                throw CallException.Null("info", function);
            handle.Owner.RefuseFlags(flags, "DomainGetControlInfo");
            return handle.Domain.GetControlInfoAsync(token);
        }, control =>
        {
            *info = new NativeControlInfo { State = (uint)control.State, Details = control.Details, StateTime = control.StateMilliseconds };
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMetadata")]
    private static nint GetMetadata(nint domain, int type, byte* uri, uint flags) => Call.TextOfDomain(domain, "virDomainGetMetadata", (handle, token) =>
        handle.Domain.GetMetadataAsync((DomainMetadataType)type, NativeText.Read(uri), (DomainModificationImpact)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetCPUStats")]
    private static int GetCpuStats(nint domain, NativeParameter* parameters, uint count, int first, uint cpus, uint flags)
    {
        const string function = "virDomainGetCPUStats";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            CheckCpuStats(parameters == null, count, first, cpus, function);
            handle.Owner.RefuseFlags(flags, "DomainGetCPUStats");
            return first == AllCpus
                ? new([Blocking.Wait(handle.Domain.GetCpuTotalsAsync(token))])
                : handle.Domain.GetCpuStatsAsync(count == 0 ? 0 : first, count == 0 ? int.MaxValue : (int)Math.Min(cpus, int.MaxValue), token);
        }, found =>
        {
            int each = found.Select(cpu => cpu.Count).DefaultIfEmpty(0).Max();
            if (count == 0)
                return cpus == 0 ? found.Count : each;
            NativeMemory.Clear(parameters, (nuint)count * cpus * (nuint)sizeof(NativeParameter));
            for (int i = 0; i < Math.Min(found.Count, (int)cpus); i++)
                _ = NativeParameters.Fill(parameters + ((nuint)i * count), (int)count, found[i]);
            return (int)Math.Min((uint)each, count);
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainBlockStats")]
    private static int GetBlockStats(nint domain, byte* disk, NativeBlockStats* stats, nuint size)
    {
        const string function = "virDomainBlockStats";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            string name = NativeText.Require(disk, "disk", function);
            if (stats == null)
                throw CallException.Null("stats", function);
            return size <= (nuint)sizeof(NativeBlockStats)
                ? handle.Domain.GetBlockCountersAsync(name, token)
                : throw CallException.Argument($"size must not exceed {sizeof(NativeBlockStats)}", "size", function);
        }, found =>
        {
            NativeBlockStats all = new()
            {
                ReadRequests = found.ReadRequests ?? Unknown,
                ReadBytes = found.ReadBytes ?? Unknown,
                WriteRequests = found.WriteRequests ?? Unknown,
                WriteBytes = found.WriteBytes ?? Unknown,
                Errors = found.Errors ?? Unknown,
            };
            NativeMemory.Copy(&all, stats, size);
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetBlockInfo")]
    private static int GetBlockInfo(nint domain, byte* disk, NativeBlockInfo* info, uint flags)
    {
        const string function = "virDomainGetBlockInfo";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            string name = NativeText.Require(disk, "disk", function);
            if (name.Length == 0)
                throw CallException.Argument($"string disk in {function} must not be empty", "disk", function);
            if (info == null)
                throw CallException.Null("info", function);
            *info = default;
            handle.Owner.RefuseFlags(flags, "DomainGetBlockInfo");
            return handle.Domain.GetBlockInfoAsync(name, token);
        }, found =>
        {
            *info = new NativeBlockInfo { Capacity = found.CapacityBytes, Allocation = found.AllocationBytes, Physical = found.PhysicalBytes };
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainInterfaceStats")]
    private static int GetInterfaceStats(nint domain, byte* device, NativeInterfaceStats* stats, nuint size)
    {
        const string function = "virDomainInterfaceStats";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            string name = NativeText.Require(device, "device", function);
            if (stats == null)
                throw CallException.Null("stats", function);
            return size <= (nuint)sizeof(NativeInterfaceStats)
                ? handle.Domain.GetInterfaceStatsAsync(name, token)
                : throw CallException.Argument($"size must not exceed {sizeof(NativeInterfaceStats)}", "size", function);
        }, found =>
        {
            NativeInterfaceStats all = new()
            {
                ReceivedBytes = found.Received.Bytes ?? Unknown,
                ReceivedPackets = found.Received.Packets ?? Unknown,
                ReceivedErrors = found.Received.Errors ?? Unknown,
                ReceivedDrops = found.Received.Drops ?? Unknown,
                SentBytes = found.Sent.Bytes ?? Unknown,
                SentPackets = found.Sent.Packets ?? Unknown,
                SentErrors = found.Sent.Errors ?? Unknown,
                SentDrops = found.Sent.Drops ?? Unknown,
            };
            NativeMemory.Copy(&all, stats, size);
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainBlockStatsFlags")]
    private static int GetBlockStatsFlags(nint domain, byte* disk, NativeParameter* parameters, int* count, uint flags) =>
        NativeParameters.InTwoSteps(domain, "virDomainBlockStatsFlags", parameters, count, (handle, token) =>
        {
            handle.Owner.RefuseFlags(flags, "DomainBlockStatsFlags", NativeParameters.StringsAreOkay);
            return handle.Domain.GetBlockStatsAsync(NativeText.Read(disk)!, token);
        }, () => NativeText.Require(disk, "disk", "virDomainBlockStatsFlags"));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainReboot")]
    private static int Reboot(nint domain, uint flags) => Call.Change(domain, "virDomainReboot", (handle, token) =>
        handle.Domain.RebootAsync((DomainRebootFlags)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainPMWakeup")]
    private static int WakeUp(nint domain, uint flags) => Call.Change(domain, "virDomainPMWakeup", (handle, token) =>
    {
        if (!handle.Owner.Connection.IsReadOnly)
            handle.Owner.RefuseFlagsOfQemu(flags, "DomainPMWakeup");
        return handle.Domain.WakeUpAsync(token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainStartDirtyRateCalc")]
    private static int StartDirtyRate(nint domain, int seconds, uint flags) => Call.Change(domain, "virDomainStartDirtyRateCalc", (handle, token) =>
        handle.Domain.StartDirtyRateAsync(TimeSpan.FromSeconds(seconds), (DirtyRateMode)flags, token));

    /// <summary>The library has no objects for pools: a list with some in it is refused, their number is told.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectListAllStoragePools")]
    private static int ListStoragePools(nint connection, nint** pools, uint flags)
    {
        const string function = "virConnectListAllStoragePools";
        return Call.OfConnection(connection, function, (handle, token) => handle.Connection.CountStoragePoolsAsync(unchecked((int)flags), token), count =>
        {
            if (pools != null && count > 0)
                throw CallException.NoSupport(function);
            if (pools != null)
                *pools = (nint*)NativeMemory.AllocZeroed(1, (nuint)sizeof(nint));
            return count;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectGetCPUModelNames")]
    private static int GetCpuModelNames(nint connection, byte* architecture, nint** models, uint flags)
    {
        const string function = "virConnectGetCPUModelNames";
        return Call.OfConnection(connection, function, (handle, token) =>
        {
            if (models != null)
                *models = null;
            string name = NativeText.Require(architecture, "arch", function);
            handle.RefuseFlags(flags, "ConnectGetCPUModelNames");
            return handle.Connection.GetCpuModelNamesAsync(name, token);
        }, found =>
        {
            if (models != null)
                *models = NativeText.List(found);
            return found.Count;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virNodeGetFreePages")]
    private static int GetFreePages(nint connection, uint sizes, uint* size, int first, uint cells, ulong* counts, uint flags)
    {
        const string function = "virNodeGetFreePages";
        return Call.OfConnection(connection, function, (handle, token) =>
        {
            RequireSome(sizes, "npages", function);
            if (size == null)
                throw CallException.Null("pages", function);
            RequireSome(cells, "cellCount", function);
            if (counts == null)
                throw CallException.Null("counts", function);
            handle.RefuseFlags(flags, "NodeGetFreePages");
            return handle.Connection.GetFreePagesAsync(
                new ReadOnlySpan<uint>(size, checked((int)sizes)).ToArray(), first, (int)Math.Min(cells, MostCells), token);
        }, found =>
        {
            int filled = (int)Math.Min((ulong)found.Count, (ulong)sizes * cells);
            for (int i = 0; i < filled; i++)
                counts[i] = found[i];

            // libvirt's test driver fills them and tells none.
            return Handles.Connection(connection, function).DriverPrefix == "test" ? 0 : filled;
        });
    }

    private static void CheckCpuStats(bool hasNoRoom, uint count, int first, uint cpus, string function)
    {
        // libvirt's rules: of all together there is one, of single ones their number is told first.
        if (first < AllCpus)
            throw CallException.Argument($"start_cpu in {function} must be zero or greater", "start_cpu", function);
        if (first == AllCpus && cpus != 1)
            throw CallException.Argument("ncpus must be 1 when start_cpu is -1", "start_cpu", function);
        if (count > 0 && hasNoRoom)
            throw CallException.Null("params", function);
        if (cpus == 0 && !hasNoRoom)
            throw CallException.Argument($"params in {function} must be NULL", "params", function);
        if ((ulong)count * cpus > uint.MaxValue)
            throw CallException.Overflow($"input too large: {count} * {cpus}");
    }

    private static void RequireSome(uint number, string argument, string function)
    {
        if (number == 0)
            throw CallException.Argument($"{argument} in {function} must not be zero", argument, function);
    }
}
