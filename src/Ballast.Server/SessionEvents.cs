using Ballast.Drivers;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;

namespace Ballast.Server;

/// <summary>What one client registered for, and where it stands in the events of its connection.</summary>
internal sealed class SessionEvents(RemoteSession session, EventFeed feed) : IAsyncDisposable
{
    private const int MessagesInATurn = 8;

    private readonly Lock _gate = new();
    private readonly EventTurns _turns = session.Server.Events.TurnsOf(session.Share);
    private Callback[] _callbacks = [];
    private TaskCompletionSource? _idle;
    private long _place = feed.Next;
    private bool _isSending;
    private bool _hasEnded;

    public UserShare Share => session.Share;

    /// <summary>Whether it may be sent something now.</summary>
    public bool HasNews =>
        Volatile.Read(ref _place) != feed.Next && !Volatile.Read(ref _isSending) && !Volatile.Read(ref _hasEnded) && !session.Client.Ended.IsCancellationRequested;

    /// <summary>When this returned, what happens from then on is sent to those who register.</summary>
    /// <exception cref="LibvirtException">The driver has no events.</exception>
    public static async ValueTask<SessionEvents> JoinAsync(RemoteSession session, CancellationToken cancellationToken)
    {
        EventFeed feed = session.Server.Events.FeedOf(session.Shared);
        await feed.JoinAsync(cancellationToken).ConfigureAwait(false);
        return new SessionEvents(session, feed);
    }

    /// <summary>From now on it has turns.</summary>
    public void Start()
    {
        // Another registration of this client may have been answered, and told of an event, in between.
        _turns.Add(this);
        _turns.Wake();
    }

    /// <summary>Registers for an event, of one domain where one is given, and returns the callback's number.</summary>
    public int Add(int eventId, Guid? domain, bool isOld)
    {
        lock (_gate)
        {
            LibvirtServerOptions limits = session.Server.Options;
            string? refusal = _callbacks.Length >= limits.MaxCallbacks ? $"too many event callbacks, at most {limits.MaxCallbacks} for one client"
                : !Share.TryAddCallback() ? $"too many event callbacks, at most {limits.MaxUserCallbacks} for one user"
                : null;
            if (refusal is not null)
                throw RpcErrors.Internal(refusal);
            int id = session.Server.NextCallback();
            _callbacks = [.. _callbacks, new Callback(id, eventId, domain, isOld, feed.Now())];
            return id;
        }
    }

    public bool Remove(int id) => Remove(callback => callback.Id == id && !callback.IsOld);

    public bool RemoveOld(int eventId) => Remove(callback => callback.EventId == eventId && callback.IsOld);

    /// <summary>Sends what is next, as far as the client takes it at once; the rest, and what comes then, when it has taken it.</summary>
    public void TakeTurn()
    {
        lock (_gate)
        {
            if (_isSending || _hasEnded)
                return;
            _isSending = true;
        }

        _ = SendSomeAsync();
    }

    /// <summary>Nothing is sent any more when this returns.</summary>
    public async ValueTask DisposeAsync()
    {
        _turns.Remove(this);
        Task idle = Task.CompletedTask;
        lock (_gate)
        {
            _hasEnded = true;
            Share.RemoveCallbacks(_callbacks.Length);
            _callbacks = [];
            if (_isSending)
                idle = (_idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await idle.ConfigureAwait(false);
        await feed.LeaveAsync().ConfigureAwait(false);
    }

    private async Task SendSomeAsync()
    {
        try
        {
            int sent = 0;
            while (sent < MessagesInATurn && !session.Client.Ended.IsCancellationRequested)
            {
                long place = _place, at = place;
                if (!feed.TryRead(ref place, out DriverEvent happened, out bool isMissing))
                    break;
                if (isMissing)
                {
                    // libvirt's protocol has no word for what was missed: a client that lags that far behind starts anew.
                    End();
                    break;
                }

                foreach (Callback callback in Volatile.Read(ref _callbacks))
                {
                    if (!callback.Wants(happened, at))
                        continue;
                    await SendAsync(callback, happened).ConfigureAwait(false);
                    sent++;
                }

                Volatile.Write(ref _place, place);
            }
        }
        catch (Exception)
        {
            // What cannot be sent: the client is gone, or does not read, and shall not wait for it.
            End();
        }
        finally
        {
            lock (_gate)
            {
                _isSending = false;
                _idle?.TrySetResult();
            }

            if (HasNews)
                _turns.Wake();
        }
    }

    private void End()
    {
        Volatile.Write(ref _hasEnded, true);
        session.Client.Close();
    }

    private ValueTask SendAsync(Callback callback, in DriverEvent happened)
    {
        RemoteDomain domain = LookupHandlers.ToRemote(happened.Domain);
        return happened.Kind switch
        {
            DomainEventKinds.Lifecycle => LifecycleAsync(callback, new() { Dom = domain, Event = (int)happened.Change, Detail = happened.Detail }),
            DomainEventKinds.Reboot => RebootAsync(callback, new() { Dom = domain }),
            DomainEventKinds.BalloonChange => BalloonAsync(callback, new() { Dom = domain, Actual = happened.ActualKiB }),
            _ => EventAsync(RemoteProcedure.DomainEventCallbackMetadataChange, new MetadataCallback
            {
                CallbackID = callback.Id,
                Dom = domain,
                Type = (int)happened.Metadata,
                NamespaceUri = happened.NamespaceUri,
            }),
        };
    }

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

    private bool Remove(Predicate<Callback> isMeant)
    {
        lock (_gate)
        {
            int index = Array.FindIndex(_callbacks, isMeant);
            if (index < 0)
                return false;
            _callbacks = [.. _callbacks[..index], .. _callbacks[(index + 1)..]];
            Share.RemoveCallbacks(1);
            return true;
        }
    }

    /// <param name="Id">Its number.</param>
    /// <param name="EventId">What it is told.</param>
    /// <param name="Domain">Of which domain; null: of all.</param>
    /// <param name="IsOld">Whether it was registered in one of the old ways.</param>
    /// <param name="Since">The first event that happened after it was registered.</param>
    private sealed record Callback(int Id, int EventId, Guid? Domain, bool IsOld, long Since)
    {
        public bool Wants(in DriverEvent happened, long place) =>
            place >= Since && EventId == IdOf(happened.Kind) && (Domain is null || Domain == happened.Domain.Uuid);

        private static int IdOf(DomainEventKinds kind) => kind switch
        {
            DomainEventKinds.Lifecycle => DomainEventIds.Lifecycle,
            DomainEventKinds.Reboot => DomainEventIds.Reboot,
            DomainEventKinds.BalloonChange => DomainEventIds.BalloonChange,
            DomainEventKinds.MetadataChange => DomainEventIds.MetadataChange,
            _ => -1,
        };
    }
}
