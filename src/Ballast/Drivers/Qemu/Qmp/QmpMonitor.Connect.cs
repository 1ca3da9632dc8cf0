using System.Net.Sockets;
using System.Text;

namespace Ballast.Drivers.Qemu.Qmp;

internal sealed partial class QmpMonitor
{
    private const int Eagain = 11;
    private const int Enametoolong = 36;

    // Two short-lived readers of one monitor, such as two commands run at once, should meet without an error.
    private static readonly TimeSpan HeldGrace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HeldPoll = TimeSpan.FromMilliseconds(10);

    private QmpChannel? _channel;
    private Task? _connecting;
    private LibvirtException? _connectError;
    private long _connectFailedAt;

    /// <summary>What the monitor said at the last connect; null before the first.</summary>
    public QmpHello? Hello { get; private set; }

    /// <summary>Who listens, as of the last connect.</summary>
    public UnixSocketPeer Peer { get; private set; }

    /// <summary>The balloon device, where one was found.</summary>
    public BalloonDevice? Balloon { get; private set; }

    /// <summary>Connects where there is no connection. One attempt serves all callers; a monitor that was just found silent or held fails at once.</summary>
    public Task EnsureConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        EnsureConnectedAsync(timeout, _time.GetTimestamp(), cancellationToken);

    /// <summary>Looks again for a balloon that was plugged after the connection was made.</summary>
    public async Task FindBalloonAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            QmpResult result = await CallAsync(
                "qom-list", QmpCommands.List(container), changesSomething: false, timeout, cancellationToken).ConfigureAwait(false);
            if (result.Error is null && QmpReplies.TryFindBalloon(result.Body, out string name, out bool isProxied))
            {
                lock (_gate)
                    UseBalloon(BalloonDevice.In(container, name, isProxied));
                return;
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

    private async Task EnsureConnectedAsync(TimeSpan timeout, long askedAt, CancellationToken cancellationToken)
    {
        Task connecting;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_channel is not null)
                return;
            if (_connecting is null)
            {
                if (_connectError is not null && !HasPassed(_connectFailedAt, timeout, _time.GetTimestamp()))
                    throw Again(_connectError);
                _connecting = ConnectAsync(timeout);
            }

            connecting = _connecting;
        }

        TimeSpan left = timeout - _time.GetElapsedTime(askedAt);
        try
        {
            await connecting.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw QmpErrors.NoGreeting(Path, timeout);
        }
    }

    private LibvirtException Again(LibvirtException error) => error.Code == ErrorCode.OperationTimeout
        ? QmpErrors.KnownHung(Path, _time.GetElapsedTime(_connectFailedAt) + TimeSpan.FromMilliseconds(1))
        : error;

    private async Task ConnectAsync(TimeSpan timeout)
    {
        // The caller holds the lock until this yields.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using CancellationTokenSource deadline = new(timeout, _time);
        QmpChannel? channel = null;
        try
        {
            await WaitWhileHeldAsync(deadline.Token).ConfigureAwait(false);
            Socket socket = await OpenSocketAsync(deadline.Token).ConfigureAwait(false);
            channel = new QmpChannel(socket);
            UnixSocketPeer peer = UnixSocketPeer.Of(socket);
            QmpHello hello = await QmpHandshake.RunAsync(channel, deadline.Token).ConfigureAwait(false);
            Connected(channel, hello, peer);
            channel = null;
        }
        catch (Exception e) when (e is SocketException or InvalidDataException or EndOfStreamException or OperationCanceledException or LibvirtException)
        {
            throw Failed(Translate(e, timeout));
        }
        finally
        {
            channel?.Dispose();
        }
    }

    private LibvirtException Translate(Exception error, TimeSpan timeout) => error switch
    {
        LibvirtException libvirt => libvirt,
        OperationCanceledException => QmpErrors.NoGreeting(Path, timeout),
        EndOfStreamException => QmpErrors.Lost(Path, null),
        _ => QmpErrors.Lost(Path, error),
    };

    private LibvirtException Failed(LibvirtException error)
    {
        lock (_gate)
        {
            _connecting = null;
            _connectError = error.Code is ErrorCode.OperationTimeout ? error : null;
            _connectFailedAt = _time.GetTimestamp();
        }

        return error;
    }

    private void Connected(QmpChannel channel, QmpHello hello, UnixSocketPeer peer)
    {
        lock (_gate)
        {
            _connecting = null;
            _connectError = null;
            if (_disposed)
            {
                channel.Dispose();
                return;
            }

            Hello = hello;
            Peer = peer;
            ActualBytes = hello.ActualBytes;
            _wasIncoming = hello.RunState == RunState.InMigrate;
            _wasResumed = _wasMigrated = false;
            UseBalloon(hello.Balloon);
            _channel = channel;
            _receiving = ReceiveAllAsync(channel);
        }
    }

    private async Task WaitWhileHeldAsync(CancellationToken cancellationToken)
    {
        long since = _time.GetTimestamp();
        while (UnixSocketTable.IsHeld(Path))
        {
            if (_time.GetElapsedTime(since) >= HeldGrace)
                throw QmpErrors.Busy(Path);
            await Task.Delay(HeldPoll, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<Socket> OpenSocketAsync(CancellationToken cancellationToken)
    {
        if (Encoding.UTF8.GetByteCount(Path) > QmpLimits.MaxSocketPathBytes)
            throw QmpErrors.CannotConnect(Path, Enametoolong);
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path), cancellationToken).ConfigureAwait(false);
            socket.Blocking = false;
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            // A full queue of waiting clients: somebody holds the monitor.
            throw e.NativeErrorCode == Eagain ? QmpErrors.Busy(Path) : QmpErrors.CannotConnect(Path, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
