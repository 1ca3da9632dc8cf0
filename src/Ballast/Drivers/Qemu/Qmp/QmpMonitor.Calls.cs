namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private readonly List<QmpCall> _calls = [];
    private QmpCall? _call;
    private bool _wasCall;

    /// <summary>The balloon device, where one was found.</summary>
    public BalloonDevice? Balloon { get; private set; }

    /// <summary>
    /// Sends one command when the monitor owes no answer: a change is never queued behind a silent monitor. Cancelling
    /// forgets it; what was sent may still take effect, what was not sent never is.
    /// </summary>
    /// <returns>The monitor's error, or null.</returns>
    public Task<QmpError?> CallAsync(
        string name, byte[] command, bool changesSomething, QmpReplyReader reader, TimeSpan timeout, CancellationToken cancellationToken) =>
        CallAsync(name, command, replies: 1, changesSomething, reader, timeout, cancellationToken);

    /// <summary>The same for several commands that go out in one write, with nothing between them.</summary>
    /// <returns>The first error that the monitor answered, or null.</returns>
    public async Task<QmpError?> CallAsync(
        string name, byte[] commands, int replies, bool changesSomething, QmpReplyReader reader, TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long askedAt = _time.GetTimestamp();
        await EnsureConnectedAsync(timeout, askedAt, cancellationToken).ConfigureAwait(false);
        QmpCall call = new(name, commands, replies, changesSomething, reader, timeout, askedAt);
        bool isAnything;
        lock (_gate)
        {
            ThrowIfUnusable(timeout, _time.GetTimestamp());
            NoteUse(askedAt);
            _calls.Add(call);
            SendNext();
            ArmTimer(askedAt, timeout);
            isAnything = TakeOutgoing();
        }

        Transmit(isAnything);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                (QmpMonitor monitor, QmpCall call) = ((QmpMonitor, QmpCall))state!;
                monitor.Forget(call, token);
            }, (this, call));
        return await call.Task.ConfigureAwait(false);
    }

    /// <summary>Looks again for a balloon that was plugged after the connection was made.</summary>
    public async Task FindBalloonAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            _ = await CallAsync("qom-list", QmpCommands.List(container), changesSomething: false, Take, timeout, cancellationToken)
                .ConfigureAwait(false);
            if (Balloon is not null)
                return;

            // The lock is held.
            void Take(ReadOnlySpan<byte> children)
            {
                if (QmpReplies.TryFindBalloon(children, out string name, out bool isProxied))
                    UseBalloon(BalloonDevice.In(container, name, isProxied));
            }
        }
    }

    /// <summary>The device is not there any more.</summary>
    public void ForgetBalloon(BalloonDevice balloon)
    {
        lock (_gate)
        {
            if (Balloon == balloon)
                UseBalloon(null);
        }
    }

    private void UseBalloon(BalloonDevice? balloon)
    {
        Balloon = balloon;
        _commands.Clear();
    }

    private void Forget(QmpCall call, CancellationToken token)
    {
        lock (_gate)
        {
            if (_call == call)
                _isOutOfStep = true;
            else
                _ = _calls.Remove(call);
        }

        call.Cancel(token);
    }

    /// <summary>The lock is held, and something waits.</summary>
    private QmpCall? TakeCall()
    {
        // In turns with queries, or one kind of caller could keep the other waiting for ever.
        if (_calls.Count == 0 || (_wasCall && _waiting.Count > 0))
            return null;
        QmpCall call = _calls[0];
        _calls.RemoveAt(0);
        return call;
    }

    private void HandleCallReply(QmpMessage message)
    {
        QmpCall call = _call!;
        _channel!.Answered(message.Length);
        if (message.Kind == QmpMessageKind.Error)
            call.Error ??= QmpError.Parse(message.Body);
        else
            call.Reader(message.Body);
        if (--call.RepliesLeft > 0)
            return;
        _call = null;
        Enter(Phase.Idle);
        call.Complete();
        SendNext();
    }
}
