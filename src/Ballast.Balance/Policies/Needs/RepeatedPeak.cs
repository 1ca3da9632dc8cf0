namespace Ballast.Balance.Policies.Needs;

/// <summary>
/// Whether a guest's need comes back to the same peak again and again. Then its leaps end about there, and memory beyond that is better
/// kept for the peaks of others.
/// </summary>
internal sealed class RepeatedPeak
{
    private double _low = double.PositiveInfinity, _lastTime = double.NegativeInfinity;
    private int _times;

    /// <summary>It came back often enough, and not long ago.</summary>
    public bool IsKnown(double time) => _times >= BallastConstants.PeakTimes && time - _lastTime < BallastConstants.PeakHalfLife;

    /// <summary>Another report.</summary>
    /// <param name="need">What it needs, in MiB.</param>
    /// <param name="peak">What it needed at its peaks until then.</param>
    /// <param name="time">The time now, in seconds.</param>
    public void Learn(double need, double peak, double time)
    {
        if (need > BallastConstants.PeakMargin * peak)
            (_low, _times) = (need, 0);
        else if (need >= BallastConstants.PeakReached * peak && need >= BallastConstants.PeakRise * _low)
            (_low, _lastTime, _times) = (need, time, _times + 1);
        else
            _low = Math.Min(_low, need);
    }
}
