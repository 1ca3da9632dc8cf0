using System.Collections.Concurrent;

namespace Ballast.Drivers.Remote;

/// <summary>How a report stands to our own clock.</summary>
/// <param name="Now">The moment to judge a sample at, so that its report is as old as it was known here.</param>
/// <param name="ActualKiB">The balloon's size when the report was first seen; null where nobody said.</param>
internal readonly record struct ReportSight(DateTimeOffset Now, ulong? ActualKiB);

/// <summary>
/// When each domain's last report was first seen, by our own clock. The time in a report is the daemon's host's, which may
/// go otherwise; that it changed is a fact here.
/// </summary>
internal sealed class ReportAges
{
    // Domains that went are forgotten with the others when there are too many: an age then starts anew.
    private const int MaxDomains = 100_000;

    private readonly ConcurrentDictionary<Guid, (ulong LastUpdate, long SeenAt, ulong? ActualKiB, bool IsFirst)> _seen = [];

    public ReportSight See(Guid domain, MemoryStat[] entries, TimeProvider time)
    {
        DateTimeOffset wall = time.GetUtcNow();
        ulong? lastUpdate = null, actual = null;
        foreach (MemoryStat entry in entries)
        {
            if (entry.Tag == MemoryStatTag.LastUpdate)
                lastUpdate = entry.Value;
            else if (entry.Tag == MemoryStatTag.ActualBalloon)
                actual = entry.Value;
        }

        if (lastUpdate is not ({ } reported and > 0 and <= MemoryStatsFacts.MaxUnixSeconds))
            return new ReportSight(wall, actual);
        if (_seen.Count > MaxDomains)
            _seen.Clear();
        long now = time.GetTimestamp();
        (_, long seenAt, actual, bool isFirst) = _seen.AddOrUpdate(
            domain, _ => (reported, now, actual, true), (_, seen) => seen.LastUpdate == reported ? seen : (reported, now, actual, false));

        // The first one may have been there for long: only the wall clocks can tell.
        return new ReportSight(isFirst ? wall : DateTimeOffset.FromUnixTimeSeconds((long)reported) + time.GetElapsedTime(seenAt, now), actual);
    }
}
