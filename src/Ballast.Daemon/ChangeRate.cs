using System.Diagnostics;

namespace Ballast.Daemon;

/// <summary>
/// How many lines there may be about changes: so many at once and then one in a while, of each subject and of all together. A
/// guest that comes and goes all the time fills no disk, and hides no other's lines.
/// </summary>
internal sealed class ChangeRate
{
    private const int OfSubject = 20, OfAll = 500, MaxSubjects = 4096;

    private static readonly TimeSpan SubjectPause = TimeSpan.FromSeconds(30), AllPause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Allowance> _subjects = [];
    private readonly Allowance _all = new(OfAll, AllPause);
    private long _leftOut;

    /// <summary>Whether there may be a line now, and how many were left out before it.</summary>
    public bool TryTake(string subject, out long leftOut)
    {
        lock (_gate)
        {
            if (!_subjects.TryGetValue(subject, out Allowance? own))
            {
                if (_subjects.Count >= MaxSubjects)
                    _subjects.Clear();
                _subjects.Add(subject, own = new Allowance(OfSubject, SubjectPause));
            }

            leftOut = 0;
            if (!own.TryTake() || !_all.TryTake())
            {
                _leftOut++;
                return false;
            }

            (leftOut, _leftOut) = (_leftOut, 0);
            return true;
        }
    }

    private sealed class Allowance(int most, TimeSpan pause)
    {
        private double _left = most;
        private long _since = Stopwatch.GetTimestamp();

        public bool TryTake()
        {
            long now = Stopwatch.GetTimestamp();
            _left = Math.Min(most, _left + (Stopwatch.GetElapsedTime(_since, now) / pause));
            _since = now;
            if (_left < 1)
                return false;
            _left--;
            return true;
        }
    }
}
