namespace Ballast.Balance.Guards;

/// <summary>Whether a balloon goes to its targets, which may change on its way.</summary>
internal sealed class BalloonPull(GuardLimits limits)
{
    private double _from, _since;
    private int _direction;

    /// <summary>Looks where it is.</summary>
    /// <param name="size">Its size now, in MiB.</param>
    /// <param name="target">Where it is to be.</param>
    /// <param name="now">The time in seconds.</param>
    /// <returns>Whether it was pulled to one side for long, and did not move there.</returns>
    public bool IsStuck(double size, double target, double now)
    {
        double distance = target - size;
        int direction = Math.Abs(distance) <= limits.LeastChange ? 0 : Math.Sign(distance);
        if (direction == 0 || direction != _direction || (size - _from) * direction >= limits.LeastChange)
            (_direction, _from, _since) = (direction, size, now);
        return direction != 0 && now - _since >= limits.FollowSeconds;
    }

    /// <summary>What was is no measure any more.</summary>
    public void Forget() => _direction = 0;
}
