using System.IO.Pipelines;
using Ballast.Drivers;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Rpc;
using Ballast.Server.Authentication;

namespace Ballast.Server;

/// <summary>How the server treats its clients.</summary>
internal sealed record LibvirtServerOptions
{
    /// <summary>Calls of one client under way; more are not read before one of them is answered.</summary>
    public int MaxCalls { get; init; } = 32;

    /// <summary>How long a client may take to be let in.</summary>
    public TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may take that has to prove who it is: somebody may type a password.</summary>
    public TimeSpan PasswordTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Silence after which a client that understands it is asked whether it is there.</summary>
    public TimeSpan KeepaliveInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Unanswered questions after which it is given up.</summary>
    public int KeepaliveCount { get; init; } = 5;

    /// <summary>Events that one client may register for.</summary>
    public int MaxCallbacks { get; init; } = 1024;

    /// <summary>Those that the clients of one user may register for together; those that may only read are counted apart.</summary>
    public int MaxUserCallbacks { get; init; } = 4096;

    /// <summary>Watches that one client may have.</summary>
    public int MaxWatches { get; init; } = 16;

    /// <summary>Watches that the clients of one user may have together; those that may only read are counted apart.</summary>
    public int MaxUserWatches { get; init; } = 64;

    /// <summary>Calls of one user's readers under way together; no more are read before one of them is answered.</summary>
    public int MaxUserCalls { get; init; } = 128;

    /// <summary>What is kept of the calls of one user's readers that wait for their round, as lists of domains; at more no further call is read.</summary>
    public int MaxUserKeptBytes { get; init; } = 256 * 1024;

    /// <summary>The same of all users' readers together; a user of whom nothing is kept may ask all the same.</summary>
    public int MaxKeptBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Clients of one user that may leave unread what they were sent, for longer than <see cref="ReadTime"/>; more are given up.</summary>
    public int MaxUserBlocked { get; init; } = 64;

    /// <inheritdoc cref="RpcServerLimits.ReadTime"/>
    public TimeSpan ReadTime { get; init; } = new RpcServerLimits().ReadTime;

    /// <summary>Workers for all that may only read; so the others find one.</summary>
    public int ReaderWorkers { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Long messages, as a list of thousands of domains, that are read or handled at a time; so many again for those who only read.</summary>
    public int MaxLargeMessages { get; init; } = 8;

    /// <summary>Those of one user.</summary>
    public int MaxUserLargeMessages { get; init; } = 2;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}

/// <summary>
/// Serves libvirt's protocol from connections of ours: one for each name that clients may open. All clients share their
/// drivers, and so the monitors.
/// </summary>
internal sealed class LibvirtServer
{
    private readonly Dictionary<string, Connection> _connections;

    // Apart, so that whoever may only read keeps nobody else waiting.
    private readonly (SemaphoreSlim OfAll, SemaphoreSlim OfReaders) _largeMessages;
    private readonly UserShares _users = new();
    private readonly ReaderTurns _turns;
    private int _lastCallback = -1;

    /// <param name="connections">What clients may open, by its name (<c>qemu:///system</c>); the first is the default.</param>
    /// <param name="options">How the server treats its clients.</param>
    public LibvirtServer(IReadOnlyList<(string Name, Connection Connection)> connections, LibvirtServerOptions options)
    {
        Options = options;
        _turns = new ReaderTurns(options.ReaderWorkers);
        _largeMessages = (new SemaphoreSlim(options.MaxLargeMessages), new SemaphoreSlim(options.MaxLargeMessages));
        _connections = connections.ToDictionary(pair => pair.Name, pair => pair.Connection, StringComparer.Ordinal);
        DefaultName = connections[0].Name;
        Events = new ServerEvents(options.TimeProvider);
    }

    /// <summary>Clients that come from now on are treated by a newer value.</summary>
    public LibvirtServerOptions Options { get; set; }

    /// <summary>What clients watch.</summary>
    public SharedWatches Watches { get; } = new();

    /// <summary>The events that clients registered for.</summary>
    public ServerEvents Events { get; }

    /// <summary>What a client gets that opens "".</summary>
    public string DefaultName { get; }

