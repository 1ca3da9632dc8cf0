namespace Ballast.Drivers.Test;

/// <summary>A domain of the test driver at one moment. It never changes: another one takes its place.</summary>
internal sealed record TestDomain
{
    // A fixed date of 1989, as libvirt's driver has it.
    private const ulong LastUpdate = 627319920;

    /// <summary>Null where it does not run.</summary>
    public int? Id { get; init; }

    public required DomainStateInfo State { get; init; }

    /// <summary>What counts now: the running domain's, or else what would be started.</summary>
    public required TestDefinition Definition { get; init; }

    /// <summary>What it would be started as next time; null where it was never defined.</summary>
    public TestDefinition? Next { get; init; }

    public bool IsPersistent { get; init; }

    public bool IsAutostart { get; init; }

    public bool HasManagedSave { get; init; }

    /// <summary>About how many characters clients gave for it.</summary>
    public long Length => Definition.Length + (Next is null || Next.SharesTexts(Definition) ? 0 : Next.Length);

    public DomainIdentity Identity => new(Definition.Name, Definition.Uuid, Id);

    public bool IsActive => Id is not null;

    public DomainTraits Traits => new(State.State, IsPersistent, HasManagedSave, IsAutostart);

    /// <summary>Another definition for the next start, which is all there is of a domain that does not run.</summary>
    public TestDomain WithNext(TestDefinition definition) =>
        this with { Next = definition, Definition = IsActive ? Definition : definition };

    /// <summary>The part that a change is for, or that is asked for.</summary>
    /// <exception cref="LibvirtException">It does not have that part.</exception>
    public TestDefinition Part(DomainModificationImpact impact)
    {
        if (impact == DomainModificationImpact.Live)
            RequireActive();
        if (impact != DomainModificationImpact.Config)
            return Definition;
        return IsPersistent && Next is not null
            ? Next
            : throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain, "transient domains do not have any persistent config");
    }

    /// <summary>The same domain with that part changed.</summary>
    /// <exception cref="LibvirtException">It does not have that part.</exception>
    public TestDomain Change(DomainModificationImpact impact, Func<TestDefinition, TestDefinition> change)
    {
        TestDefinition changed = change(Part(impact));
        return impact == DomainModificationImpact.Config || !IsActive ? WithNext(changed) : this with { Definition = changed };
    }

    public IReadOnlyList<TypedParameter> Statistics(DomainStatsGroups groups) =>
        (groups & DomainStatsGroups.State) != 0
            ? [TypedParameter.Int("state.state", (int)State.State), TypedParameter.Int("state.reason", State.Reason)]
            : [];

    /// <exception cref="LibvirtException">It does not run.</exception>
    public void RequireActive()
    {
        if (!IsActive)
            throw LibvirtError.NotRunning();
    }

    /// <exception cref="LibvirtException">It is not in a state that is asked for.</exception>
    public void Require(bool isIn, string state)
    {
        if (!isIn)
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Test, $"domain '{Definition.Name}' not {state}");
    }

    /// <summary>Numbers that follow from the size alone; none without a balloon.</summary>
    public int FillMemoryStats(Span<MemoryStat> stats)
    {
        if (!Definition.HasBalloon)
            return 0;
        int count = 0;
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            if (count < stats.Length && Find(row.Tag, Definition.MemoryKiB) is { } value)
                stats[count++] = new MemoryStat(row.Tag, value);
        }

        return count;
    }

    private static ulong? Find(MemoryStatTag tag, ulong current) => tag switch
    {
        MemoryStatTag.ActualBalloon or MemoryStatTag.Available => current,
        MemoryStatTag.Unused or MemoryStatTag.Usable or MemoryStatTag.Rss => current / 2,
        MemoryStatTag.DiskCaches => current / 8,
        MemoryStatTag.LastUpdate => LastUpdate,
        MemoryStatTag.SwapIn or MemoryStatTag.SwapOut or MemoryStatTag.MajorFault or MemoryStatTag.MinorFault
            or MemoryStatTag.HugetlbPgAlloc or MemoryStatTag.HugetlbPgFail => 0,
        _ => null,
    };
}
