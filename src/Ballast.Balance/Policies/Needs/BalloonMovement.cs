namespace Ballast.Balance.Policies.Needs;

/// <summary>Whether a guest's balloon goes where it is wished to.</summary>
internal sealed class BalloonMovement
{
    private double _size, _time;
    private double? _unmovedDown, _unmovedUp;
    private bool _isKnown;

    /// <summary>Looks where it is since the last wish.</summary>
    /// <param name="host">The host now.</param>
    /// <param name="guest">The guest now.</param>
    /// <param name="spare">What the budget has beyond all balloons, in MiB: with none, it was the guard that let it not grow.</param>
    public void Look(HostState host, GuestState guest, double spare)
    {
        const double Least = BallastConstants.MovesLeast;
        // By what it was told, which is what was wished, unless wishes are only advice.
        bool shrinks = _isKnown && guest.LastWish < guest.Balloon - Least, grows = _isKnown && guest.LastWish > guest.Balloon + Least;
        bool down = shrinks && guest.Balloon >= _size - Least;
        bool isUnmoved = Math.Abs(guest.Balloon - _size) < Least;

        // Once it is stuck, only moving shows that it no longer is: guards that leave it alone tell it nothing.
        bool up = (IsStuckSmall && isUnmoved) || (grows && isUnmoved && spare > BallastConstants.Probe);
        _unmovedDown = down ? _unmovedDown ?? _time : null;
        _unmovedUp = up ? _unmovedUp ?? _time : null;
        IsStuckLarge = IsLongAgo(_unmovedDown);
        IsStuckSmall = IsLongAgo(_unmovedUp);

        bool IsLongAgo(double? since) => host.Time - since >= BallastConstants.MovesWithin;
    }

    /// <summary>It does not shrink when told.</summary>
    public bool IsStuckLarge { get; private set; }

    /// <summary>It does not grow, though it could.</summary>
    public bool IsStuckSmall { get; private set; }

    public void Wished(HostState host, GuestState guest) => (_size, _time, _isKnown) = (guest.Balloon, host.Time, true);
}
