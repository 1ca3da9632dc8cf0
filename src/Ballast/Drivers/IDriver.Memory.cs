namespace Ballast.Drivers;

/// <summary>The host's side of memory.</summary>
internal partial interface IDriver
{
    /// <summary>The host's memory, and that of a control group where one is named.</summary>
    ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("ballastGetHostMemory");

    /// <summary>What the host tells of each domain's process; those that are gone are left out.</summary>
    ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(
        IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken) =>
        new([.. domains.Select(domain => new DriverProcessMemory(domain, new ProcessMemory { Reason = MemoryStatsReason.UnsupportedByDaemon }))]);
}

/// <summary>What the host tells of one domain's process, as a driver gives it.</summary>
internal readonly record struct DriverProcessMemory(DomainIdentity Domain, ProcessMemory Memory);
