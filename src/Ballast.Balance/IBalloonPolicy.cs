namespace Ballast.Balance;

/// <summary>
/// Decides how large balloons should be. The same history always gives the same wishes: a policy has no clock, reads nothing, and
/// remembers only its earlier calls.
/// </summary>
public interface IBalloonPolicy
{
    /// <summary>Decides once for all guests.</summary>
    /// <param name="host">The current state of the host.</param>
    /// <param name="guests">The current state of the guests, always in the same order.</param>
    /// <returns>A wish for each guest, in the same order.</returns>
    IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests);
}
