namespace Ballast.Balance.Policies.Needs;

/// <summary>
/// Whether a guest is believed. One that swaps while it says that much is usable contradicts itself; then what it says it uses is
/// taken as many times as the host held of it, until it has not done so for long. An honest guest that is taken for a liar by
/// mistake says nearly what the host holds, so that it loses and gains nothing by that.
/// </summary>
internal sealed class TrustEstimate
{
    private double _factor = 1, _distrusted = double.NegativeInfinity, _first, _last = double.NegativeInfinity;
    private int _count;

    public bool IsDistrusted(double time) => time - _distrusted < BallastConstants.DistrustLasts;

    /// <summary>What it needs at least, in MiB, where it is not believed; 0 where it is.</summary>
    public double LeastDemand(double used, GuestState guest, double time) =>
        IsDistrusted(time) ? Math.Min(_factor * used, BallastConstants.DistrustMargin * UseEstimate.HeldOf(guest)) : 0;

    /// <summary>Another report.</summary>
    public void Learn(GuestReport before, GuestReport report, ReportChange change, UseEstimate use, GuestState guest, double time)
    {
        double much = Math.Max(BallastConstants.ContradictionLeast, BallastConstants.ContradictionShare * report.Actual);
        bool contradicts = change.Swaps && report.Usable - use.SwapDebt > much && before.Usable > much;
        if (!contradicts)
            return;
        if (time - _last > BallastConstants.ContradictionForgotten)
            (_count, _first) = (0, time - change.Seconds);
        (_count, _last) = (_count + 1, time);
        if (_count >= 2 && time - _first >= BallastConstants.ContradictionLasts)
            Distrust(before, report, use, guest, time);
    }

    private void Distrust(GuestReport before, GuestReport report, UseEstimate use, GuestState guest, double time)
    {
        // What it gave free between the two, the host holds still: that it uses less now is no lie.
        double used = Math.Max(use.Used, UseEstimate.UsedOf(before, guest));
        double held = Math.Max(used, Math.Min(report.Actual, UseEstimate.HeldOf(guest)) - report.DiskCaches);
        double factor = BallastConstants.DistrustMargin * held / Math.Max(1, used);
        (_factor, _distrusted) = (IsDistrusted(time) ? Math.Max(_factor, factor) : factor, time);
    }
}
