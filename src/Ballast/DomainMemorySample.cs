namespace Ballast;

/// <summary>A sample of one of several domains.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Stats">Its statistics, with their age, freshness and reason.</param>
public readonly record struct DomainMemorySample(Domain Domain, MemoryStats Stats);
