using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <summary>A daemon that speaks libvirt's protocol: ballastd, libvirtd, virtqemud.</summary>
internal sealed partial class RemoteDriver : IDriver
{
    private readonly Func<RpcEventHandler, CancellationToken, ValueTask<RemoteLink>> _open;
    private readonly ConnectionOptions _options;
    private readonly SemaphoreSlim _opening = new(1);
    private readonly RemoteEvents _events;
    private RemoteLink _link;
    private bool _disposed;

    private RemoteDriver(ConnectionOptions options, Func<RpcEventHandler, CancellationToken, ValueTask<RemoteLink>> open)
    {
        _open = open;
        _options = options;
        _events = new RemoteEvents(this);
        _link = null!;
    }

    internal bool Reconnects => _options.Reconnect;

    internal TimeProvider TimeProvider => _options.TimeProvider;

    /// <summary>The daemon's driver, as it calls it.</summary>
    public string Type { get; private set; } = "";

    public static ValueTask<RemoteDriver> OpenAsync(ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken)
    {
        RemoteAddress address = RemoteAddress.Of(uri, options.ReadOnly);
        return OpenAsync(options, (onEvent, token) => RemoteLink.OpenAsync(address, options, onEvent, token), cancellationToken);
    }

    /// <param name="options">How to open it.</param>
    /// <param name="open">Connects to the daemon, now and after a loss.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async ValueTask<RemoteDriver> OpenAsync(
        ConnectionOptions options, Func<RpcEventHandler, CancellationToken, ValueTask<RemoteLink>> open, CancellationToken cancellationToken)
    {
        RemoteDriver driver = new(options, open);
        driver._link = await driver.OpenLinkAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            driver.Type = (await driver.AskAsync<Nothing, TextReply>(RemoteProcedure.ConnectGetType, default, cancellationToken).ConfigureAwait(false)).Text;
            return driver;
        }
        catch
        {
            await driver.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _events.DisposeAsync().ConfigureAwait(false);
        await _link.DisposeAsync().ConfigureAwait(false);
        _opening.Dispose();
    }

    public bool IsAlive => Reconnects || !_link.IsLost;

    public async ValueTask<ulong> GetLibraryVersionAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, ULongReply>(RemoteProcedure.ConnectGetLibVersion, default, cancellationToken).ConfigureAwait(false)).Number;

    public async ValueTask<ulong> GetVersionAsync(CancellationToken cancellationToken) =>
        (await AskAsync<Nothing, ULongReply>(RemoteProcedure.ConnectGetVersion, default, cancellationToken).ConfigureAwait(false)).Number;

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        DomainEventKinds kinds, DomainIdentity? domain, IDriverEventSink sink, CancellationToken cancellationToken) =>
        _events.SubscribeAsync(sink, cancellationToken);

    /// <summary>The connection that stands. One that was lost was reported to who used it; it is opened again where the options say so.</summary>
    internal async ValueTask<RemoteLink> LinkAsync(CancellationToken cancellationToken)
    {
        if (!_link.IsLost || !_options.Reconnect)
            return _link;
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_link.IsLost && !_disposed)
            {
                RemoteLink anew = await OpenLinkAsync(cancellationToken).ConfigureAwait(false);
                await _link.DisposeAsync().ConfigureAwait(false);
                _link = anew;
            }

            return _link;
        }
        finally
        {
            _opening.Release();
        }
    }

    private ValueTask<RemoteLink> OpenLinkAsync(CancellationToken cancellationToken) => _open(Handle, cancellationToken);

    private void Handle(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Version != RpcPrograms.Version)
            return;
        if (header.Program == RpcPrograms.Remote)
            _events.Handle(header, payload);
        else if (header.Program == RpcPrograms.Ballast)
            _watches.Handle(header, payload);
    }

    private async ValueTask<TReply> AskAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        await (await LinkAsync(cancellationToken).ConfigureAwait(false))
            .CallAsync<TArgs, TReply>(procedure, arguments, cancellationToken).ConfigureAwait(false);

    private async ValueTask ChangeAsync<TArgs>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs> =>
        await (await LinkAsync(cancellationToken).ConfigureAwait(false)).ChangeAsync(procedure, arguments, cancellationToken).ConfigureAwait(false);

    private static RemoteDomain ToRemote(DomainIdentity domain) => new() { Name = domain.Name, Uuid = domain.Uuid, Id = domain.Id ?? -1 };

    private static DomainIdentity FromRemote(in RemoteDomain domain) => new(domain.Name, domain.Uuid, domain.Id < 0 ? null : domain.Id);
}
