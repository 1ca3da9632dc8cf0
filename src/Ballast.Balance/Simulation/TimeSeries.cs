namespace Ballast.Balance.Simulation;

/// <summary>A value over time: linear between points, and the first's and the last's value before and after them.</summary>
public sealed class TimeSeries
{
    private readonly (double Time, double Value)[] _points;

    /// <param name="points">At least one, in the order of their times.</param>
    /// <exception cref="ArgumentException">There is none, or they are out of order.</exception>
    public TimeSeries(IEnumerable<(double Time, double Value)> points)
    {
        _points = [.. points];
        if (_points.Length == 0)
            throw new ArgumentException("has no points");
        for (int i = 1; i < _points.Length; i++)
        {
            if (_points[i].Time < _points[i - 1].Time)
                throw new ArgumentException(FormattableString.Invariant($"goes back in time after {_points[i - 1].Time}"));
        }
    }

    /// <summary>A constant value.</summary>
    public static TimeSeries Constant(double value) => new([(0, value)]);

    /// <summary>The value at a time, in seconds.</summary>
    public double At(double time)
    {
        int place = 0;
        return At(time, ref place);
    }

    /// <summary>The same, faster, for callers that only move forward in time.</summary>
    /// <param name="time">In seconds.</param>
    /// <param name="place">Where the last value was found; 0 at the start.</param>
    internal double At(double time, ref int place)
    {
        if (time <= _points[0].Time)
            return _points[0].Value;
        if (time > _points[^1].Time)
            return _points[^1].Value;

        // The first point that is not before it; the one before that is.
        if (place == 0 || _points[place - 1].Time >= time)
            place = 1;
        while (_points[place].Time < time)
            place++;
        ((double t0, double v0), (double t1, double v1)) = (_points[place - 1], _points[place]);
        return t1 == t0 ? v1 : v0 + ((v1 - v0) * (time - t0) / (t1 - t0));
    }
}
