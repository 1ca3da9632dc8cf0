using Ballast.Balance.Advice;
using Ballast.Balance.Guards;

namespace Ballast.Balance.Recording;

/// <summary>One guest on its way through a record, under the wishes of one policy: sizes in MiB.</summary>
internal sealed class GuestReplay(string name, Guid uuid)
{
    private const double KiB = 1024;
    private const int MostWorst = 10;

    // Who lacks less, lacks nothing: it is what the guards hold to be no change.
    private static readonly double Least = new GuardLimits().LeastChange;

    private readonly List<WrongWish> _worst = [];
    private GuestRun _run = new();
    private GuestReading _reading = new();
    private GuestUse _use = new();
    private WishedGuest _wished = new();
    private double? _wish;
    private string _reason = "";
    private double _seconds, _known, _balloons, _wishes, _least = double.MaxValue;
    private double? _mostNeeded;
    private WrongWish? _wrong;
    private int _wrongs;
    private double _worstLack, _longest, _wrongSeconds;

    /// <summary>What was seen last, as it was recorded; null where nothing was since it was away.</summary>
    public GuestFacts? Facts { get; private set; }

    /// <summary>What policies and guards are told; null where nobody knows how large it is.</summary>
    public GuardedGuest? Guarded { get; private set; }

    /// <summary>What the host would hold less of it now than it did.</summary>
    public double Returned { get; private set; }

    /// <summary>By how much wishes lay below its balloon, times seconds.</summary>
    public double GivenSum { get; private set; }

    /// <summary>The same of what lay above it.</summary>
    public double GrownSum { get; private set; }

    /// <summary>The largest lacks, each with its wish.</summary>
    public IEnumerable<WrongWish> Worst => _wrong is null ? _worst : _worst.Append(_wrong);

    /// <summary>Whether it is seen in another run of its process now, which began since the last look.</summary>
    public bool IsAnother(GuestFacts guest, double now) => _run.IsOver(guest, now);

    /// <summary>It is back after it was away, or started anew: its balloon is where it is now.</summary>
    public GuestReplay Again()
    {
        EndLack();
        _run = _run.Next();
        (_reading, _use, _wished, Facts, _wish, Guarded) = (new GuestReading(), new GuestUse(), new WishedGuest(), null, null, null);
        return this;
    }

    /// <summary>What is seen of it now.</summary>
    /// <param name="guest">As it was recorded, with its last size.</param>
    /// <param name="host">The host's memory.</param>
    /// <param name="now">Now, in seconds.</param>
    /// <param name="passed">Seconds for which the last wish held; 0 at the first look.</param>
    public void See(GuestFacts guest, HostMemory host, double now, double passed)
    {
        GuestStanding standing = GuestStanding.Of(guest);
        _run.See(guest, now);
        Facts = guest;
        if (guest.SizeKiB is not { } size)
        {
            (Guarded, Returned) = (null, 0);
            return;
        }

        double balloon = size / KiB, maximum = Math.Max(balloon, (guest.MaximumKiB ?? 0) / KiB);
        double wish = Math.Min(_wish ?? balloon, maximum);
        double? needed = _use.Needed(guest) / KiB;
        if (standing.Alone is not null)
            needed = null;
        if (passed > 0)
        {
            Sum(balloon, wish, passed);
            Judge(needed, wish, now, passed);
        }

        _wish = wish;
        GuestFacts shifted = _wished.Of(guest, wish, isCertain: standing.Alone is null);
        Returned = ((guest.ResidentKiB ?? 0) - (double)(shifted.ResidentKiB ?? 0)) / KiB;
        Guarded = _reading.Read(_run.NameOf(guest), shifted, standing, GuestReading.ResidentOf(shifted, host), wish, now);
    }

    /// <summary>What becomes of the policy's wish.</summary>
    /// <returns>How far that moves its balloon.</returns>
    public double Wish(double? target, string reason)
    {
        if (target is not { } size)
            return 0;
        double moved = Math.Abs(size - (_wish ?? size));
        (_wish, _reason) = (size, reason);
        return moved;
    }

    public ReplayedGuest Result()
    {
        EndLack();
        double Mean(double sum) => _seconds > 0 ? sum / _seconds : 0;
        return new ReplayedGuest(name, uuid)
        {
            Seconds = _seconds,
            KnownSeconds = _known,
            BalloonMib = Mean(_balloons),
            WishMib = Mean(_wishes),
            LeastWishMib = _seconds > 0 ? _least : _wish ?? 0,
            MostNeededMib = _mostNeeded,
            GivenMib = Mean(GivenSum),
            Wrong = _wrongs,
            WorstMib = _worstLack,
            LongestSeconds = _longest,
            WrongSeconds = _wrongSeconds,
        };
    }

    private void Sum(double balloon, double wish, double passed)
    {
        _seconds += passed;
        _balloons += balloon * passed;
        _wishes += wish * passed;
        _least = Math.Min(_least, wish);
        GivenSum += Math.Max(0, balloon - wish) * passed;
        GrownSum += Math.Max(0, wish - balloon) * passed;
    }

    // What is seen at the end of an interval counts for all of it: nobody knows since when.
    private void Judge(double? needed, double wish, double now, double passed)
    {
        if (needed is not { } size)
        {
            EndLack();
            return;
        }

        _known += passed;
        _mostNeeded = Math.Max(_mostNeeded ?? 0, size);
        double lack = size - wish;
        if (lack < Least)
        {
            EndLack();
            return;
        }

        _wrongSeconds += passed;
        WrongWish wrong = new(name, now, passed, wish, size, _reason);
        if (_wrong is not { } before)
        {
            _wrongs++;
            _wrong = wrong;
        }
        else
        {
            double seconds = before.Seconds + passed;
            _wrong = (lack > before.LackMib ? wrong : before) with { Seconds = seconds };
        }
    }

    private void EndLack()
    {
        if (_wrong is not { } wrong)
            return;
        _wrong = null;
        (_worstLack, _longest) = (Math.Max(_worstLack, wrong.LackMib), Math.Max(_longest, wrong.Seconds));
        _worst.Add(wrong);
        if (_worst.Count > MostWorst)
            _ = _worst.Remove(_worst.MinBy(one => one.LackMib)!);
    }
}
