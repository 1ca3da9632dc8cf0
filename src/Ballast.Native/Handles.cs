using System.Collections.Concurrent;

namespace Ballast.Native;

/// <summary>
/// What C programs hold of ours: numbers, which are looked up and never followed, so that a wrong or stale one is an error
/// and no crash. None is given out twice, so that a stale one never meets another object.
/// </summary>
internal static class Handles
{
    // Where systems map nothing, yet as wide and as even as an address: some bindings refuse a pointer that could be none.
    private const long First = 0x4200_0000_0000, Step = 16;

    private static readonly ConcurrentDictionary<nint, object> Objects = [];
    private static long _last = First;

    public static nint Add(object target)
    {
        nint handle = (nint)Interlocked.Add(ref _last, Step);
        Objects[handle] = target;
        return handle;
    }

    /// <summary>Whether it was still there: of several who remove it at once, one did.</summary>
    public static bool Remove(nint handle) => Objects.TryRemove(handle, out _);

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
            WatchHandle watch => watch.Owner,
            _ => null,
        };
}
