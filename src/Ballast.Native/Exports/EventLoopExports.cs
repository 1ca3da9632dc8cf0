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
        delegate* unmanaged<int, int> removeTimeout) =>
        EventImplementation.Register(new EventImplementation.Functions(addHandle, updateHandle, removeHandle, addTimeout, updateTimeout, removeTimeout));

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRegisterDefaultImpl")]
    private static int RegisterDefault()
    {
        EventImplementation.RegisterDefault();
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRunDefaultImpl")]
    private static int RunDefault()
    {
        try
        {
            EventLoop.Default.RunOnce();
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventAddHandle")]
    private static int AddHandle(int fd, int events, delegate* unmanaged<int, int, int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free) =>
        EventImplementation.AddHandle(fd, events, callback, opaque, free);

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventUpdateHandle")]
    private static void UpdateHandle(int watch, int events) => EventImplementation.UpdateHandle(watch, events);

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRemoveHandle")]
    private static int RemoveHandle(int watch) => EventImplementation.RemoveHandle(watch);

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventAddTimeout")]
    private static int AddTimeout(int milliseconds, delegate* unmanaged<int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free) =>
        EventImplementation.AddTimeout(milliseconds, callback, opaque, free);

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventUpdateTimeout")]
    private static void UpdateTimeout(int timer, int milliseconds) => EventImplementation.UpdateTimeout(timer, milliseconds);

    [UnmanagedCallersOnly(EntryPoint = "managed_virEventRemoveTimeout")]
    private static int RemoveTimeout(int timer) => EventImplementation.RemoveTimeout(timer);
}
