using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>Errors of one connection: <c>virConn…Error…</c>. Those of the thread are the C shim's.</summary>
internal static unsafe class ErrorExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_virConnGetLastError")]
    private static NativeError* GetLastError(nint connection)
    {
        try
        {
            ConnectionHandle? handle = Handles.Find<ConnectionHandle>(connection);
            return handle == null ? null : handle.LastError;
        }
        catch (Exception)
        {
            // Who asks for errors makes none.
            return null;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnResetLastError")]
    private static void ResetLastError(nint connection)
    {
        try
        {
            Handles.Find<ConnectionHandle>(connection)?.ResetError();
        }
        catch (Exception)
        {
            // As above.
        }
    }

    /// <summary>Returns the error's code, 0 where there is none.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_virConnCopyLastError")]
    private static int CopyLastError(nint connection, NativeError* to)
    {
        try
        {
            return Handles.Find<ConnectionHandle>(connection) is { } handle && to != null ? handle.CopyError(to) : -1;
        }
        catch (Exception)
        {
            // As above.
            return -1;
        }
    }

    /// <summary>Makes the thread's last error that of a handle's connection, and tells whoever is to be told.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_tell_error")]
    private static void TellError(nint handle) => Failure.Tell(handle);

    /// <summary>Whether a handle's connection may only read.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_is_read_only")]
    private static int IsReadOnly(nint handle)
    {
        try
        {
            return Handles.Owner(handle)?.Connection.IsReadOnly == true ? 1 : 0;
        }
        catch (Exception)
        {
            // Somebody closes it: it is told what it would be told without one.
            return 0;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virConnSetErrorFunc")]
    private static void SetErrorFunc(nint connection, nint userData, delegate* unmanaged<nint, NativeError*, void> handler)
    {
        try
        {
            Handles.Find<ConnectionHandle>(connection)?.SetErrorHandler(handler, userData);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }
}
