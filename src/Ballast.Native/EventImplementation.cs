namespace Ballast.Native;

/// <summary>The event loop that the program registered: the default one, or its own, of six functions.</summary>
internal static unsafe class EventImplementation
{
    private static readonly Lock Gate = new();
    private static Functions? _functions;
    private static bool _isDefault;

    /// <summary>Whether there is one, without which no event can be told.</summary>
    public static bool IsRegistered
    {
        get
        {
            lock (Gate)
                return _isDefault || _functions is not null;
        }
    }

    /// <summary>Whether it is the default one.</summary>
    public static bool IsDefault
    {
        get
        {
            lock (Gate)
                return _isDefault;
        }
    }

    public static void RegisterDefault()
    {
        lock (Gate)
            _isDefault |= _functions is null;
    }

    /// <summary>The first one stays: what was added to it could not be moved.</summary>
    public static void Register(Functions functions)
    {
        lock (Gate)
        {
            if (!_isDefault)
                _functions ??= functions;
        }
    }

    public static int AddHandle(int fd, int events, delegate* unmanaged<int, int, int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free) =>
        _functions is { } own ? own.AddHandle != null ? own.AddHandle(fd, events, callback, opaque, free) : -1
            : _isDefault ? EventLoop.Default.AddHandle(fd, events, callback, opaque, free) : -1;

    public static void UpdateHandle(int watch, int events)
    {
        if (_functions is { } own)
        {
            if (own.UpdateHandle != null)
                own.UpdateHandle(watch, events);
        }
        else if (_isDefault)
        {
            EventLoop.Default.UpdateHandle(watch, events);
        }
    }

    public static int RemoveHandle(int watch) =>
        _functions is { } own ? own.RemoveHandle != null ? own.RemoveHandle(watch) : -1
            : _isDefault && EventLoop.Default.RemoveHandle(watch) ? 0 : -1;

    public static int AddTimeout(int milliseconds, delegate* unmanaged<int, nint, void> callback, nint opaque, delegate* unmanaged<nint, void> free) =>
        _functions is { } own ? own.AddTimeout != null ? own.AddTimeout(milliseconds, callback, opaque, free) : -1
            : _isDefault ? EventLoop.Default.AddTimeout(milliseconds, callback, opaque, free) : -1;

    public static void UpdateTimeout(int timer, int milliseconds)
    {
        if (_functions is { } own)
        {
            if (own.UpdateTimeout != null)
                own.UpdateTimeout(timer, milliseconds);
        }
        else if (_isDefault)
        {
            EventLoop.Default.UpdateTimeout(timer, milliseconds);
        }
    }

    public static int RemoveTimeout(int timer) =>
        _functions is { } own ? own.RemoveTimeout != null ? own.RemoveTimeout(timer) : -1
            : _isDefault && EventLoop.Default.RemoveTimeout(timer) ? 0 : -1;

    internal sealed class Functions(
        delegate* unmanaged<int, int, delegate* unmanaged<int, int, int, nint, void>, nint, delegate* unmanaged<nint, void>, int> addHandle,
        delegate* unmanaged<int, int, void> updateHandle,
        delegate* unmanaged<int, int> removeHandle,
        delegate* unmanaged<int, delegate* unmanaged<int, nint, void>, nint, delegate* unmanaged<nint, void>, int> addTimeout,
        delegate* unmanaged<int, int, void> updateTimeout,
        delegate* unmanaged<int, int> removeTimeout)
    {
        public readonly delegate* unmanaged<int, int, delegate* unmanaged<int, int, int, nint, void>, nint, delegate* unmanaged<nint, void>, int> AddHandle = addHandle;
        public readonly delegate* unmanaged<int, int, void> UpdateHandle = updateHandle;
        public readonly delegate* unmanaged<int, int> RemoveHandle = removeHandle;
        public readonly delegate* unmanaged<int, delegate* unmanaged<int, nint, void>, nint, delegate* unmanaged<nint, void>, int> AddTimeout = addTimeout;
        public readonly delegate* unmanaged<int, int, void> UpdateTimeout = updateTimeout;
        public readonly delegate* unmanaged<int, int> RemoveTimeout = removeTimeout;
    }
}
