namespace Ballast.Cli.Top;

/// <summary>What was largest within one part of a history, in KiB; not a number: unknown.</summary>
internal readonly record struct HistoryPoint(float Used, float Cache, float Balloon, float Resident)
{
    public static HistoryPoint Of(MemoryStats stats) => new(ToNumber(stats.Used?.KiB), ToNumber(stats.DiskCachesKiB), ToNumber(stats.ActualKiB), ToNumber(stats.RssKiB));

    public HistoryPoint Largest(HistoryPoint other) =>
        new(Larger(Used, other.Used), Larger(Cache, other.Cache), Larger(Balloon, other.Balloon), Larger(Resident, other.Resident));

    private static float ToNumber(ulong? kib) => kib ?? float.NaN;

    private static float Larger(float one, float other) => float.IsNaN(one) || other > one ? other : one;
}

/// <summary>
/// A guest's memory since somebody began to look, in a bounded number of points: when there are too many, each two become one.
/// </summary>
internal sealed class TopHistory
{
    public const int MaxPoints = 240;

    private readonly List<HistoryPoint> _points = [];
    private int _looksPerPoint = 1, _looksInLast;

    public IReadOnlyList<HistoryPoint> Points => _points;

    public void Add(HistoryPoint point)
    {
        if (_looksInLast > 0 && _looksInLast < _looksPerPoint)
        {
            _points[^1] = _points[^1].Largest(point);
            _looksInLast++;
            return;
        }

        if (_points.Count == MaxPoints)
        {
            for (int i = 0; i < MaxPoints / 2; i++)
                _points[i] = _points[2 * i].Largest(_points[(2 * i) + 1]);
            _points.RemoveRange(MaxPoints / 2, MaxPoints / 2);
            _looksPerPoint *= 2;
        }

        _points.Add(point);
        _looksInLast = 1;
    }
}
