using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Authentication;
using Ballast.Server.Dispatch;
using Ballast.Telemetry;

namespace Ballast.Server;

/// <summary>What one client has: whether it was let in, what it opened, what it registered for.</summary>
internal sealed class RemoteSession(
    LibvirtServer server, bool isReadOnly, UserShare share, Action? authenticated, Action<ClientChange>? changed = null, ClientAuthentication? authentication = null) : IRpcSession
{
    private Connection? _connection;
    private SessionEvents? _events;
    private string _name = "";

    public bool IsAuthenticated { get; private set; }

    public LibvirtServer Server => server;

    /// <summary>Whether nobody else can read or change what comes and goes.</summary>
    public bool IsSecure { get; init; } = true;

    /// <summary>What its user's clients have together.</summary>
    public UserShare Share => share;

    /// <summary>Set with the first call.</summary>
    public RpcServerConnection Client { get; private set; } = null!;

    /// <summary>The client's callbacks, where it registered any.</summary>
    public SessionEvents? Events => Volatile.Read(ref _events);

    /// <summary>What the client watches.</summary>
    public SessionWatches Watches => field ??= new SessionWatches(this);

    /// <summary>Who is told of an exception that no handler should throw; nobody before the client opened its hypervisor.</summary>
    public ConnectionLog Log => _connection?.Log ?? ConnectionLog.None;

    /// <summary>What the client opened.</summary>
    /// <exception cref="LibvirtException">Nothing yet.</exception>
    public Connection Connection => _connection ?? throw RpcErrors.Internal("hypervisor connection not open");

    /// <summary>Whether the client opened something.</summary>
    public bool IsOpen => _connection is not null;

    /// <summary>The connection that all clients share which opened the same.</summary>
    public Connection Shared { get; private set; } = null!;

    /// <summary>The name under which it was opened.</summary>
    public string Uri
    {
        get
        {
            RequireOpen();
            return _name;
        }
    }

    public ErrorOrigin DriverOrigin => Connection.DriverType == "TEST" ? ErrorOrigin.Test : ErrorOrigin.Qemu;

    /// <summary>The driver's prefix in libvirt's names of functions.</summary>
    public string DriverPrefix => Connection.DriverType == "TEST" ? "test" : "qemu";

    /// <summary>How the client proves who it is; null: it need not.</summary>
    public SaslExchange? Sasl { get; } = authentication is null ? null : new SaslExchange(authentication);

    /// <summary>Tells what this client changed, where somebody wants to know.</summary>
    public void Changed(in ClientChange change) => changed?.Invoke(change);

    public void Authenticate()
    {
        if (IsAuthenticated)
            return;
        IsAuthenticated = true;
        authenticated?.Invoke();
    }

    /// <exception cref="LibvirtException">Nothing was opened yet.</exception>
    public void RequireOpen() => _ = Connection;

    /// <exception cref="LibvirtException">The client may only read.</exception>
    public void RefuseReadOnly(string function)
    {
        if (Connection.IsReadOnly)
            throw LibvirtError.ReadOnly(function);
    }

    public void Open(string? name, uint flags)
    {
        const uint readOnly = 1;
        if (_connection is not null)
            throw RpcErrors.Internal("connection already open");
        if (name is null)
            throw RpcErrors.Internal("connection not open");
        (_name, Connection shared) = server.Find(name);
        Shared = shared;
        _connection = shared.Share(isReadOnly || (flags & readOnly) != 0);
    }

    /// <summary>Keeps the client's callbacks; where it has some already, those are returned.</summary>
    public SessionEvents KeepEvents(SessionEvents events) => Interlocked.CompareExchange(ref _events, events, null) ?? events;

    public Domain Domain(in RemoteDomain domain) => Resolve(Connection, domain);

    private static Domain Resolve(Connection connection, in RemoteDomain domain) =>
        new(connection, new DomainIdentity(domain.Name, domain.Uuid, domain.Id < 0 ? null : domain.Id));

    /// <summary>
    /// Asks about several domains, or all. Readers share rounds, at their user's pace: what one of them started is for all who ask the
    /// same, and goes on when that one goes, whose own connection ends then.
    /// </summary>
    /// <param name="asked">The domains; none: all.</param>
    /// <param name="question">What is asked; equal ones have answers of the same type.</param>
    /// <param name="ask">Asks, about all where there are no domains.</param>
    /// <param name="count">Of how many domains an answer is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<T> AskManyAsync<T>(
        RemoteDomain[] asked, object question, Func<Connection, IReadOnlyList<Domain>?, CancellationToken, ValueTask<T>> ask, Func<T, int> count,
        CancellationToken cancellationToken)
    {
        if (!Share.IsReader || (asked.Length > 0 && Array.TrueForAll(asked, domain => domain.Uuid == asked[0].Uuid)))
            return ask(Connection, On(Connection, asked), cancellationToken).AsTask();
        RequireOpen();
        return JoinRoundAsync(new NamedDomains(asked), question, ask, count, cancellationToken);
    }

    // Keeps no more of the call than this: a user's many may wait here.
    private async Task<T> JoinRoundAsync<T>(
        NamedDomains named, object question, Func<Connection, IReadOnlyList<Domain>?, CancellationToken, ValueTask<T>> ask, Func<T, int> count,
        CancellationToken cancellationToken)
    {
        Connection shared = Shared;
        Share.AddKept(named.Bytes);
        try
        {
            return await Share.Rounds.JoinAsync(
                (shared, question, named), () => ask(shared, On(shared, named.Unpack()), CancellationToken.None).AsTask(), count, cancellationToken,
                named.Count == 0 ? null : named.Count).ConfigureAwait(false);
        }
        finally
        {
            Share.RemoveKept(named.Bytes);
        }
    }

    private static Domain[]? On(Connection connection, RemoteDomain[] asked) =>
        asked.Length == 0 ? null : [.. asked.Select(domain => Resolve(connection, domain))];

    public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
    {
        Client = client;
        answered = default;
        if (header.Version != RpcPrograms.Version || header.Program is not (RpcPrograms.Remote or RpcPrograms.Ballast or RpcPrograms.Qemu or RpcPrograms.Lxc))
            return false;
        const int firstAuthentication = (int)RemoteProcedure.AuthList, lastAuthentication = (int)RemoteProcedure.AuthPolkit;
        bool isRemote = header.Program == RpcPrograms.Remote;
        if (!IsAuthenticated && !(isRemote && header.Procedure is >= firstAuthentication and <= lastAuthentication))
            answered = client.ReplyErrorAsync(header, RpcErrors.AuthenticationRequired());
        else if (Find(header) is { } handler)
            answered = handler.HandleAsync(this, header, arguments);
        else
            answered = client.ReplyErrorAsync(header, header.Program == RpcPrograms.Ballast
                ? RpcErrors.UnknownProcedure(header.Procedure)
                : UnservedProcedures.Refuse(this, header.Program, header.Procedure));
        return true;
    }

    private static Handler? Find(in RpcHeader header) => header.Program switch
    {
        RpcPrograms.Remote => RemoteProgram.Find(header.Procedure),
        RpcPrograms.Ballast => BallastProgram.Find(header.Procedure),
        _ => null,
    };

    public async ValueTask DisposeAsync()
    {
        if (Events is not null)
            await Events.DisposeAsync().ConfigureAwait(false);
        if (_connection is not null)
            await _connection.DisposeAsync().ConfigureAwait(false);
    }
}
