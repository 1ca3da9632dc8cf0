using System.Globalization;

namespace Ballast.Balance.Advice;

/// <summary>The last advice about a guest, and what came of it: sizes in MiB.</summary>
internal sealed class FollowedAdvice
{
    // What a balloon moved by less than this did not move; after this time, what it cost the guest shows.
    private const double Least = 16, SettleSeconds = 20;

    // Who follows advice that is older, and was not repeated, does something else.
    private const double HoldsSeconds = 120;

    private double? _advised, _from;
    private double? _followedAt;
    private MemoryStats? _then;
    private double? _residentThen, _last;
    private double _advisedAt;
    private bool _isMoving, _stands;
    private double _toldMostAt;

    /// <summary>Where the balloon is on its way to, as advised, or where it stopped before it was there; null where it does not follow advice.</summary>
    public double? Target { get; private set; }

    /// <summary>The largest size that people were told to give it lately, or since its size was known last; null where they were not.</summary>
    public double? ToldMost { get; private set; }

    /// <summary>This was told to people. What differs from it and is not told is followed by nobody.</summary>
    public void Tell(GuestAdvice advice, double? resident, double time)
    {
        // What was advised last holds for a while; a balloon on its way is not turned.
        _stands = advice.Target is not null && advice.Kind is AdviceKind.Take or AdviceKind.Give or AdviceKind.Could;
        if (advice is { Kind: AdviceKind.Give, Target: { } target })
            (ToldMost, _toldMostAt) = (Math.Max(ToldMost ?? 0, target), time);
        if (_isMoving || !_stands)
            return;
        (_advised, _from, _advisedAt) = (advice.Target, advice.Balloon, time);
        if (_followedAt is null)
            (_then, _residentThen) = (advice.Guest.Stats, resident);
    }

    /// <summary>What was told last still stands, until something else is told.</summary>
    public void Repeat(double time)
    {
        if (!_stands)
            return;
        _advisedAt = time;
        if (_advised > _from)
            _toldMostAt = time;
    }

    /// <summary>Its balloon's size is known: who was told long ago what it may have has done so, or does something else.</summary>
    public void NoteSize(double time)
    {
        if (time - _toldMostAt > HoldsSeconds)
            ToldMost = null;
    }

    /// <summary>Compares what is seen with what was advised.</summary>
    /// <param name="track">The guest as it is seen now.</param>
    /// <param name="isToward">Whether its balloon went where it was advised to, or is on its way, or stopped on it.</param>
    /// <returns>What came of it; null where nothing is to be said.</returns>
    public AdviceOutcome? See(GuestTrack track, out bool isToward)
    {
        double moved = Math.Abs(track.Balloon - (_last ?? track.Balloon));
        bool wasMoving = _isMoving;
        _last = track.Balloon;
        (isToward, _isMoving, Target) = (false, false, null);
        if (_advised is not { } advised || _from is not { } from || track.Time - _advisedAt > HoldsSeconds || Math.Abs(track.Balloon - from) < Least)
        {
            isToward = wasMoving;
            Target = wasMoving ? track.Balloon : null;
            return Settled(track);
        }

        isToward = track.Balloon >= Math.Min(from, advised) - Least && track.Balloon <= Math.Max(from, advised) + Least;
        if (!isToward)
        {
            _advised = null;
            return new AdviceOutcome(track.Seen, IsFollowed: false,
                $"Somebody else, or the guest itself, moved its balloon from {Size(from)} to {Size(track.Balloon)}, where {Size(advised)} was advised.");
        }

        bool isThere = Math.Abs(track.Balloon - advised) <= Least;
        _isMoving = !isThere && moved >= 1;

        // Who follows in part disobeys nobody: where it stands is then where it was sent.
        Target = isThere || _isMoving ? advised : track.Balloon;
        if (!isThere)
            return null;
        (_advised, _followedAt) = (null, track.Time);
        string back = advised >= from ? "" : track.Resident is { } now && _residentThen is { } then
            ? $" The host holds {Size(Math.Max(0, then - now))} less of it." : " It is unknown what the host got back.";
        return new AdviceOutcome(track.Seen, IsFollowed: true, $"Its balloon went from {Size(from)} to {Size(track.Balloon)}, as advised.{back}");
    }

    /// <summary>What it cost the guest, when that has had time to show.</summary>
    private AdviceOutcome? Settled(GuestTrack track)
    {
        if (_followedAt is not { } since || track.Time - since < SettleSeconds)
            return null;
        string costs = Costs(track);
        _followedAt = null;
        return new AdviceOutcome(track.Seen, IsFollowed: true, string.Create(
            CultureInfo.InvariantCulture, $"It has had {track.Balloon:F0} MiB for {track.Time - since:F0} s: {costs}."));
    }

    private string Costs(GuestTrack track)
    {
        if (_then is not { } then || track.Seen.Stats.Reason != MemoryStatsReason.Fresh || track.Rates.Time <= _followedAt)
            return "it has not reported since";
        string swapped = Rise(stats => stats.SwapOutKiB) is { } kib ? kib == 0 ? "it has not swapped" : $"it wrote {Size(kib / 1024)} to its swap" : "it does not report whether it swapped";
        string faults = Rise(stats => stats.MajorFaults) is { } count ? string.Create(CultureInfo.InvariantCulture, $" and read from disk {count:F0} times") : "";
        return swapped + faults;

        double? Rise(Func<MemoryStats, ulong?> counter) =>
            counter(track.Seen.Stats) is { } now && counter(then) is { } before && now >= before ? now - before : null;
    }

    private static string Size(double size) => string.Create(CultureInfo.InvariantCulture, $"{size:F0} MiB");
}
