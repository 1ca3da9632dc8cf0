namespace Ballast.Balance.Policies.Needs;

/// <summary>
/// What a guest uses: all that it cannot give back, shared memory included, and what of it lies in its swap. Caches are not asked:
/// shared memory is reported among them. Its size less what is usable is right for guests of both kinds, those whose MemTotal
/// shrinks with the balloon and those whose balloon counts as used.
/// </summary>
internal sealed class UseEstimate
{
    private double _used, _swapDebt, _growthRate, _peak, _peakTime, _size;
    private bool _thrashes;
    private RepeatedPeak _repeated = new();

    /// <summary>What it uses and what lies in its swap, in MiB.</summary>
    public double Demand => _used + _swapDebt;

    /// <summary>What it uses, in MiB, as it says.</summary>
    public double Used => _used;

    /// <summary>What lies in its swap and is wanted back, in MiB: written less read since its first report.</summary>
    public double SwapDebt => _swapDebt;

    /// <summary>It reads the same from its swap again and again.</summary>
    public bool IsThrashing => _thrashes;

    /// <summary>What it will need beyond its demand after some seconds, in MiB.</summary>
    public double GrowthWithin(double seconds)
    {
        double growth = Math.Max(0, _growthRate) * seconds;
        return _thrashes ? Math.Max(growth, ((1 + BallastConstants.ThrashGrowth) * _size) - Demand) : growth;
    }

    /// <summary>What it needed at its peaks, the less the longer ago, in MiB.</summary>
    public double PeakAt(double time) => _peak * Math.Pow(0.5, Math.Max(0, time - _peakTime) / BallastConstants.PeakHalfLife);

    /// <summary>Its need comes back to the same peak again and again.</summary>
    public bool RepeatsPeak(double time) => _repeated.IsKnown(time);

    /// <summary>What a report says that it uses; no more than the host holds of it, which it cannot forge.</summary>
    public static double UsedOf(GuestReport report, GuestState guest) =>
        Math.Min(report.Actual - Sizes.Clamp(report.Usable, 0, report.Actual), Math.Max(HeldOf(guest), guest.Minimum));

    /// <summary>What the host holds of a guest, in MiB; where nobody can tell, all that its balloon leaves it.</summary>
    public static double HeldOf(GuestState guest) => guest.Resident > 0 ? Math.Min(guest.Resident, guest.Balloon) : guest.Balloon;

    /// <summary>The first report, or the first after it began anew.</summary>
    public void Begin(GuestReport report, double used, double time)
    {
        (_used, _swapDebt, _growthRate, _thrashes, _size) = (used, 0, 0, false, report.Actual);
        (_peak, _peakTime, _repeated) = (used, time, new RepeatedPeak());
    }

    /// <summary>Another report.</summary>
    public void Learn(GuestReport report, double used, ReportChange change, double time)
    {
        bool isFull = report.Usable <= BallastConstants.FullShare * report.Actual;
        double before = Demand;
        _swapDebt = SwapDebtAfter(change, isFull);
        (_used, _size) = (used, report.Actual);
        _growthRate = (Demand - before) / Math.Max(BallastConstants.ShortestRate, change.Seconds);
        _thrashes = !isFull && change.ReadsAgain;
        double peak = PeakAt(time);
        _repeated.Learn(Demand, peak, time);
        (_peak, _peakTime) = (Math.Max(peak, Demand), time);
    }

    private double SwapDebtAfter(ReportChange change, bool isFull)
    {
        double debt = _swapDebt + change.SwappedOut;

        // What is read into a full guest pushes something else out.
        if (isFull)
            return debt;

        // Where there is room and nothing comes back, nothing is wanted back.
        return change.IsSwapQuiet ? 0 : Math.Max(0, debt - Math.Min(change.SwappedIn, change.UseGrowth));
    }
}
