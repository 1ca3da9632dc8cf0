namespace Ballast.Drivers;

/// <summary>What a domain is and does: identity, description, state, jobs, devices.</summary>
internal partial interface IDriver
{
    ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetInfo");

    ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetState");

    ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetOSType");

    ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainIsPersistent");

    /// <summary>Whether the definition was changed since the domain was started.</summary>
    ValueTask<bool> IsUpdatedAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainIsUpdated");

    ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetAutostart");

    ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainHasManagedSaveImage");

    ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetSecurityLabel");

    ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetXMLDesc");

    ValueTask<string> GetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? uri, DomainModificationImpact impact, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMetadata");

    /// <summary>Warnings about a domain: deprecated or tainting settings.</summary>
    ValueTask<IReadOnlyList<string>> GetMessagesAsync(DomainIdentity domain, DomainMessageKinds kinds, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetMessages");

    ValueTask<DomainJobInfo> GetJobInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetJobInfo");

    /// <param name="domain">The domain.</param>
    /// <param name="flags">libvirt's: 1 the last completed job, 2 keep it after it was read.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<DomainJobStats> GetJobStatsAsync(DomainIdentity domain, uint flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetJobStats");

    ValueTask<DomainControlInfo> GetControlInfoAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetControlInfo");

    /// <summary>Statistics of <paramref name="domains"/>, or of all domains if it is null.</summary>
    ValueTask<IReadOnlyList<DriverStatsRecord>> GetDomainStatsAsync(
        IReadOnlyList<DomainIdentity>? domains, DomainStatsGroups groups, DomainStatsFlags flags, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virConnectGetAllDomainStats");

    /// <summary>A disk's counters by libvirt's names; of all disks if the name is empty.</summary>
    ValueTask<IReadOnlyList<TypedParameter>> GetBlockStatsAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainBlockStatsFlags");

    /// <summary>A disk's counters as in libvirt's older call.</summary>
    ValueTask<DomainBlockCounters> GetBlockCountersAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainBlockStats");

    ValueTask<DomainBlockInfo> GetBlockInfoAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainGetBlockInfo");

    ValueTask<DomainInterfaceStats> GetInterfaceStatsAsync(DomainIdentity domain, string device, CancellationToken cancellationToken) =>
        throw LibvirtError.NoSupport("virDomainInterfaceStats");
}

/// <summary>One record of bulk statistics, as a driver gives it.</summary>
internal readonly record struct DriverStatsRecord(DomainIdentity Domain, IReadOnlyList<TypedParameter> Parameters);
