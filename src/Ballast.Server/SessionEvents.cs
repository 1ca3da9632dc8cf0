using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Server;

/// <summary>What one client registered for, and the task that sends it.</summary>
internal sealed class SessionEvents(RemoteSession session, DomainEventSubscription subscription) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private Callback[] _callbacks = [];

    /// <summary>Registers for an event, of one domain where one is given, and returns the callback's number.</summary>
    public int Add(int eventId, Guid? domain, bool isOld)
    {
        lock (_gate)
        {
            if (_callbacks.Length >= session.Server.Options.MaxCallbacks)
                throw RpcErrors.Internal($"too many event callbacks, at most {session.Server.Options.MaxCallbacks} for one client");
            int id = session.Server.NextCallback();
            _callbacks = [.. _callbacks, new Callback(id, eventId, domain, isOld)];
            return id;
        }
    }

    public bool Remove(int id) => Remove(callback => callback.Id == id && !callback.IsOld);

    public bool RemoveOld(int eventId) => Remove(callback => callback.EventId == eventId && callback.IsOld);

    /// <summary>Ends with the subscription, or with the client.</summary>
    public async Task SendAllAsync()
    {
        await foreach (DomainEvent happened in subscription.WithCancellation(session.Client.Ended).ConfigureAwait(false))
        {
            foreach (Callback callback in Volatile.Read(ref _callbacks))
                await SendAsync(callback, happened).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => subscription.DisposeAsync();

    private ValueTask SendAsync(Callback callback, DomainEvent happened) => happened switch
    {
        DomainLifecycleEvent lifecycle when callback.Wants(DomainEventIds.Lifecycle, lifecycle.Domain) =>
            LifecycleAsync(callback, new() { Dom = LookupHandlers.ToRemote(lifecycle.Domain), Event = (int)lifecycle.Change, Detail = lifecycle.Detail }),
        DomainRebootEvent reboot when callback.Wants(DomainEventIds.Reboot, reboot.Domain) =>
            RebootAsync(callback, new() { Dom = LookupHandlers.ToRemote(reboot.Domain) }),
        BalloonChangeEvent balloon when callback.Wants(DomainEventIds.BalloonChange, balloon.Domain) =>
            BalloonAsync(callback, new() { Dom = LookupHandlers.ToRemote(balloon.Domain), Actual = balloon.ActualKiB }),
        MetadataChangeEvent metadata when callback.Wants(DomainEventIds.MetadataChange, metadata.Domain) =>
            EventAsync(RemoteProcedure.DomainEventCallbackMetadataChange, new MetadataCallback
            {
                CallbackID = callback.Id,
                Dom = LookupHandlers.ToRemote(metadata.Domain),
                Type = (int)metadata.Type,
                NamespaceUri = metadata.NamespaceUri,
            }),

        // libvirt's protocol has no word for what was missed: a client that lags that far behind starts anew.
        EventsMissed => CloseAsync(),
        _ => default,
    };

    private ValueTask LifecycleAsync(Callback callback, LifecycleEvent message) => callback.IsOld
        ? EventAsync(RemoteProcedure.DomainEventLifecycle, message)
        : EventAsync(RemoteProcedure.DomainEventCallbackLifecycle, new LifecycleCallback { CallbackID = callback.Id, Msg = message });

    private ValueTask RebootAsync(Callback callback, RebootEvent message) => callback.IsOld
        ? EventAsync(RemoteProcedure.DomainEventReboot, message)
        : EventAsync(RemoteProcedure.DomainEventCallbackReboot, new RebootCallback { CallbackID = callback.Id, Msg = message });

    private ValueTask BalloonAsync(Callback callback, BalloonEvent message) => callback.IsOld
        ? EventAsync(RemoteProcedure.DomainEventBalloonChange, message)
        : EventAsync(RemoteProcedure.DomainEventCallbackBalloonChange, new BalloonCallback { CallbackID = callback.Id, Msg = message });

    private ValueTask EventAsync<T>(RemoteProcedure procedure, T message)
        where T : struct, IXdrMessage<T> => session.Client.SendEventAsync(RpcPrograms.Remote, (int)procedure, message);

    private ValueTask CloseAsync()
    {
        session.Client.Close();
        return default;
    }

    private bool Remove(Predicate<Callback> isMeant)
    {
        lock (_gate)
        {
            int index = Array.FindIndex(_callbacks, isMeant);
            if (index < 0)
                return false;
            _callbacks = [.. _callbacks[..index], .. _callbacks[(index + 1)..]];
            return true;
        }
    }

    private sealed record Callback(int Id, int EventId, Guid? Domain, bool IsOld)
    {
        public bool Wants(int eventId, Domain domain) => EventId == eventId && (Domain is null || Domain == domain.Uuid);
    }
}
