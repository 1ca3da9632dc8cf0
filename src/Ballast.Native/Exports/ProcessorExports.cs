using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>A domain's processors, and what the host allows it.</summary>
internal static unsafe class ProcessorExports
{
    // libvirt's: the host CPU of a virtual one is not known.
    private const int HostCpuUnknown = -2;

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetVcpus")]
    private static int GetVcpus(nint domain, NativeVcpuInfo* info, int count, byte* maps, int mapBytes)
    {
        const string function = "virDomainGetVcpus";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            if (info == null)
                throw CallException.Null("info", function);
            RequirePositive(count, "maxinfo", function);
            if (maps == null && mapBytes != 0)
                throw CallException.Argument($"maplen in {function} must not be zero", "maplen", function); // libvirt's word for it
            if (maps != null)
                RequireRoom(count, mapBytes, function);
            return handle.Domain.GetVirtualCpusAsync(token);
        }, cpus =>
        {
            int filled = Math.Min(cpus.Count, count);
            new Span<NativeVcpuInfo>(info, count).Clear();
            if (maps != null)
                NativeMemory.Clear(maps, (nuint)((long)count * mapBytes));
            for (int i = 0; i < filled; i++)
            {
                VirtualCpu cpu = cpus[i];
                info[i] = new NativeVcpuInfo
                {
                    Number = (uint)cpu.Number,
                    State = (int)cpu.State,
                    CpuTime = (ulong)((cpu.CpuTime ?? TimeSpan.Zero).Ticks * TimeSpan.NanosecondsPerTick),
                    Cpu = cpu.HostCpu ?? HostCpuUnknown,
                };
                if (maps != null)
                    WriteMap(cpu.Affinity, maps, i, mapBytes);
            }

            return filled;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetVcpuPinInfo")]
    private static int GetVcpuPinInfo(nint domain, int count, byte* maps, int mapBytes, uint flags)
    {
        const string function = "virDomainGetVcpuPinInfo";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            if (maps == null)
                throw CallException.Null("cpumaps", function);
            RequirePositive(count, "ncpumaps", function);
            RequireRoom(count, mapBytes, function);
            return handle.Domain.GetVirtualCpuAffinitiesAsync((DomainModificationImpact)flags, token);
        }, found =>
        {
            int filled = Math.Min(found.Count, count);
            NativeMemory.Clear(maps, (nuint)((long)count * mapBytes));
            for (int i = 0; i < filled; i++)
                WriteMap(found[i], maps, i, mapBytes);
            return filled;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMaxVcpus")]
    private static int GetMaxVcpus(nint domain) =>
        Call.OfDomain(domain, "virDomainGetMaxVcpus", (handle, token) => handle.Domain.GetMaxVirtualCpusAsync(token), count => count);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetVcpusFlags")]
    private static int GetVcpusFlags(nint domain, uint flags) => Call.OfDomain(
        domain, "virDomainGetVcpusFlags", (handle, token) => handle.Domain.GetVirtualCpuCountAsync((VirtualCpuCountFlags)flags, token), count => count);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMemoryParameters")]
    private static int GetMemoryParameters(nint domain, NativeParameter* parameters, int* count, uint flags) =>
        NativeParameters.InTwoSteps(domain, "virDomainGetMemoryParameters", parameters, count, (handle, token) =>
        {
            try
            {
                return new(Blocking.Wait(handle.Domain.GetMemoryLimitsAsync(NativeParameters.Impact(flags), token)).ToParameters());
            }
            catch (LibvirtException e) when (*count == 0 && e is { Code: ErrorCode.OperationInvalid, Origin: ErrorOrigin.Qemu })
            {
                // How many there are is told also where the host does not tell them.
                return new(default(DomainMemoryLimits).ToParameters());
            }
        });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetNumaParameters")]
    private static int GetNumaParameters(nint domain, NativeParameter* parameters, int* count, uint flags) =>
        NativeParameters.InTwoSteps(domain, "virDomainGetNumaParameters", parameters, count, (handle, token) =>
            handle.Domain.GetNumaParametersAsync(NativeParameters.Impact(flags), token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetSchedulerType")]
    private static nint GetSchedulerType(nint domain, int* count) =>
        Call.TextOfDomain(domain, "virDomainGetSchedulerType", (handle, token) =>
        {
            if (count != null)
                *count = Blocking.Wait(handle.Domain.GetSchedulerParametersAsync(cancellationToken: token)).Count;
            return handle.Domain.GetSchedulerTypeAsync(token);
        });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetSchedulerParameters")]
    private static int GetSchedulerParameters(nint domain, NativeParameter* parameters, int* count) =>
        GetSchedulerParameters(domain, "virDomainGetSchedulerParameters", parameters, count, 0);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetSchedulerParametersFlags")]
    private static int GetSchedulerParametersFlags(nint domain, NativeParameter* parameters, int* count, uint flags) =>
        GetSchedulerParameters(domain, "virDomainGetSchedulerParametersFlags", parameters, count, flags);

    private static int GetSchedulerParameters(nint domain, string function, NativeParameter* parameters, int* count, uint flags) =>
        Call.OfDomain(domain, function, (handle, token) =>
        {
            if (parameters == null)
                throw CallException.Null("params", function);
            if (count == null)
                throw CallException.Null("nparams", function);
            RequirePositive(*count, "*nparams", function);
            return handle.Domain.GetSchedulerParametersAsync(NativeParameters.Impact(flags), token);
        }, found =>
        {
            *count = NativeParameters.Fill(parameters, *count, found);
            return 0;
        });

    private static void WriteMap(CpuSet cpus, byte* maps, int number, int mapBytes)
    {
        byte[] bits = cpus.ToBitmap();
        bits.AsSpan(0, Math.Min(bits.Length, mapBytes)).CopyTo(new Span<byte>(maps + ((long)number * mapBytes), mapBytes));
    }

    private static void RequireRoom(int count, int mapBytes, string function)
    {
        RequirePositive(mapBytes, "maplen", function);
        if ((long)count * mapBytes > int.MaxValue)
            throw CallException.Overflow($"input too large: {count} * {mapBytes}");
    }

    private static void RequirePositive(int number, string argument, string function)
    {
        if (number <= 0)
            throw CallException.Argument($"{argument} in {function} must be greater than zero", argument, function);
    }
}
