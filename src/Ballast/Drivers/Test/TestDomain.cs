namespace Ballast.Drivers.Test;

/// <summary>The one domain of <c>test:///default</c>, with libvirt's numbers.</summary>
internal sealed class TestDomain
{
    public const int VirtualCpus = 2;

    // A fixed date of 1989, as libvirt's driver has it.
    private const ulong LastUpdate = 627319920;

    private static readonly DomainIdentity Active = new("test", new Guid("6695eb01-f6a4-8304-79aa-97f2502e193f"), 1);
    private static readonly DomainIdentity Inactive = Active with { Id = null };

    private readonly Lock _changing = new();
    private readonly TestDefinition _live = new(), _persistent = new();
    private TestDomainNow _now;

    public TestDomain() => _now = new TestDomainNow(Active, new DomainStateInfo(DomainState.Running, 0), _live);

    public static Guid Uuid => Active.Uuid;

    public static string Name => Active.Name;

    /// <summary>What is true together: one look, and nothing of it changes but the numbers of its definition.</summary>
    public TestDomainNow Now => Volatile.Read(ref _now);

    /// <summary>As it would be started next; what there is to see of a domain that does not run.</summary>
    public TestDefinition Persistent => _persistent;

    public DriverEventSinks Events { get; } = new();

    /// <summary>A look and what follows from it, before anybody else changes something.</summary>
    public void Change(Action<TestDomainNow> change)
    {
        lock (_changing)
            change(_now);
    }

    /// <summary>Another state of the running domain.</summary>
    public void Enter(DomainState state, int reason, DomainLifecycleChange change, int detail)
    {
        lock (_changing)
        {
            Volatile.Write(ref _now, _now with { State = new DomainStateInfo(state, reason) });
            Events.Publish(DriverEvent.Lifecycle(_now.Identity, change, detail));
        }
    }

    /// <summary>Ends it. From then on its definition is all there is of it, with what was changed there meanwhile.</summary>
    public void Stop(int reason, int detail)
    {
        lock (_changing)
        {
            Volatile.Write(ref _now, new TestDomainNow(Inactive, new DomainStateInfo(DomainState.Shutoff, reason), _persistent));
            Events.Publish(DriverEvent.Lifecycle(Inactive, DomainLifecycleChange.Stopped, detail));
        }
    }

    public static int FillMemoryStats(Span<MemoryStat> stats, ulong current)
    {
        int count = 0;
        foreach (MemoryStatRow row in MemoryStatTable.Rows)
        {
            if (count < stats.Length && Find(row.Tag, current) is { } value)
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

/// <summary>The test domain at one moment.</summary>
/// <param name="Identity">Without id where it does not run.</param>
/// <param name="State">What it does, and why.</param>
/// <param name="Definition">What counts now: the running domain's numbers, or else its definition's.</param>
internal sealed record TestDomainNow(DomainIdentity Identity, DomainStateInfo State, TestDefinition Definition)
{
    public bool IsActive => Identity.Id is not null;

    public DomainTraits Traits => new(State.State, IsPersistent: true, HasManagedSave: false, IsAutostart: false);

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
}
