namespace Ballast.Balance;

/// <summary>
/// Decides how large balloons should be. The same history always gives the same wishes: a policy has no clock, reads nothing, and
/// remembers only its earlier calls.
/// </summary>
public interface IBalloonPolicy
{
    /// <summary>One decision.</summary>
    /// <param name="host">The host now.</param>
    /// <param name="guests">The guests now, always in the same order.</param>
    /// <returns>A wish for each guest, in their order.</returns>
    IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests);
}
