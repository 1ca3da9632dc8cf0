using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Telemetry;
using Ballast.Transports;

namespace Ballast.Drivers.Remote;

/// <summary>A daemon that speaks libvirt's protocol: ballastd, libvirtd, virtqemud.</summary>
internal sealed partial class RemoteDriver : IDriver
{
    private readonly Func<RpcEventHandler, CancellationToken, ValueTask<RemoteLink>> _open;
    private readonly ConnectionOptions _options;
    private readonly IEndpoint? _endpoint;
    private readonly Lock _gate = new();

    // Never disposed, as it has neither a timer nor a handle: a call that ends late finds it there.
    private readonly CancellationTokenSource _end = new();
    private readonly RemoteEvents _events;
    private readonly ConnectionLog _log;
    private volatile RemoteLink _link;
    private Task<RemoteLink>? _reopening;
    private volatile bool _disposed;

    private RemoteDriver(ConnectionOptions options, Func<RpcEventHandler, CancellationToken, ValueTask<RemoteLink>> open, IEndpoint? endpoint)
    {
        _endpoint = endpoint;
        _open = open;
        _options = options;
        _log = ConnectionLog.Of(options);
        _events = new RemoteEvents(this);
        _link = null!;
    }

    internal bool Reconnects => _options.Reconnect;

    internal TimeProvider TimeProvider => _options.TimeProvider;

    /// <summary>The daemon's driver, as it calls it.</summary>
    public string Type { get; private set; } = "";

    public static ValueTask<RemoteDriver> OpenAsync(ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken)
    {
        RemoteAddress address = RemoteAddress.Of(uri, options.ReadOnly, options.AskAtTerminal);

        // Who comes back after a loss asks nobody.
        RemoteAddress next = address, again = RemoteAddress.Of(uri, options.ReadOnly, mayAsk: false);
        ConnectionOptions patient = options with { DaemonTimeout = address.Timeout ?? UriParameters.Bounded(options.DaemonTimeout) };
        SaslLogin login = SaslLogin.Of(uri, address.Endpoint.IsPrivate, patient);
        return OpenAsync(patient, (onEvent, token) => RemoteLink.OpenAsync(Interlocked.Exchange(ref next, again), login, patient, onEvent, token), cancellationToken, address.Endpoint);
    }

    /// <param name="options">How to open it.</param>
    /// <param name="open">Connects to the daemon, now and after a loss.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="endpoint">Where the daemon is; null: its errors do not say.</param>
    internal static async ValueTask<RemoteDriver> OpenAsync(
        ConnectionOptions options, Func<RpcEventHandler, CancellationToken, ValueTask<RemoteLink>> open, CancellationToken cancellationToken,
        IEndpoint? endpoint = null)
    {
        RemoteDriver driver = new(options, open, endpoint);
        driver._link = await driver.OpenLinkAsync(
            async (link, token) => driver.Type =
                (await link.OpeningCallAsync<Nothing, TextReply>(RemoteProcedure.ConnectGetType, default, token).ConfigureAwait(false)).Text,
            cancellationToken).ConfigureAwait(false);
        driver.TellLossOf(driver._link);
        return driver;
    }

    public async ValueTask DisposeAsync()
    {
        Task reopening;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            reopening = _reopening ?? Task.CompletedTask;
        }

