namespace Ballast.Balance.Policies;

/// <summary>Gives all guests the same share of what lies between their minimum and maximum, whatever they need.</summary>
public sealed class ProportionalPolicy : IBalloonPolicy
{
    private const double Spare = 64;

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        double slack = host.Memory - host.Overhead - Spare - Sizes.Sum(guests, guest => guest.Minimum);
        double range = Sizes.Sum(guests, guest => guest.Maximum - guest.Minimum);
        double share = range > 0 ? Sizes.Clamp(slack / range, 0, 1) : 0;
        return
        [
            .. guests.Select(guest => new BalloonWish(
                guest.Minimum + (share * (guest.Maximum - guest.Minimum)), "All get the same share of what is above their minimum.")),
        ];
    }
}
