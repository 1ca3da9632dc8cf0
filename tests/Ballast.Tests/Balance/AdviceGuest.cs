using Ballast.Balance.Advice;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Balance;

/// <summary>A guest that tests make up, as it is seen: sizes in MiB.</summary>
internal sealed record AdviceGuest(string Name)
{
    private const ulong KiB = 1024;
    private static readonly DateTimeOffset Epoch = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    public ulong? Balloon { get; init; } = 1024;

    public ulong? Maximum { get; init; } = 1024;

    public ulong? Resident { get; init; } = 1024;

    /// <summary>What its programs use; the rest is cache, but for <see cref="Unused"/>.</summary>
    public ulong Used { get; init; } = 200;

    public ulong Unused { get; init; } = 20;

    public ulong SwapOut { get; init; }

    public ulong Faults { get; init; }

    /// <summary>When it reported last; null: at the look.</summary>
    public double? ReportedAt { get; init; }

    public bool IsRunning { get; init; } = true;

    public bool HasDriver { get; init; } = true;

    /// <summary>What else is known of its sample.</summary>
    public Func<MemoryStatsFacts, MemoryStatsFacts> With { get; init; } = facts => facts;

    public ProcessMemory Process { get; init; } = new()
    {
        Reason = MemoryStatsReason.Fresh,
        SwappedKiB = 0,
        LockedKiB = 0,
        PinnedKiB = 0,
        HugePagesKiB = 0,
        MergedKiB = 0,
        ReportsFreePages = false,
        DeflatesOnOom = true,
        RunTime = TimeSpan.FromHours(1),
    };

    public SeenGuest See(double time)
    {
        Connection connection = Connections.GetValue(Name, static name => new Connection(new FakeDriver(new FakeDomain(name, name.Length)), "fake:///", new ConnectionOptions()));
        return new SeenGuest
        {
            Domain = connection.LookupByNameAsync(Name).AsTask().GetAwaiter().GetResult(),
            Stats = Facts(time).ToSample(Epoch + TimeSpan.FromSeconds(time)),
            Process = Process,
            MaximumKiB = Maximum * KiB,
        };
    }

    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<string, Connection> Connections = [];

    private MemoryStatsFacts Facts(double time)
    {
        List<MemoryStat> entries = [];
        if (Balloon is { } balloon)
        {
            ulong usable = balloon - Math.Min(balloon, Used), caches = usable - Math.Min(usable, Unused);
            entries.AddRange(
            [
                new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, SwapOut * KiB), new(MemoryStatTag.MajorFault, Faults),
                new(MemoryStatTag.Unused, Math.Min(usable, Unused) * KiB), new(MemoryStatTag.Available, balloon * KiB), new(MemoryStatTag.ActualBalloon, balloon * KiB),
                new(MemoryStatTag.LastUpdate, (ulong)(Epoch.ToUnixTimeSeconds() + (long)(ReportedAt ?? time))),
                new(MemoryStatTag.Usable, usable * KiB), new(MemoryStatTag.DiskCaches, caches * KiB),
            ]);
        }

        if (Resident is { } resident)
            entries.Add(new(MemoryStatTag.Rss, resident * KiB));
        return With(new MemoryStatsFacts
        {
            Entries = [.. entries],
            PeriodSeconds = 2,
            IsRunning = IsRunning,
            DriverNotLoaded = !HasDriver,
            MaximumKiB = Maximum * KiB,
        });
    }
}
