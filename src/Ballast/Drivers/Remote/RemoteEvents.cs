using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <summary>The events of a daemon: registered for while somebody subscribes, and again where a lost connection was opened again.</summary>
internal sealed class RemoteEvents(RemoteDriver driver) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    private readonly DriverEventSinks _sinks = new();
    private readonly Lock _gate = new();
    private readonly List<int> _callbacks = [];

    // Never disposed, as it has neither a timer nor a handle: who leaves late finds it there.
    private readonly CancellationTokenSource _end = new();
    private Task _settling = Task.CompletedTask;
    private Task? _settlingNext;
    private RemoteLink? _registeredAt;
    private RemoteLink? _followed;
    private Task _following = Task.CompletedTask;

    public async ValueTask<IAsyncDisposable> SubscribeAsync(IDriverEventSink sink, CancellationToken cancellationToken)
    {
        // First, so that nothing is lost between the daemon's answer and this. The daemon forgets us when the last one left.
        IAsyncDisposable registration = _sinks.Add(sink, () =>
        {
            _ = SettleAsync();
            return default;
        });
        try
        {
            await SettleAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            return registration;
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            await registration.DisposeAsync().ConfigureAwait(false);
            throw new ObjectDisposedException(nameof(Connection));
        }
        catch
        {
            await registration.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>On the receiving task.</summary>
    public void Handle(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        switch ((RemoteProcedure)header.Procedure)
        {
            case RemoteProcedure.DomainEventCallbackLifecycle:
                LifecycleEvent lifecycle = XdrReader.Read<LifecycleCallback>(payload).Msg;
                _sinks.Publish(DriverEvent.Lifecycle(Identity(lifecycle.Dom), (DomainLifecycleChange)lifecycle.Event, lifecycle.Detail));
                break;
            case RemoteProcedure.DomainEventCallbackReboot:
                _sinks.Publish(DriverEvent.Reboot(Identity(XdrReader.Read<RebootCallback>(payload).Msg.Dom)));
                break;
            case RemoteProcedure.DomainEventCallbackBalloonChange:
                BalloonEvent balloon = XdrReader.Read<BalloonCallback>(payload).Msg;
                _sinks.Publish(DriverEvent.BalloonChange(Identity(balloon.Dom), balloon.Actual));
                break;
            case RemoteProcedure.DomainEventCallbackMetadataChange:
                MetadataCallback metadata = XdrReader.Read<MetadataCallback>(payload);
                _sinks.Publish(DriverEvent.MetadataChange(Identity(metadata.Dom), (DomainMetadataType)metadata.Type, metadata.NamespaceUri));
                break;
            default:
                break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        Task last;
        lock (_gate)
            last = _settlingNext ?? _settling;
        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _sinks.End(null);
    }

    /// <summary>
    /// Makes the daemon's registrations what the subscriptions here need. One at a time, and all that ask meanwhile share the
    /// next: however many come and go, one is under way and one waits. It is nobody's own: a caller that gives up leaves it
    /// to the others.
    /// </summary>
    private Task SettleAsync()
    {
        lock (_gate)
            return _settlingNext ??= SettleAfterAsync(_settling);

        async Task SettleAfterAsync(Task before)
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
            lock (_gate)
                (_settling, _settlingNext) = (_settlingNext!, null);
            bool isRegistered = _registeredAt is { IsLost: false };
            if (_sinks.IsEmpty && isRegistered)
                await DeregisterAsync().ConfigureAwait(false);
            else if (!_sinks.IsEmpty && !isRegistered)
                await RegisterAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask RegisterAsync()
    {
        RemoteLink link = await driver.LinkAsync(_end.Token).ConfigureAwait(false);
        if (!link.HasCallbacks)
            throw LibvirtError.NoSupport("virConnectDomainEventRegisterAny");
        _callbacks.Clear();
        _registeredAt = link;
        try
        {
            foreach (int eventId in (int[])[DomainEventIds.Lifecycle, DomainEventIds.Reboot, DomainEventIds.BalloonChange])
                _callbacks.Add((await link.RegisterAsync(eventId, _end.Token).ConfigureAwait(false)).CallbackID);
            await RegisterForMetadataAsync(link).ConfigureAwait(false);
        }
        catch
        {
            await DeregisterAsync().ConfigureAwait(false);
            throw;
        }

        // One for each connection, however often it is registered at.
        if (_followed != link)
        {
            _followed = link;
            _following = FollowAsync(link);
        }
    }

    private async ValueTask RegisterForMetadataAsync(RemoteLink link)
    {
        try
        {
            _callbacks.Add((await link.RegisterAsync(DomainEventIds.MetadataChange, _end.Token).ConfigureAwait(false)).CallbackID);
        }
        catch (LibvirtException) when (!link.IsLost)
        {
            // A daemon older than libvirt 3.0 does not know it.
        }
    }

    private async ValueTask DeregisterAsync()
    {
        RemoteLink link = _registeredAt!;
        _registeredAt = null;
        try
        {
            foreach (int callback in _callbacks)
            {
                await link.ChangeAsync(
                    RemoteProcedure.ConnectDomainEventCallbackDeregisterAny, new CallbackArgs { CallbackID = callback }, _end.Token).ConfigureAwait(false);
            }
        }
        catch (LibvirtException)
        {
            // The daemon forgets them with the connection.
        }
    }

    /// <summary>Registers again when the connection was lost, or tells the subscribers that it was.</summary>
    private async Task FollowAsync(RemoteLink link)
    {
        await link.Ended.WaitAsync(_end.Token).ConfigureAwait(false);
        if (!driver.Reconnects)
        {
            _sinks.End(RpcErrors.Lost("it ended while events were awaited"));
            return;
        }

        _sinks.Interrupt();
        for (GrowingPause pause = new(FirstPause); !_sinks.IsEmpty; pause.Grow())
        {
            await Task.Delay(pause.Length, driver.TimeProvider, _end.Token).ConfigureAwait(false);
            try
            {
                await SettleAsync().WaitAsync(_end.Token).ConfigureAwait(false);
                _sinks.Resume();
                return;
            }
            catch (LibvirtException e) when (RpcErrors.SaysAway(e))
            {
                // Not back yet.
            }
            catch (Exception e) when (!_end.IsCancellationRequested)
            {
                // It is there, and refuses. Or the system does, or a mistake of ours: whoever awaits events is told.
                _sinks.End(e);
                return;
            }
        }
    }

    private static DomainIdentity Identity(in RemoteDomain domain) => new(domain.Name, domain.Uuid, domain.Id < 0 ? null : domain.Id);
}
