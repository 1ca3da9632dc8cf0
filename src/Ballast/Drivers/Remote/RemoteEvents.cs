using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <summary>The events of a daemon: registered for while somebody subscribes, and again where a lost connection was opened again.</summary>
internal sealed class RemoteEvents(RemoteDriver driver) : IAsyncDisposable
{
    private const int Lifecycle = 0, Reboot = 1, BalloonChange = 13;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100), LastPause = TimeSpan.FromSeconds(10);

    private readonly DriverEventSinks _sinks = new();
    private readonly SemaphoreSlim _changing = new(1);
    private readonly CancellationTokenSource _end = new();
    private readonly List<int> _callbacks = [];
    private RemoteLink? _registeredAt;
    private Task _watching = Task.CompletedTask;

    public async ValueTask<IAsyncDisposable> SubscribeAsync(IDriverEventSink sink, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // First, so that nothing is lost between the daemon's answer and this.
            IAsyncDisposable registration = _sinks.Add(sink, DeregisterAsync);
            try
            {
                if (_registeredAt is null or { IsLost: true })
                    await RegisterAsync(cancellationToken).ConfigureAwait(false);
                return registration;
            }
            catch
            {
                _sinks.Remove(sink);
                throw;
            }
        }
        finally
        {
            _changing.Release();
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
            default:
                break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _sinks.End(null);
        _end.Dispose();
        _changing.Dispose();
    }

    private async ValueTask RegisterAsync(CancellationToken cancellationToken)
    {
        RemoteLink link = await driver.LinkAsync(cancellationToken).ConfigureAwait(false);
        if (!link.HasCallbacks)
            throw LibvirtError.NoSupport("virConnectDomainEventRegisterAny");
        _callbacks.Clear();
        foreach (int eventId in (int[])[Lifecycle, Reboot, BalloonChange])
        {
            CallbackArgs callback = await link.CallAsync<RegisterArgs, CallbackArgs>(
                RemoteProcedure.ConnectDomainEventCallbackRegisterAny, new() { EventID = eventId }, cancellationToken).ConfigureAwait(false);
            _callbacks.Add(callback.CallbackID);
        }

        _registeredAt = link;
        _watching = WatchAsync(link);
    }

    private async ValueTask DeregisterAsync()
    {
        await _changing.WaitAsync(_end.Token).ConfigureAwait(false);
        try
        {
            if (!_sinks.IsEmpty || _registeredAt is not { IsLost: false } link)
                return;
            _registeredAt = null;
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
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Registers again when the connection was lost, or tells the subscribers that it was.</summary>
    private async Task WatchAsync(RemoteLink link)
    {
        await link.Ended.WaitAsync(_end.Token).ConfigureAwait(false);
        if (!driver.Reconnects)
        {
            _sinks.End(RpcErrors.Lost("it ended while events were awaited"));
            return;
        }

        _sinks.Interrupt();
        for (TimeSpan pause = FirstPause; !_sinks.IsEmpty; pause = pause + pause < LastPause ? pause + pause : LastPause)
        {
            await Task.Delay(pause, driver.TimeProvider, _end.Token).ConfigureAwait(false);
            await _changing.WaitAsync(_end.Token).ConfigureAwait(false);
            try
            {
                if (_registeredAt == link)
                    await RegisterAsync(_end.Token).ConfigureAwait(false);
                return;
            }
            catch (LibvirtException)
            {
                // Not back yet.
            }
            finally
            {
                _changing.Release();
            }
        }
    }

    private static DomainIdentity Identity(in RemoteDomain domain) => new(domain.Name, domain.Uuid, domain.Id < 0 ? null : domain.Id);
}
