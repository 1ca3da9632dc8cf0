using Ballast.Balance.Simulation;

namespace Ballast.Guests.Scenarios;

/// <summary>Loads of guests over time: sizes in MiB, times in seconds.</summary>
/// <param name="seconds">How long they last.</param>
/// <param name="pace">How much longer each phase takes than it says.</param>
/// <param name="size">How much larger each size is than it says.</param>
internal sealed class LoadShape(int seconds, double pace, double size)
{
    private const int Resolution = 15;

    public TimeSeries Constant(double value) => TimeSeries.Constant(size * value);

    public TimeSeries Points(params IEnumerable<(double Time, double Value)> points) => Scaled(points);

    /// <summary>Between low and high, as a sine.</summary>
    public TimeSeries Waves(double low, double high, double period, double phase)
    {
        int count = (seconds / Resolution) + 1;
        return new([.. Enumerable.Range(0, count).Select(i => At(i * Resolution))]);

        (double Time, double Value) At(double time) =>
            (time, size * (low + ((high - low) * (0.5 + (0.5 * Math.Sin(2 * Math.PI * ((time / (pace * period)) + phase)))))));
    }

    /// <summary>High for some seconds of each period, low for the rest, from a time on.</summary>
    public TimeSeries Bursts(double low, double high, double lasts, double period, double from = 0)
    {
        List<(double Time, double Value)> points = [(0, low)];
        for (double time = from; pace * time < seconds - (pace * period); time += period)
        {
            if (time > 1)
                points.AddRange([(time - 1, low), (time, high), (time + lasts, high), (time + lasts + 1, low)]);
        }

        return Scaled(points);
    }

    /// <summary>Rises from low to high through each period, and falls at its end.</summary>
    public TimeSeries Teeth(double low, double high, double period, double from)
    {
        List<(double Time, double Value)> points = [];
        for (double time = from - period; pace * time < seconds; time += period)
        {
            if (time >= 0)
                points.Add((time, low));
            if (time + period - 1 > 0)
                points.Add((time + period - 1, high));
        }

        return Scaled(points);
    }

    private TimeSeries Scaled(IEnumerable<(double Time, double Value)> points) => new([.. points.Select(point => (pace * point.Time, size * point.Value))]);
}
