using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>Whose the monitor is: a monitor that was found is its owner's, and is used as long as the owner does not want it.</content>
internal sealed partial class QmpMonitor
{
    // How long a found monitor that was seen held is left alone after its owner went.
    private static readonly TimeSpan OwnersReturn = TimeSpan.FromSeconds(30);

    /// <summary>How long a found monitor is kept that nobody uses.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    // What is under way when the owner comes is given so long to end; a refresh, which has a period to set back, longer.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(50), LastOfRefresh = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastWordsPoll = TimeSpan.FromMilliseconds(2);

    private long? _heldAt;
    private long _usedAt;
    private int _namers;
    private bool _isYielding;

    /// <summary>Whether somebody in this process named the socket, which is consent to use and to keep it.</summary>
    public bool IsNamed => Volatile.Read(ref _namers) > 0;

    /// <summary>Whether it is making way for its owner: nothing is begun that has to be ended.</summary>
    public bool IsYielding
    {
        get
        {
            lock (_gate)
                return _isYielding;
        }
    }

    public void AddNamer() => Interlocked.Increment(ref _namers);

    public void RemoveNamer() => Interlocked.Decrement(ref _namers);

    /// <summary>Lets a found monitor go that nobody uses.</summary>
    /// <returns>Whether it is still one that has to be looked after.</returns>
    internal bool LetGoWhenIdle()
    {
        lock (_gate)
        {
            if (_channel is null || _disposed)
                return false;
            if (IsNamed || _listeners.Length > 0 || _phase != Phase.Idle || !HasPassed(_usedAt, Idle, _time.GetTimestamp()))
                return true;
        }

        Break(null, isIdle: true);
        return false;
    }

    /// <summary>Makes way for somebody who waits in the socket's queue: what is under way ends first, if it ends soon.</summary>
    internal async Task YieldAsync()
    {
        lock (_gate)
        {
            if (_isYielding || IsNamed || _channel is null)
                return;
            _isYielding = true;
        }

        try
        {
            // A refresh leaves the collection period as it was.
            Task refresh = Refresh.GiveUpAsync(QmpErrors.Busy(Path, "its owner, who came back"));
            long since = _time.GetTimestamp();
            while ((IsBusy && !HasPassed(since, LastWords, _time.GetTimestamp()))
                || (!refresh.IsCompleted && !HasPassed(since, LastOfRefresh, _time.GetTimestamp())))
            {
                await Task.Delay(LastWordsPoll, _time).ConfigureAwait(false);
            }

            NoteHeld();
            Log.Yielded();
            Break(QmpErrors.Busy(Path, "its owner, who came back"));
        }
        finally
        {
            lock (_gate)
                _isYielding = false;
        }
    }

    private void NoteHeld()
    {
        lock (_gate)
            _heldAt = _time.GetTimestamp();
    }

    /// <summary>The lock is held.</summary>
    private void NoteUse(long now) => _usedAt = now;

    /// <summary>Waits for a moment while a named monitor is held; a found one is its owner's.</summary>
    /// <returns>Whether nobody can tell who holds it.</returns>
    /// <exception cref="LibvirtException">It is held, or must be taken for held.</exception>
    private async Task<bool> WaitWhileHeldAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Endpoint.ReadClients() is not { } clients)
                return attempt.IsNamed ? true : throw QmpErrors.HolderUnknown(Path);
            if (clients.Count == 0)
                break;
            NoteHeld();
            if (!attempt.IsNamed || HasPassed(attempt.Since, HeldGrace, _time.GetTimestamp()))
                throw QmpErrors.HeldBy(Path, SocketHolder.Describe(clients));
            await Task.Delay(HeldPoll, _time, cancellationToken).ConfigureAwait(false);
        }

        // Its owner may be about to connect again: who takes the place in between keeps the owner waiting.
        lock (_gate)
        {
            if (!attempt.IsNamed && _heldAt is { } heldAt && !HasPassed(heldAt, OwnersReturn, _time.GetTimestamp()))
                throw QmpErrors.Busy(Path, "a program that left it a moment ago and may come back");
        }

        return !Endpoint.SeesAllClients;
    }
}
