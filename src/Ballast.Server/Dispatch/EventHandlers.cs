using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>Registering for events, in libvirt's modern way and in its two old ones.</summary>
internal static class EventHandlers
{
    private const int LastEvent = 29, LastOldEvent = 15;

    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<RegisterArgs, CallbackArgs>(RemoteProcedure.ConnectDomainEventCallbackRegisterAny, async (session, arguments, token) =>
        {
            Check(arguments.EventID, LastEvent);
            SessionEvents events = await EventsAsync(session, token).ConfigureAwait(false);
            return new() { CallbackID = events.Add(arguments.EventID, arguments.Dom?.Uuid, isOld: false) };
        }),
        OnSync<CallbackArgs, Nothing>(RemoteProcedure.ConnectDomainEventCallbackDeregisterAny, (session, arguments) =>
        {
            session.RequireOpen();
            return session.Events?.Remove(arguments.CallbackID) == true
                ? default(Nothing)
                : throw RpcErrors.Internal($"domain event callback {arguments.CallbackID} not registered");
        }),
        On<EventIdArgs, Nothing>(RemoteProcedure.ConnectDomainEventRegisterAny, async (session, arguments, token) =>
        {
            Check(arguments.EventID, LastOldEvent);
            (await EventsAsync(session, token).ConfigureAwait(false)).Add(arguments.EventID, null, isOld: true);
            return default;
        }),
        OnSync<EventIdArgs, Nothing>(RemoteProcedure.ConnectDomainEventDeregisterAny, (session, arguments) =>
        {
            Check(arguments.EventID, LastOldEvent);
            return RemoveOld(session, arguments.EventID, default(Nothing));
        }),
        On<Nothing, NumberReply>(RemoteProcedure.ConnectDomainEventRegister, async (session, _, token) =>
        {
            (await EventsAsync(session, token).ConfigureAwait(false)).Add(DomainEventIds.Lifecycle, null, isOld: true);
            return default;
        }),
        OnSync<Nothing, NumberReply>(RemoteProcedure.ConnectDomainEventDeregister, (session, _) =>
            RemoveOld(session, DomainEventIds.Lifecycle, default(NumberReply))),
    ];

    private static T RemoveOld<T>(RemoteSession session, int eventId, T reply)
    {
        session.RequireOpen();
        return session.Events?.RemoveOld(eventId) == true ? reply : throw RpcErrors.Internal($"domain event {eventId} not registered");
    }

    private static void Check(int eventId, int last)
    {
        if (eventId < 0 || eventId > last)
            throw RpcErrors.Internal($"unsupported event ID {eventId}");
    }

    private static async ValueTask<SessionEvents> EventsAsync(RemoteSession session, CancellationToken token)
    {
        if (session.Events is { } known)
            return known;

        // Before the registration is answered: what happens after the answer is sent.
        session.RequireOpen();
        SessionEvents events = await SessionEvents.JoinAsync(session, token).ConfigureAwait(false);
        SessionEvents kept = session.KeepEvents(events);
        if (kept == events)
            events.Start();
        else
            await events.DisposeAsync().ConfigureAwait(false); // Another registration of this client was faster.
        return kept;
    }
}
