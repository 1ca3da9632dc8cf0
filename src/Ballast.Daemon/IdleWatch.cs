namespace Ballast.Daemon;

/// <summary>Says when there was no client for some time.</summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly ClientHandler _clients;
    private readonly TimeSpan _timeout;
    private readonly Timer _timer;

    public IdleWatch(ClientHandler clients, TimeSpan timeout, Action isIdle)
    {
        _clients = clients;
        _timeout = timeout;
        _timer = new Timer(_ =>
        {
            if (clients.Clients == 0)
                isIdle();
        });
        clients.Changed += Restart;
        Restart();
    }

    public void Dispose()
    {
        _clients.Changed -= Restart;
        _timer.Dispose();
    }

    private void Restart() => _timer.Change(_timeout, Timeout.InfiniteTimeSpan);
}
