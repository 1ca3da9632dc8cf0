using System.Collections.Concurrent;

namespace Ballast.Drivers.Remote;

/// <summary>
/// When each domain's last report was first seen, by our own clock. The time in a report is the daemon's host's, which may
/// go otherwise; that it changed is a fact here.
/// </summary>
internal sealed class ReportAges
{
    // Domains that went are forgotten with the others when there are too many: an age then starts anew.
    private const int MaxDomains = 100_000;

    private readonly ConcurrentDictionary<Guid, (ulong LastUpdate, long SeenAt, bool IsFirst)> _seen = [];

    /// <summary>The moment to judge a sample at, so that its report is as old as it was known here.</summary>
    public DateTimeOffset Now(Guid domain, IEnumerable<MemoryStat> entries, TimeProvider time)
    {
        DateTimeOffset wall = time.GetUtcNow();
        if (entries.FirstOrDefault(entry => entry.Tag == MemoryStatTag.LastUpdate) is not { Value: > 0 and <= MemoryStatsFacts.MaxUnixSeconds and var lastUpdate })
            return wall;

        if (_seen.Count > MaxDomains)
            _seen.Clear();
        long now = time.GetTimestamp();
        (_, long seenAt, bool isFirst) = _seen.AddOrUpdate(
            domain, _ => (lastUpdate, now, true), (_, seen) => seen.LastUpdate == lastUpdate ? seen : (lastUpdate, now, false));

        // The first one may have been there for long: only the wall clocks can tell.
        return isFirst ? wall : DateTimeOffset.FromUnixTimeSeconds((long)lastUpdate) + time.GetElapsedTime(seenAt, now);
    }
}
