namespace Ballast;

/// <summary>One sample of one domain, as <see cref="Connection.WatchMemoryStatsAsync"/> yields it.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Stats">Its statistics, with their age, freshness and reason.</param>
public readonly record struct DomainMemorySample(Domain Domain, MemoryStats Stats);
