namespace Ballast.Balance.Guards;

/// <summary>
/// What becomes of a guest that says it uses more than the host holds of it. It boasts, or it keeps memory that it has not touched
/// yet. Which of the two shows when it is shrunk below its claim by a little at a time: who needs its claim, swaps or reads its
/// files again, and then is believed for long.
/// </summary>
internal sealed class ClaimTest(GuardLimits limits)
{
    private GuestReport? _last;
    private double _believedUntil = double.MinValue, _steppedAt = double.MinValue;

    /// <summary>Another look at the guest.</summary>
    public void Look(GuestReport? report, double now)
    {
        if (report is null || !double.IsFinite(report.Time) || report.Time <= _last?.Time)
            return;
        if (_last is { } before)
        {
            bool swaps = !(report.SwapOut <= before.SwapOut && report.SwapIn <= before.SwapIn);
            bool rereads = !(report.MajorFaults - before.MajorFaults <= limits.QuietFaults * (report.Time - before.Time));
            if (swaps || rereads)
                _believedUntil = now + limits.BelievedSeconds;
        }

        _last = report;
    }

    /// <summary>Something was set: the next step waits for a report from after that, which can show what it did.</summary>
    public void Stepped(double now) => _steppedAt = now;

    /// <summary>What a guest keeps, in MiB.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="claimed">What it is to keep by what it says.</param>
    /// <param name="held">What it is to keep by what the host holds, less than that.</param>
    /// <param name="now">The time in seconds.</param>
    public double Floor(GuestState guest, double claimed, double held, double now)
    {
        if (_last is null || guest.Report is null || now < _believedUntil)
            return claimed;
        double step = _last.Time > _steppedAt ? limits.ClaimStep : 0;
        return Math.Max(held, Math.Min(claimed, guest.Balloon - step));
    }
}
