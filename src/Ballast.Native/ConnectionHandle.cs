using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>A <c>virConnectPtr</c>. It is counted: open, references, domains and callbacks hold one count each.</summary>
internal sealed unsafe class ConnectionHandle
{
    private readonly Lock _gate = new();
    private readonly nint _type;
    private readonly ReferenceCount _references = new();
    private readonly HashSet<WatchHandle> _watches = [];
    private NativeError* _error;
    private delegate* unmanaged<nint, NativeError*, void> _errorHandler;
    private nint _errorUserData;
    private bool _isClosed;
    private bool _isShutDown;

    public ConnectionHandle(Connection connection)
    {
        Connection = connection;
        Callbacks = new DomainCallbacks(this);
        _type = NativeText.Copy(connection.DriverType);
        Handle = Handles.Add(this);
    }

    public Connection Connection { get; }

    public nint Handle { get; }

    /// <summary>The driver's name, as long as the connection lives.</summary>
    public nint Type => _type;

    public DomainCallbacks Callbacks { get; }

    public ErrorOrigin DriverOrigin => Connection.DriverType == "TEST" ? ErrorOrigin.Test : ErrorOrigin.Qemu;

    /// <summary>The driver's prefix in libvirt's names of functions.</summary>
    public string DriverPrefix => Connection.DriverType == "TEST" ? "test" : "qemu";

    public bool IsRemote => Connection.IsRemote;

    /// <exception cref="ObjectDisposedException">It was closed meanwhile.</exception>
    public void AddReference() => _references.Add();

    /// <summary>Gives a count back and returns how many are left, below zero where none was; with the last one it is closed.</summary>
    public int Release()
    {
        int left = _references.Release();
        if (left != 0)
            return left;
        _ = Handles.Remove(Handle);
        try
        {
            Callbacks.Close();
            Blocking.WaitToTheEnd(Connection.DisposeAsync().AsTask());
        }
        finally
        {
            lock (_gate)
            {
                _isClosed = true;
                if (_error != null)
                {
                    Shim.ResetError(_error);
                    NativeMemory.Free(_error);
                    _error = null;
                }
            }

            NativeMemory.Free((void*)_type);
        }

        return 0;
    }

    /// <summary>Holds a count for a watch, and has it end with the connection.</summary>
    /// <exception cref="ObjectDisposedException">It was closed or shut down.</exception>
    public void Add(WatchHandle watch)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isShutDown, this);
            AddReference();
            _watches.Add(watch);
        }
    }

    /// <summary>The watch ends by itself; its count is still to be given back.</summary>
    public void Remove(WatchHandle watch)
    {
        lock (_gate)
            _watches.Remove(watch);
    }

    /// <summary>Closes it for all who use it; its handles stay.</summary>
    public void Shutdown()
    {
        WatchHandle[] watches;
        lock (_gate)
        {
            _isShutDown = true;
            watches = [.. _watches];
        }

        foreach (WatchHandle watch in watches)
            watch.End();
        Callbacks.Clear();
        Blocking.WaitToTheEnd(Connection.DisposeAsync().AsTask());
    }

    /// <exception cref="CallException">There are flags where the function knows none.</exception>
    public void RefuseFlags(uint flags, string function, uint known = 0)
    {
        if ((flags & ~known) == 0)
            return;
        string name = DriverPrefix + function;
        throw CallException.Argument($"unsupported flags (0x{flags & ~known:x}) in function {name}", "flags", name, DriverOrigin);
    }

    /// <summary>The same where only libvirt's QEMU driver has the function.</summary>
    public void RefuseFlagsOfQemu(uint flags, string function, uint known = 0)
    {
        if (DriverPrefix == "qemu")
            RefuseFlags(flags, function, known);
    }

    public void SetErrorHandler(delegate* unmanaged<nint, NativeError*, void> handler, nint userData)
    {
        lock (_gate)
        {
            _errorHandler = handler;
            _errorUserData = userData;
        }
    }

    /// <summary>Keeps the thread's last error as this connection's, and tells its handler.</summary>
    public void TellError()
    {
        delegate* unmanaged<nint, NativeError*, void> handler;
        nint userData;
        lock (_gate)
        {
            NativeError* error = Error();
            if (error != null)
                Shim.KeepError(error);
            handler = _errorHandler;
            userData = _errorUserData;
        }

        Shim.TellError(handler, userData);
    }

    /// <summary>There is always one, of code 0 where nothing failed, as in libvirt; null only when it was closed meanwhile.</summary>
    public NativeError* LastError
    {
        get
        {
            lock (_gate)
                return Error();
        }
    }

    /// <summary>Returns the error's code, 0 where there is none.</summary>
    public int CopyError(NativeError* to)
    {
        lock (_gate)
        {
            if (_error == null)
                *to = default;
            else
                Shim.CopyError(_error, to);
            return to->Code;
        }
    }

    public void ResetError()
    {
        lock (_gate)
        {
            if (_error != null)
                Shim.ResetError(_error);
        }
    }

    // Another thread may have closed it while this one was in a call.
    private NativeError* Error()
    {
        if (_error == null && !_isClosed)
            _error = (NativeError*)NativeMemory.AllocZeroed((nuint)sizeof(NativeError));
        return _error;
    }
}
