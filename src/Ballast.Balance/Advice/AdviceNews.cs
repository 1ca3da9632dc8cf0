using Ballast.Balance.Guards;

namespace Ballast.Balance.Advice;

/// <summary>
/// Decides whether advice has changed enough to be reported. Amounts fluctuate from sample to sample, and so does advice that depends on
/// a limit. So only plain changes count at once: another guest, another reason to leave one alone, a guest that becomes short. Other
/// changes count if they are large enough and last for some samples.
/// </summary>
public sealed class AdviceNews
{
    /// <summary>Two amounts that differ by less than this share of the reported one count as equal.</summary>
    public const double LeastShare = 0.10;

    /// <summary>The number of samples in a row after which other changes count.</summary>
    public const int Looks = 3;

    /// <summary>The most samples in a row: for a guest whose advice keeps changing, the number doubles each time, up to this.</summary>
    public const int MostLooks = 8 * Looks;

    // Whether anything is advised at all changes only by an amount that is clearly worth it.
    private const double LeastTurn = 2;

    // A guest lacks far more than was told where it lacks so many times that.
    private const double FarMore = 2;

    private Dictionary<(Guid, int?), Told>? _told;

    /// <summary>Two amounts that differ by less than this count as equal, in MiB.</summary>
    public static double LeastAmount { get; } = new GuardLimits().LeastChange;

    /// <summary>Compares the current advice with the reported advice. Call it once per sample.</summary>
    /// <param name="guests">The advice about all guests.</param>
    /// <returns>Whether the advice has changed enough to be reported.</returns>
    public bool IsNews(IReadOnlyList<GuestAdvice> guests)
    {
        ArgumentNullException.ThrowIfNull(guests);
        bool isNews = _told?.Count != guests.Count;
        foreach (GuestAdvice guest in guests)
            isNews |= _told is not { } told || !told.TryGetValue(guest.Guest.Key, out Told? before) || before.IsOutdatedBy(new AdviceGist(guest));
        return isNews;
    }

    /// <summary>Notes the advice that was reported.</summary>
    /// <param name="guests">The advice about all guests.</param>
    public void Tell(IReadOnlyList<GuestAdvice> guests)
    {
        ArgumentNullException.ThrowIfNull(guests);
        Dictionary<(Guid, int?), Told> told = [];
        foreach (GuestAdvice guest in guests)
        {
            Told one = told[guest.Guest.Key] = _told?.GetValueOrDefault(guest.Guest.Key) ?? new Told();
            one.Tell(new AdviceGist(guest));
        }

        _told = told;
    }

    /// <summary>What was told about a guest, and for how long it has been otherwise.</summary>
    private sealed class Told
    {
        private AdviceGist _gist;
        private int _otherFor, _calmFor, _restless, _patience = Looks;

        public void Tell(AdviceGist gist)
        {
            if (_otherFor > 0)
                _patience = Math.Min(MostLooks, 2 * _patience);
            (_gist, _otherFor, _calmFor) = (gist, 0, 0);
        }

        public bool IsOutdatedBy(AdviceGist now)
        {
            bool isPlain = now.IsPlainlyOther(_gist), isOther = isPlain || now.IsOther(_gist);
            (_otherFor, _calmFor) = isOther ? (_otherFor + 1, 0) : (0, _calmFor + 1);
            if (_calmFor >= _patience)
                (_patience, _calmFor) = (Math.Max(Looks, _patience / 2), 0);

            // Who goes to and fro between two that are plain is believed when it stays with one. That a guest is short is not hidden so:
            // one that thrashes reports late again and again.
            bool isNews = _otherFor >= _patience || (isPlain && (_restless == 0 || now.IsNewlyShort(_gist)));
            _restless = isPlain ? Looks : Math.Max(0, _restless - 1);
            return isNews;
        }
    }

    /// <summary>What counts of advice about a guest.</summary>
    private readonly struct AdviceGist
    {
        private readonly AdviceKind _kind;
        private readonly bool _isShort;
        private readonly bool _areLimitsUnknown;
        private readonly AdviceRisk _risk;
        private readonly GuardRule? _bound;
        private readonly MemoryStatsReason _sample;
        private readonly string _reason;
        private readonly double _amount;

        public AdviceGist(GuestAdvice guest)
        {
            (_kind, _isShort, _risk, _bound, _sample) = (guest.Kind, guest.IsShort, guest.Risk, guest.BoundBy, guest.Guest.Stats.Reason);

            // Why nothing is to be done is told nobody.
            _reason = guest.Kind == AdviceKind.Keep ? "" : guest.Reason;

            // Who is left alone is not told to grow in any case.
            _areLimitsUnknown = !guest.AreLimitsKnown && !IsLeft;
            _amount = guest.Kind switch
            {
                AdviceKind.Take or AdviceKind.Could or AdviceKind.Give => (guest.Target - guest.Balloon) ?? 0,
                AdviceKind.Wait => guest.Short,
                _ => 0,
            };
        }

        private bool IsLeft => _kind == AdviceKind.Leave;

        private bool Lacks => _kind is AdviceKind.Wait or AdviceKind.Give;

        /// <summary>It is no wobble.</summary>
        public bool IsPlainlyOther(AdviceGist before) =>
            IsLeft != before.IsLeft || _sample != before._sample || (IsLeft && !IsSameText(_reason, before._reason))
            || IsNewlyShort(before);

        /// <summary>It is short all of a sudden, or lacks far more. That it is short is a fact, whatever is advised about it.</summary>
        public bool IsNewlyShort(AdviceGist before) =>
            (_isShort && !before._isShort)
            || (Lacks && Differs(before, LeastTurn)
                && (!before.Lacks || (_kind == AdviceKind.Wait && before._kind == AdviceKind.Wait && _amount >= FarMore * before._amount)));

        /// <summary>It is another one, if it stays.</summary>
        public bool IsOther(AdviceGist before) =>
            _isShort != before._isShort || _areLimitsUnknown != before._areLimitsUnknown || (_kind != before._kind
                ? (_kind != AdviceKind.Keep && before._kind != AdviceKind.Keep) || Lacks != before.Lacks || Differs(before, LeastTurn)
                : Differs(before, 1) || _risk != before._risk || (_kind != AdviceKind.Keep && _bound != before._bound) || !IsSameText(_reason, before._reason));

        // The numbers in it are the amount's.
        private static bool IsSameText(string one, string other)
        {
            for (int i = 0, j = 0; ; i++, j++)
            {
                while (i < one.Length && char.IsAsciiDigit(one[i]))
                    i++;
                while (j < other.Length && char.IsAsciiDigit(other[j]))
                    j++;
                if (i == one.Length || j == other.Length)
                    return i == one.Length && j == other.Length;
                if (one[i] != other[j])
                    return false;
            }
        }

        private bool Differs(AdviceGist before, double factor) =>
            Math.Abs(_amount - before._amount) >= factor * Math.Max(LeastAmount, LeastShare * Math.Abs(before._amount));
    }
}
