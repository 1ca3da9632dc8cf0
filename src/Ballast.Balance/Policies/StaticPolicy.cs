namespace Ballast.Balance.Policies;

/// <summary>Never moves a balloon.</summary>
public sealed class StaticPolicy : IBalloonPolicy
{
    /// <inheritdoc/>
    public IReadOnlyList<BalloonWish> Decide(HostState host, IReadOnlyList<GuestState> guests)
    {
        ArgumentNullException.ThrowIfNull(guests);
        return [.. guests.Select(_ => BalloonWish.Same)];
    }
}
