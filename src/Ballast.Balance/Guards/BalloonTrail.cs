namespace Ballast.Balance.Guards;

/// <summary>
/// How small and how large a balloon was in the last minute. However often it is looked at, it keeps one entry a second at most, and
/// one in all while the balloon stands still.
/// </summary>
internal sealed class BalloonTrail
{
    private const double Minute = 60;

    private readonly List<Stretch> _stretches = [];

    /// <summary>The balloon's size now, in MiB.</summary>
    public void Add(double now, double size)
    {
        int old = 0;
        while (old < _stretches.Count && _stretches[old].Last < now - Minute)
            old++;
        _stretches.RemoveRange(0, old);
        if (_stretches is [.., var last] && (now - last.First < 1 || (last.Least == size && last.Most == size)))
            _stretches[^1] = new(last.First, now, Math.Min(last.Least, size), Math.Max(last.Most, size));
        else
            _stretches.Add(new(now, now, size, size));
    }

    /// <summary>The smallest and the largest, this size among them.</summary>
    public (double Least, double Most) With(double size)
    {
        (double least, double most) = (size, size);
        foreach (Stretch stretch in _stretches)
            (least, most) = (Math.Min(least, stretch.Least), Math.Max(most, stretch.Most));
        return (least, most);
    }

    private readonly record struct Stretch(double First, double Last, double Least, double Most);
}
