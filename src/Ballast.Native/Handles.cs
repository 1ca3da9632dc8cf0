using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>
/// What C programs hold of ours: addresses, which are looked up and never followed, so that a wrong or stale one is an
/// error and no crash.
/// </summary>
internal static unsafe class Handles
{
    // An address that was given back is not handed out again at once: who still holds it shall meet an error, not another object.
    private const int QuarantineLength = 4096;

    private static readonly ConcurrentDictionary<nint, object> Objects = [];
    private static readonly ConcurrentQueue<nint> Quarantine = [];

    public static nint Add(object target)
    {
        nint handle = (nint)NativeMemory.Alloc(1);
        Objects[handle] = target;
        return handle;
    }

    public static void Remove(nint handle)
    {
        if (!Objects.TryRemove(handle, out _))
            return;
        Quarantine.Enqueue(handle);
        if (Quarantine.Count > QuarantineLength && Quarantine.TryDequeue(out nint oldest))
            NativeMemory.Free((void*)oldest);
    }

    /// <summary>Null where it is none, or of another kind.</summary>
    public static T? Find<T>(nint handle)
        where T : class => handle != 0 && Objects.TryGetValue(handle, out object? target) ? target as T : null;

    /// <exception cref="CallException">It is no connection.</exception>
    public static ConnectionHandle Connection(nint handle, string function) =>
        Find<ConnectionHandle>(handle) ?? throw CallException.NoConnection(function);

    /// <exception cref="CallException">It is no domain.</exception>
    public static DomainHandle Domain(nint handle, string function) =>
        Find<DomainHandle>(handle) ?? throw CallException.NoDomain(function);

    /// <summary>The connection whose handler is told of an error of that handle.</summary>
    public static ConnectionHandle? Owner(nint handle) =>
        Find<object>(handle) switch
        {
            ConnectionHandle connection => connection,
            DomainHandle domain => domain.Owner,
            _ => null,
        };
}
