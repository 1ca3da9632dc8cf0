using Ballast.Rpc;

namespace Ballast.Server;

/// <summary>How the server treats its clients.</summary>
internal sealed record LibvirtServerOptions
{
    public RpcServerLimits Limits { get; init; } = new();

    /// <summary>Silence after which a client that understands it is asked whether it is there.</summary>
    public TimeSpan KeepaliveInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Unanswered questions after which it is given up.</summary>
    public int KeepaliveCount { get; init; } = 5;

    /// <summary>Events that one client may register for.</summary>
    public int MaxCallbacks { get; init; } = 1024;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>
/// Serves libvirt's protocol from connections of ours: one for each name that clients may open. All clients share their
/// drivers, and so the monitors.
/// </summary>
internal sealed class LibvirtServer
{
    private readonly Dictionary<string, Connection> _connections;
    private int _lastCallback = -1;

    /// <param name="connections">What clients may open, by its name (<c>qemu:///system</c>); the first is the default.</param>
    /// <param name="options">How the server treats its clients.</param>
    public LibvirtServer(IReadOnlyList<(string Name, Connection Connection)> connections, LibvirtServerOptions options)
    {
        Options = options;
        _connections = connections.ToDictionary(pair => pair.Name, pair => pair.Connection, StringComparer.Ordinal);
        DefaultName = connections[0].Name;
    }

    public LibvirtServerOptions Options { get; }

    /// <summary>What a client gets that opens "".</summary>
    public string DefaultName { get; }

    /// <summary>A client's session.</summary>
    /// <param name="isReadOnly">Whether it came by a way that only reads.</param>
    public IRpcSession CreateSession(bool isReadOnly) => new RemoteSession(this, isReadOnly);

    /// <summary>Serves one client to its end.</summary>
    public async Task ServeAsync(System.IO.Pipelines.IDuplexPipe transport, bool isReadOnly, CancellationToken stop)
    {
        using RpcServerConnection connection = new(transport, Options.Limits, Options.TimeProvider);
        await connection.RunAsync(CreateSession(isReadOnly), stop).ConfigureAwait(false);
    }

    /// <exception cref="LibvirtException"><see cref="ErrorCode.NoConnect"/>: clients may not open that.</exception>
    public (string Name, Connection Connection) Find(string name)
    {
        string known = name.Length == 0 ? DefaultName : name;
        return _connections.TryGetValue(known, out Connection? connection)
            ? (known, connection)
            : throw LibvirtError.Report(ErrorCode.NoConnect, ErrorOrigin.None, name);
    }

    /// <summary>Callbacks are numbered for all clients together, as libvirt's daemon does.</summary>
    public int NextCallback() => Interlocked.Increment(ref _lastCallback);
}
