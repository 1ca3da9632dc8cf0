using System.Numerics;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>What is sent, and what becomes of those who wait too long for an answer.</content>
internal sealed partial class QmpMonitor
{
    /// <summary>Starts the next thing where nothing is under way. The lock is held.</summary>
    private void SendNext()
    {
        if (_lane.Phase != LanePhase.Idle || _prefetch.IsBeingSent || _channel is null)
            return;
        if (_lane.TakeCall() is { } call)
        {
            _prefetch.NoteQuestion(isForStats: false);
            CommandsSent += call.Count;
            call.NoteSent();
            Send(call.Command);
        }
        else if (!_isServing && _lane.TryTakeQueries(out MonitorParts parts))
        {
            parts = _size.WithoutKnown(_commands.Askable(parts));
            _prefetch.NoteQuestion((parts & MonitorParts.GuestStats) != 0);
            _question.Start();
            if (parts == MonitorParts.None)
                FinishQuery(inline: null);
            else
                Ask(parts);
        }
    }

    private void Ask(MonitorParts parts)
    {
        _question.Ask(parts);
        CommandsSent += BitOperations.PopCount((uint)parts);
        Send(_commands.Questions(parts));
    }

    /// <summary>Chooses what is sent next; whoever holds the lock takes it along. The lock is held.</summary>
    private void Send(byte[] commands)
    {
        _lane.NoteSent();
        SendAsIs(_resynchronisation.IsNeeded ? [.. Mark(), .. commands] : commands);
    }

    private void SendAsIs(byte[] commands)
    {
        _sendQueue.Choose(_prefetch.Continue(commands, isDiscardedAnyway: _resynchronisation.IsUnderWay, out bool isDiscarded));
        if (isDiscarded)
            CommandsSent++;
    }

    private byte[] Mark()
    {
        CommandsSent++;
        byte[] mark = _resynchronisation.MakeMark();
        _prefetch.NoteMark();
        return mark;
    }

    /// <summary>Sends what was queued. The lock is not held.</summary>
    private void Transmit(bool isAnything)
    {
        if (!isAnything || _sendQueue.SendAll() is not { } failures)
            return;
        foreach ((QmpChannel channel, Exception error) in failures)
            Break(error, channel);
    }

    /// <param name="inline">Takes those whose code may run here, for when the lock is free.</param>
    private void FinishQuery(List<MonitorQuery>? inline)
    {
        ref MonitorValues values = ref _question.Values;
        values.Number = Interlocked.Increment(ref _answered);
        (values.Connection, values.LastReset, values.LastMove) = (_events.Connection, _events.LastReset, _events.LastMove);
        _size.Note(values);
        _lane.FinishQuery(values, inline);
        _isServing = inline is { Count: > 0 };
        SendNext();
    }

    private void ExpireDeadlines()
    {
        bool isAnything = false;
        try
        {
            BreakIfLost();
        }
        finally
        {
            lock (_gate)
            {
                try
                {
                    bool isHung = _lane.Expire(_time.GetTimestamp(), out bool leavesAnswer);
                    if (leavesAnswer)
                        _resynchronisation.Require();
                    if (isHung)
                        AwaitMark();
                }
                finally
                {
                    // Whatever went wrong, who still waits is not forgotten.
                    _lane.ArmAll();
                    isAnything = _sendQueue.TryEnqueueChosen(_channel);
                }
            }
        }

        Transmit(isAnything);
    }

    /// <summary>Asks for a mark behind what is unanswered.</summary>
    private void AwaitMark()
    {
        Log.Hung(_lane.Silence(_time.GetTimestamp()));
        _lane.AwaitMark();
        SendAsIs(Mark());
    }
}
