using System.Globalization;
using Ballast.Balance;
using Ballast.Balance.Guards;

namespace Ballast.Guests.Scenarios;

/// <summary>Many guests of a host, of all kinds, whose numbers change from round to round.</summary>
public sealed class GuestFleet
{
    private const double Maximum = 4096, Period = 10;

    private readonly string[] _names;
    private readonly double[] _balloons, _wishes, _swapped, _swapIn, _swapOut;
    private readonly double _room;
    private readonly Random _random = new(1);
    private double _time;

    /// <param name="count">How many guests there are.</param>
    /// <param name="isShort">Whether they need more together than the host has: some of what they need is in their swap.</param>
    public GuestFleet(int count, bool isShort = false)
    {
        _room = isShort ? 0.2 : 0.7;
        _names = [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"guest{i}"))];
        (_balloons, _wishes, _swapped, _swapIn, _swapOut) = (new double[count], new double[count], new double[count], new double[count], new double[count]);
        Array.Fill(_balloons, Maximum);
        Array.Fill(_wishes, Maximum);
    }

    /// <summary>The host and its guests ten seconds later.</summary>
    public (HostState Host, GuardedGuest[] Guests) Next()
    {
        _time += Period;
        GuardedGuest[] guests = new GuardedGuest[_names.Length];
        for (int i = 0; i < guests.Length; i++)
            guests[i] = Guest(i);
        return (new HostState(_room * Maximum * guests.Length, 1024, 32, 1000, _time, Period), guests);
    }

    /// <summary>What was decided: the balloons go there until the next round.</summary>
    public void Follow(IReadOnlyList<BalloonWish> wishes, IReadOnlyList<GuardDecision> decisions)
    {
        for (int i = 0; i < _balloons.Length; i++)
            (_wishes[i], _balloons[i]) = (wishes[i].Target ?? _wishes[i], decisions[i].Target ?? _balloons[i]);
    }

    private GuardedGuest Guest(int i)
    {
        double size = _balloons[i], need = (0.1 + (0.8 * _random.NextDouble())) * Maximum / 2, used = Math.Min(0.95 * size, need), cache = 0.5 * (size - used);
        Swap(i, need - used);
        bool isSilent = i % 17 == 0;
        GuestReport report = new(
            isSilent ? 0 : _time - 1, size, size, size - used - cache, size - used, cache, _swapIn[i] + (i % 5 == 0 ? _time : 0), _swapOut[i] + (i % 5 == 0 ? 2 * _time : 0),
            MajorFaults: i % 7 == 0 ? 10 * _time : 0);
        return new GuardedGuest
        {
            State = new GuestState
            {
                Name = _names[i],
                Maximum = Maximum,
                Minimum = 256,
                Balloon = size,
                LastWish = _wishes[i],
                Resident = used + cache,
                Report = report,
            },
            IsCertain = !isSilent,
            Used = used,
            DeflatesOnOom = i % 2 == 0,
            Obstacle = i % 101 == 0 ? GuestObstacle.Paused : GuestObstacle.None,
        };
    }

    private void Swap(int i, double swapped)
    {
        double more = swapped - _swapped[i];
        _swapOut[i] += Math.Max(0, more);
        _swapIn[i] += Math.Max(0, -more);
        _swapped[i] = swapped;
    }
}
