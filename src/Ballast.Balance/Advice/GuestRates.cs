namespace Ballast.Balance.Advice;

/// <summary>
/// How fast a guest's counters rise, by its last two different reports: it may be looked at more often than it reports. What its last two
/// reports say stands until the next one comes.
/// </summary>
internal sealed class GuestRates
{
    // Reports have whole seconds: two of one second are one.
    private const double LeastSeconds = 1;

    private GuestFacts? _last, _before;
    private double _timeBefore;

    /// <summary>When the guest reported last, in seconds; a report has one time, however often it is looked at and whatever the host's clock does meanwhile.</summary>
    public double Time { get; private set; } = double.NegativeInfinity;

    /// <summary>Whether two reports tell anything about swapping or about what is read from disk.</summary>
    public bool IsKnown => (PerSecond(Read.SwapOut) ?? PerSecond(Read.SwapIn) ?? PerSecond(Read.MajorFaults)) is not null;

    /// <summary>Looks whether there is another report.</summary>
    /// <param name="guest">The guest now.</param>
    /// <param name="now">Now, in seconds.</param>
    public void See(GuestFacts guest, double now)
    {
        if (guest.Reported is not { } reported || reported == _last?.Reported)
            return;
        (_before, _timeBefore) = (_last, Time);
        (_last, Time) = (guest, Math.Max(Time, now - (guest.AgeSeconds ?? 0)));
    }

    /// <summary>How much a counter rises a second; null where nobody knows, as where it began anew.</summary>
    public double? PerSecond(Func<GuestFacts, ulong?> counter) =>
        _last is { } last && _before is { } before && counter(last) is { } now && counter(before) is { } then && now >= then
            ? (now - then) / Math.Max(LeastSeconds, Time - _timeBefore)
            : null;

    /// <summary>The counters.</summary>
    public static class Read
    {
        public static ulong? SwapIn(GuestFacts guest) => guest.SwapInKiB;

        public static ulong? SwapOut(GuestFacts guest) => guest.SwapOutKiB;

        public static ulong? MajorFaults(GuestFacts guest) => guest.MajorFaults;
    }
}
