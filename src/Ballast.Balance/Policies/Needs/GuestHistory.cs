namespace Ballast.Balance.Policies.Needs;

/// <summary>What the policy remembers of a guest, and what it makes of it.</summary>
internal sealed class GuestHistory
{
    private readonly UseEstimate _use = new();
    private readonly CacheEstimate _cache = new();
    private readonly BalloonMovement _movement = new();
    private readonly HeldSince _held = new();
    private TrustEstimate _trust = new();
    private GuestReport? _last;
    private double? _heardAt;

    /// <summary>What the guest needs.</summary>
    /// <param name="host">The host now.</param>
    /// <param name="guest">The guest now.</param>
    /// <param name="spare">What the budget has beyond all balloons, in MiB.</param>
    public GuestNeed Look(HostState host, GuestState guest, double spare)
    {
        bool isConsistent = guest.Report is { } report && IsConsistent(report);
        if (isConsistent && !(guest.Report!.Time <= _last?.Time))
            Learn(guest.Report, guest, host.Time);
        _movement.Look(host, guest, spare);
        _held.Look(guest, host.Time);
        GuestNeed need = new(guest) { Age = host.Time - (guest.Report?.Time ?? host.Time) };
        if (!isConsistent || BallastConstants.IsSilent(need.Age))
            Guess(need, guest, isConsistent);
        else
            Estimate(need, guest, host);
        Stick(need, guest);
        return need;
    }

    public void Wished(HostState host, GuestState guest) => _movement.Wished(host, guest);

    private static bool IsConsistent(GuestReport report) =>
        report is { Actual: > 0 and < double.PositiveInfinity, Usable: >= 0, DiskCaches: >= 0 and < double.PositiveInfinity }
        && report.Usable <= report.Actual && double.IsFinite(report.Time + report.SwapIn + report.SwapOut + report.MajorFaults);

    private void Learn(GuestReport report, GuestState guest, double time)
    {
        double used = UseEstimate.UsedOf(report, guest);
        ReportChange? change = _last is { } last ? ReportChange.Between(last, report, used - _use.Used) : null;
        if (change is { } known)
        {
            _use.Learn(report, used, known, time);
            _trust.Learn(_last!, report, known, _use, guest, time);
            _cache.Learn(report, known);
        }
        else
        {
            _use.Begin(report, used, time);
            _cache.Forget();
            _trust = new TrustEstimate();
        }

        _last = report;
    }

    /// <summary>What a guest needs that reports.</summary>
    private void Estimate(GuestNeed need, GuestState guest, HostState host)
    {
        _heardAt = null;
        double believed = _use.Demand, least = _trust.LeastDemand(_use.Used, guest, host.Time), demand = Math.Max(believed, least);
        double usesMore = _use.GrowthWithin(host.Period + Math.Max(0, need.Age)), growth = Math.Max(usesMore, GrownSince(guest)), files = _cache.Wanted;
        double first = Math.Min(files, Math.Max(BallastConstants.CacheFirst, BallastConstants.CacheFirstShare * demand));

        // What the host came to hold may be files, which go first where the host is about to swap.
        need.Least = Math.Max(demand, believed + usesMore);
        need.Raise(NeedRank.Demand, demand + first);
        need.Raise(NeedRank.Growth, Math.Max(demand, believed + growth) + first);
        need.Raise(NeedRank.Cache, Math.Max(demand, believed + growth) + files);
        need.Known = need.Weight = Math.Max(1, demand);
        need.Peak = Math.Min(need.Maximum, _use.PeakAt(host.Time));
        need.RepeatsPeak = _use.RepeatsPeak(host.Time);
        need.Kind = least > believed ? NeedKind.Distrusted : _use.IsThrashing ? NeedKind.Thrashing
            : _cache.IsKnown ? NeedKind.Rereading : growth > 1 ? NeedKind.Growing : NeedKind.Reported;
    }

    /// <summary>What it may need beyond its demand by what the host has come to hold of it since it reported, in MiB.</summary>
    private double GrownSince(GuestState guest)
    {
        double risen = _held.RisenSince(_last!.Time, guest);

        // One that fills its balloon may need far more than that shows: it swaps.
        bool isFilled = risen > 0 && guest.Resident >= BallastConstants.FilledShare * guest.Balloon;
        return isFilled ? Math.Max(risen, ((1 + BallastConstants.FilledGrowth) * guest.Balloon) - _use.Demand) : risen;
    }

    /// <summary>
    /// What a guest needs of which nothing is known now: what the host holds of it. Where that fills its balloon it may want more,
    /// which may be for caches alone.
    /// </summary>
    private void Guess(GuestNeed need, GuestState guest, bool isConsistent)
    {
        _heardAt ??= guest.Balloon;
        need.Kind = isConsistent ? NeedKind.Silent : guest.Report is null ? NeedKind.NeverReported : NeedKind.Inconsistent;
        double held = UseEstimate.HeldOf(guest);
        need.Raise(NeedRank.Held, held);
        if (held < BallastConstants.FilledShare * guest.Balloon)
        {
            // It leaves some of what it has untouched, so that it is short of nothing, and may need more at any time as the others may.
            need.Known = need.Weight = Math.Max(1, held);
            return;
        }

        need.Raise(NeedRank.Kept, guest.Balloon);

        // Of one that never reported, all that it had at first may be what it uses.
        (need.SharesAbove, need.Known) = (_heardAt, _last is null ? _heardAt.Value : _use.Demand);

        // It may use all of that by now.
        need.Weight = Math.Max(1, Math.Max(held, _use.Demand));
    }

    /// <summary>A balloon that does not follow is counted at its size.</summary>
    private void Stick(GuestNeed need, GuestState guest)
    {
        if (_movement.IsStuckLarge)
            need.Fix(guest.Balloon);
        else if (_movement.IsStuckSmall && need[NeedRank.Demand] > guest.Balloon)
            need.Fix(guest.Balloon + BallastConstants.Probe);
    }
}
