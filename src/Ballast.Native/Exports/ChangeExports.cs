using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>What changes a domain: its state, its memory, its collection period.</summary>
internal static class ChangeExports
{
    // VIR_DOMAIN_MEM_MAXIMUM: the maximum and not the balloon.
    private const uint MaximumMemory = 4;

    // The most KiB whose bytes still fit 63 bits; libvirt's limit.
    private const ulong MaxMemoryKiB = long.MaxValue / 1024;

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSuspend")]
    private static int Suspend(nint domain) => Call.Change(domain, "virDomainSuspend", (handle, token) => handle.Domain.SuspendAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainResume")]
    private static int Resume(nint domain) => Call.Change(domain, "virDomainResume", (handle, token) => handle.Domain.ResumeAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainShutdown")]
    private static int Shutdown(nint domain) => Call.Change(domain, "virDomainShutdown", (handle, token) => handle.Domain.ShutdownAsync(cancellationToken: token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainShutdownFlags")]
    private static int ShutdownFlags(nint domain, uint flags) => Call.Change(domain, "virDomainShutdownFlags", (handle, token) =>
    {
        RefuseReadOnly(handle, "virDomainShutdownFlags");
        return handle.Domain.ShutdownAsync((DomainShutdownFlags)flags, token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainReset")]
    private static int Reset(nint domain, uint flags) => Call.Change(domain, "virDomainReset", (handle, token) =>
    {
        RefuseReadOnly(handle, "virDomainReset");
        handle.Owner.RefuseFlags(flags, "DomainReset");
        return handle.Domain.ResetAsync(token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainDestroy")]
    private static int Destroy(nint domain) => Call.Change(domain, "virDomainDestroy", (handle, token) => handle.Domain.DestroyAsync(cancellationToken: token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainDestroyFlags")]
    private static int DestroyFlags(nint domain, uint flags) => Call.Change(domain, "virDomainDestroyFlags", (handle, token) =>
    {
        RefuseReadOnly(handle, "virDomainDestroyFlags");
        return handle.Domain.DestroyAsync((DomainDestroyFlags)flags, token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetMemoryStatsPeriod")]
    private static int SetMemoryStatsPeriod(nint domain, int period, uint flags) => Call.Change(domain, "virDomainSetMemoryStatsPeriod", (handle, token) =>
        handle.Domain.SetMemoryStatsPeriodAsync(TimeSpan.FromSeconds(period), (DomainModificationImpact)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetMemory")]
    private static int SetMemory(nint domain, nuint kib) => Call.Change(domain, "virDomainSetMemory", (handle, token) =>
    {
        Check(handle, kib, "virDomainSetMemory");
        return handle.Domain.SetMemoryAsync(kib, DomainModificationImpact.Live, token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetMaxMemory")]
    private static int SetMaxMemory(nint domain, nuint kib) => Call.Change(domain, "virDomainSetMaxMemory", (handle, token) =>
        handle.Domain.SetMaxMemoryAsync(kib, cancellationToken: token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetMemoryFlags")]
    private static int SetMemoryFlags(nint domain, nuint kib, uint flags) => Call.Change(domain, "virDomainSetMemoryFlags", (handle, token) =>
    {
        Check(handle, kib, "virDomainSetMemoryFlags");
        DomainModificationImpact impact = (DomainModificationImpact)(flags & ~MaximumMemory);
        return (flags & MaximumMemory) != 0 ? handle.Domain.SetMaxMemoryAsync(kib, impact, token) : handle.Domain.SetMemoryAsync(kib, impact, token);
    });

    /// <exception cref="CallException">The connection is read-only.</exception>
    public static void RefuseReadOnly(DomainHandle handle, string function)
    {
        if (handle.Owner.Connection.IsReadOnly)
            throw CallException.ReadOnly(function);
    }

    private static void Check(DomainHandle handle, nuint kib, string function)
    {
        RefuseReadOnly(handle, function);
        if (kib == 0)
            throw CallException.Argument($"memory in {function} must not be zero", "memory", function);
        if (kib >= MaxMemoryKiB)
            throw CallException.Overflow(kib);
    }
}
