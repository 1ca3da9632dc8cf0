namespace Ballast;

/// <summary>Collection periods as tests count them: in seconds.</summary>
public static class PeriodsInSeconds
{
    public static async Task<int> GetPeriodAsync(this Domain domain, CancellationToken cancellationToken = default) =>
        (int)(await domain.GetMemoryStatsPeriodAsync(cancellationToken)).TotalSeconds;

    public static ValueTask SetPeriodAsync(
        this Domain domain, int seconds, DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default) =>
        domain.SetMemoryStatsPeriodAsync(TimeSpan.FromSeconds(seconds), impact, cancellationToken);

    public static ValueTask<MemoryStatsPeriodLease> EnsurePeriodAsync(this Domain domain, int seconds, CancellationToken cancellationToken = default) =>
        domain.EnsureMemoryStatsPeriodAsync(TimeSpan.FromSeconds(seconds), cancellationToken);
}
