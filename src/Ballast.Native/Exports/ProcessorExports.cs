using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>A domain's processors.</summary>
internal static class ProcessorExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMaxVcpus")]
    private static int GetMaxVcpus(nint domain) =>
        Call.OfDomain(domain, "virDomainGetMaxVcpus", (handle, token) => handle.Domain.GetMaxVirtualCpusAsync(token), count => count);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetVcpusFlags")]
    private static int GetVcpusFlags(nint domain, uint flags) => Call.OfDomain(
        domain, "virDomainGetVcpusFlags", (handle, token) => handle.Domain.GetVirtualCpuCountAsync((VirtualCpuCountFlags)flags, token), count => count);
}
