using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Qmp;

/// <content>Commands that are sent for one caller alone.</content>
internal sealed partial class QmpMonitor
{
    /// <summary>
    /// Sends one command when the monitor owes no answer: a change is never queued behind a silent monitor. Cancelling
    /// forgets it; what was sent may still take effect, what was not sent never is.
    /// </summary>
    /// <returns>The monitor's error, or null.</returns>
    public Task<QmpError?> CallAsync(
        string name, byte[] command, bool changesSomething, QmpReplyReader reader, TimeSpan timeout, CancellationToken cancellationToken) =>
        CallAsync(name, command, replies: 1, changesSomething, reader, onRefusal: null, onSent: null, isMeant: null, timeout, cancellationToken);

    /// <summary>The same for a change.</summary>
    /// <param name="name">The command.</param>
    /// <param name="command">How it is written.</param>
    /// <param name="isMeant">Whether it is meant for who answers after so many of the monitor's connections were lost (<see cref="Losses"/>); null: whoever it is.</param>
    /// <param name="timeout">The longest wait.</param>
    /// <param name="cancellationToken">Forgets it.</param>
    /// <returns>The monitor's error, or null.</returns>
    public Task<QmpError?> ChangeAsync(
        string name, byte[] command, Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken) =>
        CallAsync(name, command, replies: 1, changesSomething: true, QmpReplies.ReadNothing, onRefusal: null, onSent: null, isMeant, timeout, cancellationToken);

    /// <summary>
    /// The same for several commands that are sent in one write, with nothing between them. Of each either the reply is read
    /// or the refusal told, in their order; and, before that, that they were sent.
    /// </summary>
    /// <returns>The first error that the monitor answered, or null.</returns>
    public Task<QmpError?> CallAsync(
        string name, byte[] commands, int replies, bool changesSomething, QmpReplyReader reader, Action? onRefusal, Action? onSent,
        Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken) => Activities.AreWanted
        ? TraceCallAsync(name, commands, replies, changesSomething, reader, onRefusal, onSent, isMeant, timeout, cancellationToken)
        : SendCallAsync(name, commands, replies, changesSomething, reader, onRefusal, onSent, isMeant, timeout, cancellationToken);

    private async Task<QmpError?> SendCallAsync(
        string name, byte[] commands, int replies, bool changesSomething, QmpReplyReader reader, Action? onRefusal, Action? onSent,
        Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long askedAt = _time.GetTimestamp();
        await _connector.EnsureConnectedAsync(timeout, askedAt, cancellationToken).ConfigureAwait(false);
        QmpCall call = new(name, commands, replies, changesSomething, reader, onRefusal, onSent, timeout, askedAt);
        bool isAnything;
        lock (_gate)
        {
            ThrowIfUnusable(timeout, _time.GetTimestamp());
            ThrowIfNotMeant(isMeant);
            Use.NoteUse(askedAt);
            _lane.Add(call);
            SendNext();
            isAnything = _sendQueue.TryEnqueueChosen(_channel);
        }

        Transmit(isAnything);
        using CancellationTokenRegistration registration = Unattended.Register(new Caller(this, call), cancellationToken);
        return await call.Task.ConfigureAwait(false);
    }

    /// <summary>Looks again for a balloon that was plugged after the connection was made.</summary>
    public async Task FindBalloonAsync(Func<long, bool>? isMeant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            _ = await CallAsync(
                "qom-list", QmpCommands.List(container), replies: 1, changesSomething: false, Take, onRefusal: null, onSent: null, isMeant, timeout,
                cancellationToken).ConfigureAwait(false);
            if (Balloon is not null)
                return;

            // The lock is held.
            void Take(QmpReply children)
            {
                if (HandshakeReplies.TryFindBalloon(children.Body, out string name, out bool isProxied))
                    _commands.UseBalloon(BalloonDevice.In(container, name, isProxied));
            }
        }
    }

    /// <summary>The device is not there any more.</summary>
    public void ForgetBalloon(BalloonDevice balloon)
    {
        lock (_gate)
        {
            if (Balloon == balloon)
                _commands.UseBalloon(null);
        }
    }

    private void Forget(QmpCall call, CancellationToken token)
    {
        lock (_gate)
        {
            if (_lane.Remove(call))
                _resynchronisation.Require();
        }

        call.Cancel(token);
    }

    private sealed class Caller(QmpMonitor monitor, QmpCall call) : ICancellable
    {
        public void Cancel(CancellationToken token) => monitor.Forget(call, token);
    }
}
