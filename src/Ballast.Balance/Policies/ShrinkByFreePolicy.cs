namespace Ballast.Balance.Policies;

/// <summary>
/// Shrinks guests by at most 5 % per decision while less than 20 % of the host is free, and otherwise lets them grow. Caches count as
/// used, so a guest gives only unused memory.
/// </summary>
public sealed class ShrinkByFreePolicy : IBalloonPolicy
{
    private const double Pressed = 0.20, Scarce = 0.05, Step = 0.05, LeastChange = 0.0025;

    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(guests);
        double free = host.Free / host.Memory;
        return [.. guests.Select(guest => free < Pressed ? Shrink(guest, free) : Grow(guest))];
    }

    private static BalloonWish Shrink(GuestState guest, double free)
    {
        double spare = free <= Scarce ? free - Scarce : free;
        double low = Math.Max(guest.Minimum, Used(guest) + (spare * guest.Balloon));
        double target = Math.Max(guest.Balloon * (1 - Step), low);
        return target <= guest.Balloon && IsWorthIt(guest, target)
            ? new BalloonWish(Sizes.Clamp(target, guest.Minimum, guest.Maximum), "The host has little free memory.")
            : BalloonWish.Same;
    }

    private static BalloonWish Grow(GuestState guest)
    {
        if (guest.Balloon >= guest.Maximum)
            return BalloonWish.Same;
        double low = Math.Max(guest.Minimum, Used(guest) + (Pressed * guest.Balloon));
        double target = Math.Min(Math.Max(guest.Balloon * (1 + Step), low), guest.Maximum);
        return IsWorthIt(guest, target) ? new BalloonWish(target, "The host has free memory.") : BalloonWish.Same;
    }

    private static double Used(GuestState guest) => guest.Report is { } report ? report.Actual - report.Unused : guest.Balloon;

    private static bool IsWorthIt(GuestState guest, double target) => Math.Abs(target - guest.Balloon) > LeastChange * guest.Balloon;
}
