namespace Ballast.Drivers;

/// <summary>What decides whether a domain passes libvirt's list filters.</summary>
internal readonly record struct DomainTraits(DomainState State, bool IsPersistent, bool HasManagedSave, bool IsAutostart)
{
    public bool IsActive => State != DomainState.Shutoff;
}

/// <summary>libvirt's rules about flags that all drivers share; each reports violations under its own name.</summary>
internal static class DomainRules
{
    private const DomainListFilter KnownFilters = (DomainListFilter)0xFFFF;
    private const DomainStatsFlags StatsFilters = (DomainStatsFlags)0xFF;
    private const DomainStatsFlags KnownStatsFlags =
        StatsFilters | DomainStatsFlags.NoWait | DomainStatsFlags.Backing | DomainStatsFlags.EnforceStats;

    public static void CheckFilter(DomainListFilter filter, string function, ErrorOrigin origin)
    {
        if ((filter & ~KnownFilters) is not DomainListFilter.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, function, origin);
    }

    public static void CheckImpact(DomainModificationImpact impact, string function, ErrorOrigin origin)
    {
        const DomainModificationImpact known = DomainModificationImpact.Live | DomainModificationImpact.Config;
        if ((impact & ~known) is not DomainModificationImpact.Current and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, function, origin);
    }

    public static void CheckMetadata(DomainMetadataType type, DomainModificationImpact impact, string function, ErrorOrigin origin)
    {
        CheckImpact(impact, function, origin);
        if (type is not (DomainMetadataType.Description or DomainMetadataType.Title or DomainMetadataType.Element))
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Domain, $"unknown metadata type '{(int)type}'");
    }

    public static LibvirtException NoMetadata() =>
        LibvirtError.Report(ErrorCode.NoDomainMetadata, ErrorOrigin.Domain, "Requested metadata element is not present");

    /// <summary>Of functions that leave it to the driver to refuse both at once.</summary>
    public static void RefuseBoth(DomainModificationImpact impact)
    {
        const DomainModificationImpact both = DomainModificationImpact.Live | DomainModificationImpact.Config;
        if ((impact & both) == both)
        {
            throw LibvirtError.InvalidArgument(
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
                "virDomainObjGetOneDefState", "flags", ErrorOrigin.Domain);
        }
    }

    public static void CheckStatsFlags(DomainStatsFlags flags, string function, ErrorOrigin origin)
    {
        if ((flags & ~KnownStatsFlags) is not DomainStatsFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, function, origin);
    }

    /// <summary>The groups to deliver: those asked for that the driver has, or all it has.</summary>
    public static DomainStatsGroups SelectGroups(
        DomainStatsGroups asked, DomainStatsGroups supported, DomainStatsFlags flags, ErrorOrigin origin, string suffix)
    {
        if (asked == DomainStatsGroups.All)
            return supported;
        DomainStatsGroups missing = asked & ~supported;
        if (missing != 0 && (flags & DomainStatsFlags.EnforceStats) != 0)
        {
            throw LibvirtError.Report(ErrorCode.ArgumentUnsupported, origin,
                $"Stats types bits 0x{(uint)missing:x} are not supported by this daemon{suffix}");
        }

        return asked & supported;
    }

    public static DomainListFilter ToFilter(DomainStatsFlags flags) => (DomainListFilter)(uint)(flags & StatsFilters);

    /// <summary>libvirt's text for a network interface that the domain does not have.</summary>
    public static LibvirtException NoInterface(string device) =>
        LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Domain, $"'{device}' is not a known interface");

    /// <summary>Bits of one group are alternatives, groups restrict each other. No driver of ours has snapshots or checkpoints.</summary>
    public static bool Matches(DomainListFilter filter, DomainTraits domain) =>
        Group(filter, (DomainListFilter.Active, domain.IsActive), (DomainListFilter.Inactive, !domain.IsActive))
        && Group(filter, (DomainListFilter.Persistent, domain.IsPersistent), (DomainListFilter.Transient, !domain.IsPersistent))
        && Group(filter,
            (DomainListFilter.Running, domain.State == DomainState.Running),
            (DomainListFilter.Paused, domain.State == DomainState.Paused),
            (DomainListFilter.Shutoff, domain.State == DomainState.Shutoff),
            (DomainListFilter.Other,
                domain.State is not (DomainState.Running or DomainState.Paused or DomainState.Shutoff)))
        && Group(filter, (DomainListFilter.ManagedSave, domain.HasManagedSave), (DomainListFilter.NoManagedSave, !domain.HasManagedSave))
        && Group(filter, (DomainListFilter.Autostart, domain.IsAutostart), (DomainListFilter.NoAutostart, !domain.IsAutostart))
        && Group(filter, (DomainListFilter.HasSnapshot, false), (DomainListFilter.NoSnapshot, true))
        && Group(filter, (DomainListFilter.HasCheckpoint, false), (DomainListFilter.NoCheckpoint, true));

    private static bool Group(DomainListFilter filter, params ReadOnlySpan<(DomainListFilter Bit, bool Holds)> members)
    {
        bool asked = false;
        foreach ((DomainListFilter bit, bool holds) in members)
        {
            if ((filter & bit) == 0)
                continue;
            if (holds)
                return true;
            asked = true;
        }

        return !asked;
    }
}
