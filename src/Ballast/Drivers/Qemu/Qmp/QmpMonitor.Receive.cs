using System.Globalization;
using System.Text.Json;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private Task? _receiving;

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

        // Who waits for the end does not go on upon the thread of all sockets.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }

    private bool TakeOne(QmpChannel channel, List<MonitorQuery> answered)
    {
        if (!channel.TryTakeMessage(out ReadOnlySpan<byte> json))
            return false;
        QmpMessage message = QmpMessage.Parse(json);
        bool isAnything;
        lock (_gate)
        {
            if (_channel != channel)
                return false;
            try
            {
                Handle(message, answered);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException("it sent something that is not JSON", e);
            }

            isAnything = TakeOutgoing();
        }

        Transmit(isAnything);

        // Only now, without the lock: they may go on from here.
        foreach (MonitorQuery query in answered)
            query.CompleteHere();
        answered.Clear();
        BeginNext(channel);
        return true;
    }

    private void Handle(QmpMessage message, List<MonitorQuery> answered)
    {
        if (message.Kind == QmpMessageKind.Event)
        {
            CountUnsolicited();
            HandleEvent(message);
        }
        else if (message.Kind == QmpMessageKind.Greeting)
            throw new InvalidDataException("it greeted in the middle of a connection");
        else if (_awaitedMark != 0)
            HandleBeforeMark(message);
        else if (!message.Id.IsEmpty || _phase == Phase.Idle)
        {
            // A reply that nobody asked for: find the place again before the next one is believed.
            CountUnsolicited();
            _isOutOfStep = true;
        }
        else if (_unwantedReplies > 0)
            _unwantedReplies--;
        else if (_phase == Phase.Call)
            HandleCallReply(message);
        else
            HandleQueryReply(message, answered);
    }

    private void HandleBeforeMark(QmpMessage message)
    {
        if (!long.TryParse(message.Id, NumberStyles.None, CultureInfo.InvariantCulture, out long mark) || mark != _awaitedMark)
        {
            CountUnsolicited();
            return;
        }

        _awaitedMark = 0;
        if (_phase != Phase.Resynchronise)
        {
            Log.Resynchronised();
            return;
        }

        Log.Revived(_time.GetElapsedTime(_silentSince));
        Enter(Phase.Idle);
        SendNext();
    }

    private void HandleQueryReply(QmpMessage message, List<MonitorQuery> answered)
    {
        _channel!.Answered(0);
        MonitorParts part = (MonitorParts)((int)_unanswered & -(int)_unanswered);
        if (message.Kind == QmpMessageKind.Return)
            ReadAnswer(part, message.Body);
        else if (part == MonitorParts.Balloon)
            _values.BalloonError = QmpError.Parse(message.Body);
        else if (part == MonitorParts.GuestStats)
            _values.GuestStatsError = QmpError.Parse(message.Body);
        else if (part == MonitorParts.VirtioStatus)
            _values.LacksVirtioStatus = QmpError.Parse(message.Body).Class == QmpErrorClass.CommandNotFound;
        else
            _ = QmpError.Parse(message.Body);

        _unanswered &= ~part;
        if (_unanswered == MonitorParts.None && TryAddKnownSize() && !AsksForMemoryDevices())
            FinishQuery(answered);
    }

    private void ReadAnswer(MonitorParts part, ReadOnlySpan<byte> body)
    {
        QmpReplies.Read(part, body, ref _values);

        // At once: what is told between this answer and the next is news.
        if (part == MonitorParts.Status)
            _values.State = _history.Note(_values.RunState, _values.IsRunning);
    }

    /// <summary>Where the program has closed the connection, nobody else tells of its end.</summary>
    private void BreakIfLost()
    {
        if (Volatile.Read(ref _channel) is { IsOurs: false } lost)
            Break(new ClosedByProgramException(), lost);
    }

    /// <summary>Ends the connection, or the given one if it is still the one in use; everybody who waits is told why.</summary>
    private void Break(Exception? cause, QmpChannel? channel = null, bool isIdle = false)
    {
        lock (_gate)
        {
            if (_channel is null || (channel is not null && _channel != channel))
                return;

            // First this: its owner may have its greeting as soon as the socket is closed, and ask us what we see.
            QmpChannel closed = _channel;
            _channel = null;
            closed.Dispose();
            Metrics.OpenMonitors.Add(-1);
            if (!_disposed && !_isYielding && !isIdle)
                Log.Lost(cause);
            NoteEnd(cause, _connectedAt);
            Exception error = _disposed ? Closed() : cause as LibvirtException ?? QmpErrors.Lost(Path, cause);
            foreach (MonitorQuery query in _asked)
                query.Fail(error);
            foreach (MonitorQuery query in _waiting)
                query.Fail(error);
            foreach (QmpCall call in _calls)
                call.Fail(error);
            _call?.Fail(error);
            _asked.Clear();
            _waiting.Clear();
            _calls.Clear();
            _call = null;
            Enter(Phase.Idle);
            _awaitedMark = 0;
            _isOutOfStep = false;
            ForgetOutgoing();
            foreach (IMonitorListener listener in _listeners)
                listener.Lost();
        }
    }
}
