using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>Registering for events of domains: <c>virConnectDomainEvent…</c>.</summary>
internal static unsafe class EventExports
{
    private const int EventCount = 30;

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectDomainEventRegisterAny")]
    private static int RegisterAny(nint connection, nint domain, int eventId, nint callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        const string function = "virConnectDomainEventRegisterAny";
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            DomainHandle? only = domain == 0 ? null : Handles.Domain(domain, function);
            if (only is not null && only.Owner != handle)
                throw CallException.Argument($"domain '{only.Domain.Name}' must match connection", "dom", function);
            if (callback == 0)
                throw CallException.Null("cb", function);
            if (eventId < 0)
                throw CallException.Argument($"eventID in {function} must be zero or greater", "eventID", function);
            if (eventId >= EventCount)
                throw CallException.Argument($"eventID must be less than {EventCount}", "eventID", function);
            return handle.Callbacks.Add(eventId, only?.Domain.Uuid, callback, opaque, free, isOld: false);
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectDomainEventDeregisterAny")]
    private static int DeregisterAny(nint connection, int callbackId)
    {
        const string function = "virConnectDomainEventDeregisterAny";
        return Remove(connection, function, handle =>
        {
            if (callbackId < 0)
                throw CallException.Argument($"callbackID in {function} must be zero or greater", "callbackID", function);
            if (!handle.Callbacks.Remove(callbackId))
            {
                throw CallException.Invalid(
                    handle.IsRemote ? $"event callback id {callbackId} not registered" : $"could not find event callback {callbackId} for deletion");
            }
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectDomainEventRegister")]
    private static int Register(nint connection, nint callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        const string function = "virConnectDomainEventRegister";
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            if (callback == 0)
                throw CallException.Null("cb", function);
            _ = handle.Callbacks.Add(0, null, callback, opaque, free, isOld: true);
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnectDomainEventDeregister")]
    private static int Deregister(nint connection, nint callback)
    {
        const string function = "virConnectDomainEventDeregister";
        return Remove(connection, function, handle =>
        {
            if (callback == 0)
                throw CallException.Null("cb", function);
            if (!handle.Callbacks.RemoveOld(callback))
                throw CallException.Invalid($"event callback function 0x{callback:x} not registered");
        });
    }

    private static int Remove(nint connection, string function, Action<ConnectionHandle> remove)
    {
        try
        {
            remove(Handles.Connection(connection, function));
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }
}
