using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Virtio;

namespace Ballast.Drivers.Qemu.Statistics;

/// <summary>A monitor's answers as libvirt's statistics.</summary>
internal static class QemuMemoryStats
{
    public static int MaxCount => GuestMemoryStats.MaxCount;

    /// <summary>Fills what fits and returns how much that is.</summary>
    public static int Fill(Span<MemoryStat> stats, in MonitorValues values, QemuProcess? process, MemoryStatsOptions options)
    {
        bool hasReport = values.Has(MonitorParts.GuestStats);
        return GuestMemoryStats.Fill(
            stats,
            hasReport ? values.GuestStats.Report : default,
            new Known(values.ActualBytes / 1024, hasReport ? values.GuestStats.LastUpdate : null, process, values.Number),
            options);
    }

    /// <summary>By the rule of <see cref="GuestMemoryStats.BalloonInUsedKiB"/>; the balloon's size is in bytes.</summary>
    /// <remarks>What the guest has of virtio-mem it sees, and no balloon counts it.</remarks>
    public static ulong BalloonInUsedKiB(in BalloonReport report, ulong? actualBytes, MemorySizes? sizes, bool? deflatesOnOom) =>
        GuestMemoryStats.BalloonInUsedKiB(
            report.Find(MemoryStatTag.Available) is { } total ? total - Math.Min(total, sizes?.VirtioMemKiB ?? 0) : null,
            report.Find(MemoryStatTag.HugetlbPgAlloc) is not null, actualBytes / 1024, sizes?.WithoutBalloonKiB, deflatesOnOom);

    public static MemoryStatTagSet Rejected(in MonitorValues values)
    {
        MemoryStatTagSet rejected = GuestMemoryStats.Rejected(values.GuestStats.Report);
        if (values.GuestStats.IsLastUpdateRejected)
            rejected = rejected.With(MemoryStatTag.LastUpdate);
        return values.IsActualRejected ? rejected.With(MemoryStatTag.ActualBalloon) : rejected;
    }

    private readonly struct Known(ulong? actualKiB, ulong? lastUpdate, QemuProcess? process, long answer) : IMemoryStatsOfHost
    {
        // The process is read only when it is asked for: that costs a system call.
        public ulong? Find(MemoryStatTag tag) => tag switch
        {
            MemoryStatTag.ActualBalloon => actualKiB,
            MemoryStatTag.LastUpdate => lastUpdate,
            MemoryStatTag.Rss => process?.ReadRssKiB(answer),
            _ => null,
        };
    }
}
