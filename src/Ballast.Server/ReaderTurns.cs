using Ballast.Rpc;

namespace Ballast.Server;

/// <summary>
/// Turns of those who may only read. They have a few workers together, for which users stand in line, and the clients of a
/// user behind each other: however many there are, the others' calls find a processor, and each user's come in their turn.
/// Where nobody waits a turn costs nothing.
/// </summary>
/// <param name="workers">How many are at work at a time.</param>
internal sealed class ReaderTurns(int workers)
{
    private readonly Lock _gate = new();
    private readonly Queue<UserShare> _line = [];
    private int _working;
    private long _kept;

    /// <summary>What is kept of all readers' calls that wait for their round.</summary>
    public long KeptBytes => Interlocked.Read(ref _kept);

    public void AddKept(int bytes) => Interlocked.Add(ref _kept, bytes);

    /// <summary>Less of a user's is kept, so that it may have room again.</summary>
    public void RemoveKept(UserShare share, int bytes)
    {
        Interlocked.Add(ref _kept, -bytes);
        lock (_gate)
        {
            if (share.Waiting.Count > 0)
                StandInLine(share);
        }
    }

    public ValueTask EnterAsync(UserShare share, CancellationToken cancellationToken)
    {
        ReaderTurn turn;
        lock (_gate)
        {
            if (_working < workers && share is { HasRoom: true, Waiting.Count: 0 } && _line.Count == 0)
            {
                _working++;
                return default;
            }

            turn = new ReaderTurn();
            share.Waiting.Enqueue(turn);
            StandInLine(share);
        }

        return WaitAsync(turn, cancellationToken);
    }

    /// <summary>A turn for what a call has to do after a wait, as to read files: it is under way already, and needs no room.</summary>
    public ValueTask EnterWorkAsync(UserShare share, CancellationToken cancellationToken)
    {
        ReaderTurn turn;
        lock (_gate)
        {
            if (_working < workers && share.WaitingWork.Count == 0 && _line.Count == 0)
            {
                _working++;
                return default;
            }

            turn = new ReaderTurn();
            share.WaitingWork.Enqueue(turn);
            StandInLine(share);
        }

        return WaitAsync(turn, cancellationToken);
    }

    public void Leave()
    {
        lock (_gate)
        {
            _working--;
            GiveTurns();
        }
    }

    public void CallBegan(UserShare share)
    {
        lock (_gate)
            share.CallsUnderWay++;
    }

    public void CallEnded(UserShare share)
    {
        lock (_gate)
        {
            share.CallsUnderWay--;
            if (share.Waiting.Count > 0)
                StandInLine(share);
        }
    }

    private static async ValueTask WaitAsync(ReaderTurn turn, CancellationToken cancellationToken)
    {
        await using (Unattended.Register(turn, cancellationToken).ConfigureAwait(false))
            await turn.Task.ConfigureAwait(false);
    }

    private void StandInLine(UserShare share)
    {
        if (!share.IsInLine && share.HasNext)
        {
            share.IsInLine = true;
            _line.Enqueue(share);
        }

        GiveTurns();
    }

    private void GiveTurns()
    {
        while (_working < workers && _line.TryDequeue(out UserShare? share))
        {
            share.IsInLine = false;
            while (share.TryTakeNext(out ReaderTurn? turn))
            {
                // Who gave up has none.
                if (!turn.TrySetResult())
                    continue;
                _working++;
                break;
            }

            if (share.HasNext)
            {
                share.IsInLine = true;
                _line.Enqueue(share);
            }
        }
    }
}

/// <summary>One that is waited for.</summary>
internal sealed class ReaderTurn() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), ICancellable
{
    void ICancellable.Cancel(CancellationToken token) => TrySetCanceled(token);
}

/// <summary>What one client has of its user's share.</summary>
/// <param name="share">The user's.</param>
/// <param name="turns">Of those who may only read.</param>
/// <param name="largeMessages">The places for long messages of all users.</param>
internal sealed class ClientShare(UserShare share, ReaderTurns turns, SemaphoreSlim largeMessages) : IRpcShare
{
    public bool HasTurns => share.IsReader;

    public ValueTask EnterAsync(CancellationToken cancellationToken) => turns.EnterAsync(share, cancellationToken);

    public void Leave() => turns.Leave();

    // Who takes no turns is not counted: the lock is the readers'.
    public void CallBegan()
    {
        if (HasTurns)
            turns.CallBegan(share);
    }

    public void CallEnded()
    {
        if (HasTurns)
            turns.CallEnded(share);
    }

    public async ValueTask AdmitLargeMessageAsync(CancellationToken cancellationToken)
    {
        await share.LargeMessages.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await largeMessages.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            share.LargeMessages.Release();
            throw;
        }
    }

    public void LeaveLargeMessage()
    {
        largeMessages.Release();
        share.LargeMessages.Release();
    }

    public bool TryBlock() => share.TryAddBlocked();

    public void Unblock() => share.RemoveBlocked();
}
