namespace Ballast.Server;

/// <summary>
/// Sends events to clients in turns, on one of the pool's threads at a time. Users take turns, a few of a user's clients each; in its
/// turn a client is sent a few messages, and who does not read them has no further turn before it has.
/// </summary>
/// <param name="time">Where time comes from.</param>
/// <param name="isPaced">Whether it rests as long as it works, so that half of a processor is left to others.</param>
internal sealed class EventTurns(TimeProvider time, bool isPaced)
{
    private const int ClientsInARow = 8;

    // Shorter rests than timers give would cost more than they spare.
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private readonly List<UserLine> _users = [];
    private bool _isAtWork;
    private bool _isNews;

    public void Add(SessionEvents client)
    {
        lock (_gate)
        {
            if (_users.Find(user => user.Share == client.Share) is not { } line)
                _users.Add(line = new UserLine(client.Share));
            line.Clients.Add(client);
        }
    }

    public void Remove(SessionEvents client)
    {
        lock (_gate)
        {
            if (_users.Find(user => user.Share == client.Share) is { } line && line.Clients.Remove(client) && line.Clients.Count == 0)
                _users.Remove(line);
        }
    }

    /// <summary>There may be something to send.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _isNews = _users.Count > 0;
            if (_isAtWork || !_isNews)
                return;
            _isAtWork = true;
        }

        Unattended.Queue(static turns => _ = turns.WorkAsync(), this);
    }

    private async Task WorkAsync()
    {
        TimeSpan worked = TimeSpan.Zero;
        while (Next() is { } clients)
        {
            long start = time.GetTimestamp();
            foreach (SessionEvents client in clients)
                client.TakeTurn();
            worked += time.GetElapsedTime(start);
            if (!isPaced || worked < ShortestRest)
                continue;
            await Task.Delay(worked, time).ConfigureAwait(false);
            worked = TimeSpan.Zero;
        }
    }

    /// <summary>Those who are next; null where nobody has something to be sent: the work ends.</summary>
    private List<SessionEvents>? Next()
    {
        lock (_gate)
        {
            List<SessionEvents> next = [];
            foreach (UserLine user in _users)
                user.Take(next);
            _isAtWork = _isNews || next.Count > 0;
            _isNews = false;
            return _isAtWork ? next : null;
        }
    }

    private sealed class UserLine(UserShare share)
    {
        private int _next;

        public UserShare Share => share;

        public List<SessionEvents> Clients { get; } = [];

        public void Take(List<SessionEvents> taken)
        {
            int most = taken.Count + ClientsInARow;
            for (int seen = 0; seen < Clients.Count && taken.Count < most; seen++)
            {
                _next = (_next + 1) % Clients.Count;
                if (Clients[_next].HasNews)
                    taken.Add(Clients[_next]);
            }
        }
    }
}
