namespace Ballast.Drivers.Test;

/// <summary>What can be changed of the test domain: once for the running domain, once for its definition.</summary>
internal sealed class TestDefinition
{
    private ulong _memoryKiB = 2097152;
    private int _periodSeconds;

    public ulong MemoryKiB
    {
        get => Volatile.Read(ref _memoryKiB);
        set => Volatile.Write(ref _memoryKiB, value);
    }

    public int PeriodSeconds
    {
        get => Volatile.Read(ref _periodSeconds);
        set => Volatile.Write(ref _periodSeconds, value);
    }
}

/// <summary>The one domain of <c>test:///default</c>, with libvirt's numbers.</summary>
internal sealed class TestDomain
{
    public const int StatCount = 13;
    public const int VirtualCpus = 2;
    public const ulong MaxMemoryKiB = 8388608;

    // A fixed date of 1989, as libvirt's driver has it.
    private const ulong LastUpdate = 627319920;

    public static DomainIdentity Identity { get; } = new("test", new Guid("6695eb01-f6a4-8304-79aa-97f2502e193f"), 1);

    public static DomainStateInfo State { get; } = new(DomainState.Running, 0);

    public static DomainTraits Traits { get; } = new(DomainState.Running, IsPersistent: true, HasManagedSave: false, IsAutostart: false);

    public DriverEventSinks Events { get; } = new();

    public TestDefinition Live { get; } = new();

    public TestDefinition Persistent { get; } = new();

    public int FillMemoryStats(Span<MemoryStat> stats)
    {
        ulong current = Live.MemoryKiB;
        ReadOnlySpan<MemoryStat> all =
        [
            new(MemoryStatTag.ActualBalloon, current),
            new(MemoryStatTag.SwapIn, 0),
            new(MemoryStatTag.SwapOut, 0),
            new(MemoryStatTag.MajorFault, 0),
            new(MemoryStatTag.MinorFault, 0),
            new(MemoryStatTag.Unused, current / 2),
            new(MemoryStatTag.Available, current),
            new(MemoryStatTag.Usable, current / 2),
            new(MemoryStatTag.LastUpdate, LastUpdate),
            new(MemoryStatTag.DiskCaches, current / 8),
            new(MemoryStatTag.HugetlbPgAlloc, 0),
            new(MemoryStatTag.HugetlbPgFail, 0),
            new(MemoryStatTag.Rss, current / 2),
        ];
        int count = Math.Min(stats.Length, all.Length);
        all[..count].CopyTo(stats);
        return count;
    }

    public static IReadOnlyList<TypedParameter> Statistics(DomainStatsGroups groups) =>
        (groups & DomainStatsGroups.State) != 0
            ? [TypedParameter.Int("state.state", (int)State.State), TypedParameter.Int("state.reason", State.Reason)]
            : [];
}
