using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>The event loop: <c>virEvent…</c>.</summary>
internal static unsafe class EventLoopExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRegisterImpl")]
    private static void Register(
        delegate* unmanaged<int, int, delegate* unmanaged<int, int, int, nint, void>, nint, delegate* unmanaged<nint, void>, int> addHandle,
        delegate* unmanaged<int, int, void> updateHandle,
        delegate* unmanaged<int, int> removeHandle,
        delegate* unmanaged<int, delegate* unmanaged<int, nint, void>, nint, delegate* unmanaged<nint, void>, int> addTimeout,
        delegate* unmanaged<int, int, void> updateTimeout,
        delegate* unmanaged<int, int> removeTimeout)
    {
        try
        {
            EventImplementation.Register(new EventImplementation.Functions(addHandle, updateHandle, removeHandle, addTimeout, updateTimeout, removeTimeout));
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRegisterDefaultImpl")]
    private static int RegisterDefault() => Call.Guarded(-1, () =>
    {
        EventImplementation.RegisterDefault();
        return 0;
    });

    /// <summary>One round; the shim makes its calls.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_run_loop")]
    private static int RunDefault(nint mark) => Call.Guarded(-1, () =>
    {
        HostCalls.Begin(mark, EventLoop.Default.Round());
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventAddHandle")]
    private static int AddHandle(int fd, int events, delegate* unmanaged<int, int, int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        try
        {
            return callback == null || fd < 0
                ? throw CallException.Invalid("an event handle needs a descriptor and a function")
                : EventImplementation.AddHandle(fd, events, callback, opaque, free);
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventUpdateHandle")]
    private static void UpdateHandle(int watch, int events) => _ = Call.Guarded(0, () =>
    {
        EventImplementation.UpdateHandle(watch, events);
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRemoveHandle")]
    private static int RemoveHandle(int watch) => Call.Guarded(-1, () => EventImplementation.RemoveHandle(watch));

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventAddTimeout")]
    private static int AddTimeout(int milliseconds, delegate* unmanaged<int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free)
    {
        try
        {
            return callback == null
                ? throw CallException.Invalid("a timer needs a function")
                : EventImplementation.AddTimeout(milliseconds, callback, opaque, free);
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventUpdateTimeout")]
    private static void UpdateTimeout(int timer, int milliseconds) => _ = Call.Guarded(0, () =>
    {
        EventImplementation.UpdateTimeout(timer, milliseconds);
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRemoveTimeout")]
    private static int RemoveTimeout(int timer) => Call.Guarded(-1, () => EventImplementation.RemoveTimeout(timer));
}
