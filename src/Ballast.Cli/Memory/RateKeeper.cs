namespace Ballast.Cli.Memory;

/// <summary>
/// The rates of guests that are looked at again and again, more often than they report: until the next report, those of the last
/// two hold.
/// </summary>
internal sealed class RateKeeper
{
    private readonly Dictionary<Guid, (GuestCounters Counters, MemoryRates? Rates)> _last = [];

    /// <summary>Takes a sample, and says at what rates its counters rise; null where that is unknown.</summary>
    public MemoryRates? Add(Domain domain, MemoryStats stats)
    {
        if (GuestCounters.Of(domain, stats) is not { } now)
        {
            _ = _last.Remove(domain.Uuid);
            return null;
        }

        MemoryRates? rates = null;
        if (_last.TryGetValue(domain.Uuid, out (GuestCounters Counters, MemoryRates? Rates) last))
        {
            bool isSameReport = last.Counters.Id == now.Id && last.Counters.Seconds == now.Seconds;
            rates = isSameReport ? last.Rates : now.Since(last.Counters, stats.Period);
        }

        _last[domain.Uuid] = (now, rates);

        // What was measured long ago is no longer so.
        return stats.Freshness == Freshness.Fresh ? rates : null;
    }

    /// <summary>Forgets who is gone.</summary>
    public void KeepOnly(IReadOnlySet<Guid> domains)
    {
        foreach (Guid gone in _last.Keys.Where(uuid => !domains.Contains(uuid)).ToList())
            _ = _last.Remove(gone);
    }
}
