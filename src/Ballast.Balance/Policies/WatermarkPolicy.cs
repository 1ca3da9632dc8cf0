namespace Ballast.Balance.Policies;

/// <summary>
/// Ignores what guests report. When 10 % of the host or less is free, it takes memory until 15 % are: from each guest in proportion to
/// what its maximum is above its floor, which is its minimum or half of its maximum.
/// </summary>
public sealed class WatermarkPolicy : IBalloonPolicy
{
    private const double Low = 0.10, High = 0.15, FloorShare = 0.5;

    private bool _isPressed;

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        double free = host.Free / host.Memory;
        _isPressed = free <= Low || (_isPressed && free < High);
        double[] room = [.. guests.Select(guest => Math.Max(0, guest.Maximum - Math.Max(guest.Minimum, FloorShare * guest.Maximum)))];
        double all = Sizes.Sum(room, size => size);
        double taken = Sizes.Sum(guests, guest => guest.Maximum - guest.LastWish);
        double wanted = _isPressed ? Sizes.Clamp(taken + (High * host.Memory) - host.Free, 0, all) : 0;
        return
        [
            .. guests.Select((guest, i) => new BalloonWish(
                guest.Maximum - (wanted * room[i] / (all == 0 ? 1 : all)), _isPressed ? "The host has little free memory." : "The host has free memory.")),
        ];
    }
}
