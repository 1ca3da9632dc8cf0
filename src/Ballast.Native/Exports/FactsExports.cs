using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>What programs ask beside memory and state: metadata; and the reboot.</summary>
internal static unsafe class FactsExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMetadata")]
    private static nint GetMetadata(nint domain, int type, byte* uri, uint flags) => Call.TextOfDomain(domain, "virDomainGetMetadata", (handle, token) =>
        handle.Domain.GetMetadataAsync((DomainMetadataType)type, NativeText.Read(uri), (DomainModificationImpact)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainReboot")]
    private static int Reboot(nint domain, uint flags) => Call.Change(domain, "virDomainReboot", (handle, token) =>
        handle.Domain.RebootAsync((DomainRebootFlags)flags, token));
}
