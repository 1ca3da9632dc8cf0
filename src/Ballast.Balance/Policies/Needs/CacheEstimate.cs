namespace Ballast.Balance.Policies.Needs;

/// <summary>
/// How much of its files a guest reads again and again: between the usable memory with which it did and that with which it did not.
/// Who never did so needs none that is known of.
/// </summary>
internal sealed class CacheEstimate
{
    private double _enough = double.PositiveInfinity, _wanted, _lastTime = double.NegativeInfinity;
    private double? _tooLittle;

    /// <summary>What it is to have for files, in MiB.</summary>
    public double Wanted => Math.Max(BallastConstants.CacheLeast, _wanted);

    /// <summary>It has been seen to read files again.</summary>
    public bool IsKnown => _tooLittle is not null;

    /// <summary>Another report.</summary>
    public void Learn(GuestReport report, ReportChange change)
    {
        double usable = Sizes.Clamp(report.Usable, 0, report.Actual);
        if (change.RereadsFiles && !change.FillsCache)
            WasTooLittle(usable, report.Time);
        else if (change.IsSwapQuiet && !change.RereadsFiles)
            WasEnough(usable);
        if (report.Time - _lastTime > BallastConstants.CacheMemory)
            Forget();
    }

    public void Forget() => (_enough, _wanted, _tooLittle, _lastTime) = (double.PositiveInfinity, 0, null, double.NegativeInfinity);

    private void WasTooLittle(double usable, double time)
    {
        (_tooLittle, _lastTime) = (usable, time);
        if (_enough <= usable)
            _enough = double.PositiveInfinity;
        double more = usable + Math.Max(BallastConstants.CacheStepLeast, BallastConstants.CacheStep * usable);
        _wanted = Math.Max(_wanted, Math.Min(_enough, more));
    }

    private void WasEnough(double usable)
    {
        _enough = Math.Min(_enough, usable);
        if (IsKnown)
            _wanted = Math.Min(_wanted, _enough);
    }
}
