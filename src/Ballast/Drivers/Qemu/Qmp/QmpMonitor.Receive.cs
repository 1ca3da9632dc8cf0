using System.Text.Json;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>What the monitor sends.</content>
internal sealed partial class QmpMonitor
{
    private async Task ReceiveAllAsync(QmpChannel channel)
    {
        // Not on the caller's thread: what was received with the handshake must not run under its lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Exception? cause = null;
        try
        {
            List<MonitorQuery> answered = [];
            do
            {
                while (TakeOne(channel, answered))
                {
                }
            }
            while (await channel.ReceiveAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            // Whatever it is: a connection that nobody reads from must not look as if it stood.
            cause = e;
        }

        Break(cause, channel);

        // Who waits for the end does not run on the thread of all sockets; of our own closing, which no poller tells, it does not anyway.
        await SocketPoller.Leave();
    }

    private bool TakeOne(QmpChannel channel, List<MonitorQuery> answered)
    {
        if (!channel.TryTakeMessage(out ReadOnlySpan<byte> json))
            return false;
        QmpMessage message = QmpMessage.Parse(json);
        bool isAnything, isNextWanted;
        lock (_gate)
        {
            if (_channel != channel)
                return false;
            try
            {
                Handle(channel, message, answered);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException("it sent something that is not JSON", e);
            }

            isAnything = _sendQueue.TryEnqueueChosen(_channel);
            isNextWanted = answered.Count > 1 || _lane.IsWaitedFor;
        }

        Transmit(isAnything);
        if (answered.Count > 0)
            Serve(channel, answered, isNextWanted);
        SendAhead(channel, isWanted: false);
        return true;
    }

    /// <summary>
    /// Gives an answer to those whose code runs here; the lock is not held. Many of them ask again at once, and share the next query with
    /// those who wait already: it is sent when all are served, and but for its last byte before, so that QEMU reads it meanwhile.
    /// </summary>
    private void Serve(QmpChannel channel, List<MonitorQuery> answered, bool isNextWanted)
    {
        if (isNextWanted)
            SendAhead(channel, isWanted: true);
        foreach (MonitorQuery query in answered)
            Unattended.Run(static query => query.CompleteInline(), query);
        answered.Clear();
        bool isAnything;
        lock (_gate)
        {
            _isServing = false;
            SendNext();
            isAnything = _sendQueue.TryEnqueueChosen(_channel);
        }

        Transmit(isAnything);
    }

    private void Handle(QmpChannel channel, in QmpMessage message, List<MonitorQuery> answered)
    {
        if (message.Kind == QmpMessageKind.Event)
        {
            _unsolicited.Count();
            HandleEvent(message);
        }
        else if (message.Kind == QmpMessageKind.Greeting)
        {
            throw new InvalidDataException("it greeted in the middle of a connection");
        }
        else if (_resynchronisation.IsUnderWay)
        {
            HandleBeforeMark(message);
        }
        else if (!message.Id.IsEmpty || _lane.Phase == LanePhase.Idle)
        {
            // A reply that nobody asked for: find the place again before the next one is believed.
            _unsolicited.Count();
            _resynchronisation.Require();
        }
        else if (_prefetch.TryDiscardReply())
        {
            // It answers what was sent ahead in vain.
        }
        else if (_lane.Phase == LanePhase.Call)
        {
            channel.Answered(message.Length);
            if (_lane.Reply(message))
                SendNext();
        }
        else
        {
            channel.Answered(0);
            HandleQueryReply(message, answered);
        }
    }

    private void HandleBeforeMark(in QmpMessage message)
    {
        if (!_resynchronisation.TryEnd(message))
        {
            _unsolicited.Count();
            return;
        }

        if (_lane.Phase != LanePhase.Resynchronise)
        {
            Log.Resynchronised();
            return;
        }

        Log.Revived(_lane.Silence(_time.GetTimestamp()));
        _lane.EndResynchronisation();
        SendNext();
    }

    private void HandleQueryReply(in QmpMessage message, List<MonitorQuery> answered)
    {
        MonitorParts part = _question.Read(message);
        ref MonitorValues values = ref _question.Values;
        if (part == MonitorParts.Status && values.Has(MonitorParts.Status))
            values.State = _events.Note(values.RunState, values.IsRunning);
        if (!_question.IsAnswered)
            return;
        if (!_size.TryAdd(ref values, _lane.IsAwaited))
            Ask(MonitorParts.Balloon);

        // Where memory was plugged, of what kinds it is: virtio-mem counts otherwise than DIMMs.
        else if (_lane.IsAwaited && values.PluggedBytes != 0 && !_question.HasAsked(MonitorParts.MemoryDevices))
            Ask(MonitorParts.MemoryDevices);
        else
            FinishQuery(answered);
    }

    private void HandleEvent(in QmpMessage message)
    {
        _size.NoteMove();
        if (message.Body.SequenceEqual("\"BALLOON_CHANGE\""u8))
        {
            ulong? actual = QmpReplies.ReadActual(message.Data, "BALLOON_CHANGE");
            _size.Change(actual);
            if (actual is { } told)
                _events.NoteBalloon(told);
        }
        else if (message.Body.SequenceEqual("\"DEVICE_DELETED\""u8)
            && Balloon is { } balloon && QmpMembers.ReadText(message.Data, "path"u8) == balloon.Path)
        {
            _commands.UseBalloon(null);
            _size.Change(null);
        }
        else if (QmpEventReader.Read(message) is var happened and not MonitorEvent.None)
        {
            _events.Note(happened);
        }
    }

    /// <summary>Sends the question ahead that is likely to come next. The lock is not held.</summary>
    /// <param name="channel">Where to.</param>
    /// <param name="isWanted">Whether somebody waits for it, or is as good as certain to: else only while no other QEMU is at work.</param>
    private void SendAhead(QmpChannel channel, bool isWanted)
    {
        byte[] question;
        bool isAnything;
        lock (_gate)
        {
            if (!_prefetch.IsDue(isWanted) || _lane.Phase != LanePhase.Idle || _channel != channel
                || _resynchronisation.IsNeeded || _resynchronisation.IsUnderWay || Balloon is null)
            {
                return;
            }

            if (!isWanted && !MonitorLoad.IsCalm)
            {
                SendAheadWhenCalm(channel);
                return;
            }

            question = _commands.Questions(MonitorParts.GuestStats);
            isAnything = _sendQueue.TryEnqueue(channel, _prefetch.Begin(channel, question));
        }

        Transmit(isAnything);
        lock (_gate)
        {
            if (!_prefetch.TryEnd(channel, question))
                return;

            // What was asked meanwhile.
            SendNext();
            isAnything = _sendQueue.TryEnqueueChosen(_channel);
        }

        Transmit(isAnything);
    }

    // Beside its caller: what captures a variable of a method costs each call of it an object.
    private void SendAheadWhenCalm(QmpChannel channel)
    {
        _prefetch.WaitForCalm();
        MonitorLoad.WhenCalm(() =>
        {
            lock (_gate)
                _prefetch.EndWait();
            SendAhead(channel, isWanted: false);
        });
    }
}
