using System.Diagnostics;

namespace Ballast.Daemon;

/// <summary>
/// How many lines there may be about changes: so many at once and then one in a while, of each subject, and of each kind
/// together. A guest that comes and goes all the time fills no disk, and a crowd of them hides neither trouble nor what
/// clients had done, nor does one client hide what another did.
/// </summary>
internal sealed class ChangeRate
{
    private const int OfSubject = 20, OfKind = 500, MaxKnown = 4096;

    private static readonly TimeSpan SubjectPause = TimeSpan.FromSeconds(30), KindPause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Allowance> _subjects = [];
    private readonly Dictionary<string, Allowance> _kinds = [];
    private long _leftOut;

    /// <summary>Whether there may be a line now, and how many were left out before it.</summary>
    /// <param name="kind">What it is about.</param>
    /// <param name="subject">Whom it is about, for this kind; strangers make as many as they like.</param>
    /// <param name="leftOut">Lines that were left out since the last one.</param>
    public bool TryTake(string kind, string subject, out long leftOut)
    {
        lock (_gate)
        {
            leftOut = 0;
            if (!Of(_subjects, subject, OfSubject, SubjectPause).TryTake() || !Of(_kinds, kind, OfKind, KindPause).TryTake())
            {
                _leftOut++;
                return false;
            }

            (leftOut, _leftOut) = (_leftOut, 0);
            return true;
        }
    }

    // Who was quiet for long is forgotten first; where all are noisy, newcomers share one allowance.
    private static Allowance Of(Dictionary<string, Allowance> all, string key, int most, TimeSpan pause)
    {
        if (all.Count >= MaxKnown && !all.ContainsKey(key))
        {
            foreach (string quiet in all.Where(known => known.Value.IsWhole).Select(known => known.Key).ToArray())
                all.Remove(quiet);
            if (all.Count >= MaxKnown)
                key = "";
        }

        if (!all.TryGetValue(key, out Allowance? allowance))
            all.Add(key, allowance = new Allowance(most, pause));
        return allowance;
    }

    private sealed class Allowance(int most, TimeSpan pause)
    {
        private double _left = most;
        private long _since = Stopwatch.GetTimestamp();

        public bool IsWhole
        {
            get
            {
                Refill();
                return _left >= most;
            }
        }

        public bool TryTake()
        {
            Refill();
            if (_left < 1)
                return false;
            _left--;
            return true;
        }

        private void Refill()
        {
            long now = Stopwatch.GetTimestamp();
            _left = Math.Min(most, _left + (Stopwatch.GetElapsedTime(_since, now) / pause));
            _since = now;
        }
    }
}
