namespace Ballast.Balance.Policies;

/// <summary>
/// Moves each balloon by a PI controller of its own that wants 20 % of the host's memory free. No guest shrinks below what it uses, a
/// third of its maximum or its minimum; if less than 10 % of the host is free, what it uses does not count.
/// </summary>
public sealed class PiControlPolicy : IBalloonPolicy
{
    private const double Wanted = 0.20, Pressed = 0.10, FloorShare = 0.33, Proportional = 0.5, Integral = 0.05, LeastChange = 128;

    private readonly Dictionary<string, double> _integrals = [];

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        return [.. guests.Select(guest => Decide(host, guest))];
    }

    private BalloonWish Decide(HostState host, GuestState guest)
    {
        double free = host.Free / host.Memory;
        double low = Math.Max(guest.Minimum, FloorShare * guest.Maximum);
        if (free >= Pressed && guest.Report is { } report)
            low = Math.Max(low, report.Available - report.Usable);
        double error = Wanted - free;
        double total = Sizes.Clamp(_integrals.GetValueOrDefault(guest.Name) + (error * host.Period), -1, 1);
        double target = Sizes.Clamp(
            guest.Balloon - (((Proportional * error) + (Integral * total)) * guest.Maximum), Math.Min(low, guest.Maximum), guest.Maximum);

        // Where it cannot go further, it does not save up to do so.
        bool isAtEnd = target == low || target == guest.Maximum;
        if (!(isAtEnd && error * (target == low ? 1 : -1) > 0))
            _integrals[guest.Name] = total;
        return Math.Abs(target - guest.LastWish) >= LeastChange || isAtEnd
            ? new BalloonWish(target, "A fifth of the host's memory is to be free.")
            : BalloonWish.Same;
    }
}