        await _end.CancelAsync().ConfigureAwait(false);
        await reopening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await _events.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            await _link.DisposeAsync().ConfigureAwait(false);
        }
    }

    public bool IsAlive => Reconnects || !_link.IsLost;

    public object? Link => _link;

    public bool MayRetry(object? link, LibvirtException error) =>
        link is RemoteLink { IsLost: true } && Reconnects && !_disposed && RpcErrors.SaysAway(error);

    public Task<LibvirtException>? Lost => Reconnects ? null : LossAsync(_link);

    public async ValueTask<ulong> GetLibraryVersionAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, ULongReply>(RemoteProcedure.ConnectGetLibVersion, default, cancellationToken).ConfigureAwait(false)).Number;

    public async ValueTask<string?> GetDaemonVersionAsync(CancellationToken cancellationToken)
    {
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        return (await link.TryAskAsync<Nothing, VersionReply>(BallastProcedure.Version, default, cancellationToken).ConfigureAwait(false))?.Version;
    }

    public async ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, ULongReply>(RemoteProcedure.ConnectGetVersion, default, cancellationToken).ConfigureAwait(false)).Number;

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        _events.SubscribeAsync(sink, cancellationToken);

    /// <summary>The connection that stands. One that was lost was reported to who used it; it is opened again where the options say so.</summary>
    internal ValueTask<RemoteLink> LinkAsync(CancellationToken cancellationToken) =>
        MayReopen ? new(ReopenAsync().WaitAsync(cancellationToken)) : new(_link);

    private bool MayReopen => _link.IsLost && Reconnects && !_disposed;

    /// <summary>All who need the connection wait for one attempt; who gives up leaves it to the others.</summary>
    private Task<RemoteLink> ReopenAsync()
    {
        lock (_gate)
            return !MayReopen ? Task.FromResult(_link) : _reopening ??= OpenAsync();

        async Task<RemoteLink> OpenAsync()
        {
            // Not before it is kept in its field, which it clears at its end.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            try
            {
                RemoteLink lost = _link;
                RemoteLink reopened = await OpenLinkAsync(static (_, _) => Task.CompletedTask, _end.Token).ConfigureAwait(false);

                // Kept before anything else can go wrong: who closes the driver closes it.
                _link = reopened;
                _log.DaemonReconnected(Name);
                TellLossOf(reopened);
                await lost.DisposeAsync().ConfigureAwait(false);
                return reopened;
            }
            catch (LibvirtException e)
            {
                _log.DaemonUnreachable(Name, e);
                throw;
            }
            catch (OperationCanceledException)
            {
                // No caller's wish: as for those whose calls were under way, the connection was closed.
                throw RpcErrors.Lost("it was closed");
            }
            finally
            {
                lock (_gate)
                    _reopening = null;
            }
        }
    }

    /// <summary>One deadline for all that it takes: a daemon that answers each call only just in time shall not add them up.</summary>
    private async ValueTask<RemoteLink> OpenLinkAsync(Func<RemoteLink, CancellationToken, Task> complete, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(_options.DaemonTimeout, TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            RemoteLink link = await _open(Handle, either.Token).ConfigureAwait(false);
            try
            {
                await complete(link, either.Token).ConfigureAwait(false);
                return link;
            }
            catch
            {
                await link.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw RpcErrors.OpeningTimeout(_options.DaemonTimeout, _endpoint?.Daemon ?? "the daemon", _endpoint?.Advice ?? "");
        }
    }

    private void Handle(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Version != RpcPrograms.Version)
            return;
        if (header.Program == RpcPrograms.Remote)
            _events.Handle(header, payload);
        else if (header.Program == RpcPrograms.Ballast)
            Volatile.Read(ref _watches)?.Handle(header, payload);
    }

    private async ValueTask<TReply> AskAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        await (await LinkAsync(cancellationToken).ConfigureAwait(false))
            .CallAsync<TArgs, TReply>(procedure, arguments, cancellationToken).ConfigureAwait(false);

    private async ValueTask ChangeAsync<TArgs>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs> =>
        await (await LinkAsync(cancellationToken).ConfigureAwait(false)).ChangeAsync(procedure, arguments, cancellationToken).ConfigureAwait(false);

    private async ValueTask<TReply> ChangeAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        await (await LinkAsync(cancellationToken).ConfigureAwait(false))
            .ChangeAsync<TArgs, TReply>(procedure, arguments, cancellationToken).ConfigureAwait(false);

    /// <summary>As the log calls it.</summary>
    private string Name => $"the daemon of {Type} domains";

    private void TellLossOf(RemoteLink link)
    {
        if (_options.LoggerFactory is not null)
            _ = TellLossAsync();

        async Task TellLossAsync()
        {
            LibvirtException loss = await LossAsync(link).ConfigureAwait(false);
            if (!_disposed)
                _log.DaemonLost(Name, loss);
        }
    }

    private static async Task<LibvirtException> LossAsync(RemoteLink link)
    {
        await link.Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return link.Loss;
    }

    private static RemoteDomain ToRemote(DomainIdentity domain) => new() { Name = domain.Name, Uuid = domain.Uuid, Id = domain.Id ?? -1 };

    private static DomainIdentity FromRemote(in RemoteDomain domain) => new(domain.Name, domain.Uuid, domain.Id < 0 ? null : domain.Id);
}
