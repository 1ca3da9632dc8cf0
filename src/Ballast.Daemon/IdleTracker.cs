using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>Says when there was no client for some time.</summary>
internal sealed class IdleTracker : IDisposable
{
    private readonly ClientHandler _clients;
    private TimeSpan? _timeout;
    private readonly ITimer _timer;

    public IdleTracker(ClientHandler clients, TimeSpan? timeout, Action isIdle)
    {
        _clients = clients;
        _timeout = timeout;
        _timer = Background.CreateTimer(
            () =>
            {
                if (clients.Clients == 0 && _timeout is not null)
                    isIdle();
            },
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        clients.Changed += Restart;
        Restart();
    }

    public void Dispose()
    {
        _clients.Changed -= Restart;
        _timer.Dispose();
    }

    /// <summary>Another time; null: never.</summary>
    public void Change(TimeSpan? timeout)
    {
        _timeout = timeout;
        Restart();
    }

    private void Restart() => _timer.Change(_timeout ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
