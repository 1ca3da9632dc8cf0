namespace Ballast.Server.Authentication;

/// <summary>Slows down whoever guesses: a few failures are free, then one in each interval.</summary>
/// <param name="time">The clock.</param>
internal sealed class AuthenticationFailures(TimeProvider time)
{
    /// <summary>Failures of one peer before it has to wait.</summary>
    public const int Free = 5;

    // Who comes from more places than that pushes out the ones that were silent longest.
    private const int MaxPeers = 4096;

    /// <summary>For each failure, the time after which it is forgotten.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (double Failures, long Since)> _peers = [];

    /// <summary>How long a peer has to wait before it may try again; zero: not at all.</summary>
    public TimeSpan Wait(string peer)
    {
        lock (_gate)
        {
            double excess = Current(peer) - Free + 1;
            return excess > 0 ? excess * Interval : TimeSpan.Zero;
        }
    }

    public void Add(string peer)
    {
        lock (_gate)
        {
            double failures = Current(peer) + 1;
            if (!_peers.ContainsKey(peer) && _peers.Count >= MaxPeers)
                _peers.Remove(_peers.MinBy(each => each.Value.Since).Key);

            // Who is refused without being asked adds nothing, so the wait is bounded by those who ask at the same time.
            _peers[peer] = (failures, time.GetTimestamp());
        }
    }

    private double Current(string peer)
    {
        if (!_peers.TryGetValue(peer, out (double Failures, long Since) known))
            return 0;
        double left = known.Failures - (time.GetElapsedTime(known.Since) / Interval);
        if (left > 0)
            return left;
        _peers.Remove(peer);
        return 0;
    }
}