    /// <summary>The QEMUs behind several monitor sockets and directories, be they there yet or not.</summary>
    /// <param name="paths">The sockets and directories.</param>
    /// <param name="ownSockets">The sockets that this program itself listens on, which may lie in such a directory.</param>
    /// <param name="options">How to ask.</param>
    public static Connection OpenMonitors(IReadOnlyList<string> paths, IReadOnlyList<string> ownSockets, ConnectionOptions options) =>
        Connection.OpenMonitors(paths, ownSockets, options);

    /// <summary>Whose QEMUs are asked from now on, of a connection to all of this host.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="options">Trusted users and managed directories.</param>
    public static void Retrust(Connection connection, ConnectionOptions options) => connection.Retrust(options);

    /// <summary>Gives back the collection periods that a connection's callers ensured; it ensures no more from now on.</summary>
    public static Task EndPeriodsAsync(Connection connection) => connection.EndPeriodsAsync();

    /// <summary>What the last look at this host's QEMUs could not see, of which those that were known stay; null where it saw all.</summary>
    public static string? LookTrouble(Connection connection) => DriverSelection.LookTrouble(connection.Driver);

    /// <summary>Whether a domain's hypervisor left the last question unanswered; asks nobody.</summary>
    public static bool IsSilent(Domain domain) => domain.Connection.Driver.IsSilent(domain.Identity);

    /// <summary>A process's program and id, for messages.</summary>
    public static string DescribeProcess(int pid) => SocketHolder.Describe(pid);

    /// <summary>A domain's name between quotes, for the log: whatever it is, it stays within them and on its line, and is short.</summary>
    public static string QuoteName(Domain domain) => LogLine.Quote(domain.Name);

    /// <summary>Serves one client to its end.</summary>
    /// <param name="transport">What leads to the client.</param>
    /// <param name="isReadOnly">Whether it came by a way that only reads.</param>
    /// <param name="owner">Whose client it is.</param>
    /// <param name="authenticated">Called once, when it was let in.</param>
    /// <param name="stop">Ends it.</param>
    /// <param name="changed">Told of each change that the client had done.</param>
    /// <param name="authentication">How it has to prove who it is; null: it need not.</param>
    /// <param name="isSecure">Whether nobody else can read or change what comes and goes.</param>
    public async Task ServeAsync(
        IDuplexPipe transport, bool isReadOnly, ClientOwner owner, Action? authenticated, CancellationToken stop, Action<ClientChange>? changed = null,
        ClientAuthentication? authentication = null, bool isSecure = true)
    {
        // In a row less of those who may only read: their turns are for many.
        const int fewInARow = 8;
        RpcServerLimits limits = new() { MaxCalls = Options.MaxCalls, ReadTime = Options.ReadTime, EndsRowByWaiting = transport is LaneTransport };
        UserShare share = _users.Enter(owner, isReadOnly, Options);
        if (isReadOnly)
            share.Turns = _turns;
        try
        {
            RpcServerConnection connection = new(
                transport, isReadOnly ? limits with { MaxInARow = fewInARow, EndsRowByWaiting = false } : limits,
                new ClientShare(share, _turns, isReadOnly ? _largeMessages.OfReaders : _largeMessages.OfAll), Options.TimeProvider);
            await using (connection.ConfigureAwait(false))
            {
                RemoteSession session = new(this, isReadOnly, share, authenticated, changed, authentication) { IsSecure = isSecure };
                await ServeAsync(connection, session, stop).ConfigureAwait(false);
            }
        }
        finally
        {
            _users.Leave(owner, share);
        }
    }

    private async Task ServeAsync(RpcServerConnection connection, RemoteSession session, CancellationToken stop)
    {
        using ITimer deadline = Unattended.CreateTimer(
            Options.TimeProvider,
            static client =>
            {
                if (!client.Session.IsAuthenticated)
                    client.Connection.Close();
            },
            (Session: session, Connection: connection), session.Sasl is null ? Options.AuthenticationTimeout : Options.PasswordTimeout, Timeout.InfiniteTimeSpan);
        await connection.RunAsync(session, stop).ConfigureAwait(false);
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
