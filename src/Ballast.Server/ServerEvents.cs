namespace Ballast.Server;

/// <summary>
/// Events for all clients. Of each connection there is one subscription, whose last events are kept once for all (<see cref="EventFeed"/>).
/// They go out in turns (<see cref="EventTurns"/>): those of clients that may change something wait for nobody.
/// </summary>
internal sealed class ServerEvents(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Connection, EventFeed> _feeds = [];
    private readonly EventTurns _privileged = new(time, isPaced: false), _readers = new(time, isPaced: true);

    public EventTurns TurnsOf(UserShare share) => share.IsReader ? _readers : _privileged;

    public EventFeed FeedOf(Connection connection)
    {
        lock (_gate)
        {
            if (!_feeds.TryGetValue(connection, out EventFeed? feed))
                _feeds.Add(connection, feed = new EventFeed(connection, this));
            return feed;
        }
    }

    /// <summary>Something happened. Short: the pool sends it.</summary>
    public void Wake()
    {
        _privileged.Wake();
        _readers.Wake();
    }
}
