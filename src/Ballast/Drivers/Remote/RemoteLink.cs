using System.IO.Pipelines;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Transports;

namespace Ballast.Drivers.Remote;

/// <summary>One connection to a daemon, from its opening to its loss.</summary>
internal sealed class RemoteLink : IAsyncDisposable
{
    private readonly IAsyncDisposable _transport;
    private readonly RpcClient _client;
    private readonly TimeSpan _timeout;

    // Of our own program, what the daemon answered, and what it does not know; by procedure.
    private int _answered, _unknown;

    private RemoteLink(IAsyncDisposable transport, RpcClient client, TimeSpan timeout)
    {
        _transport = transport;
        _client = client;
        _timeout = timeout;
    }

    public bool IsLost => _client.IsLost;

    /// <summary>Why it ended.</summary>
    public LibvirtException Loss => _client.Loss ?? RpcErrors.Lost("it ended");

    /// <summary>Ends when the connection does.</summary>
    public Task Ended => _client.Ended;

    /// <summary>Whether the daemon tells callbacks apart; libvirt's do since 1.3.</summary>
    public bool HasCallbacks { get; private set; }

    public static async ValueTask<RemoteLink> OpenAsync(
        RemoteAddress address, SaslLogin login, ConnectionOptions options, RpcEventHandler onEvent, CancellationToken cancellationToken)
    {
        ITransport transport = await address.Endpoint.ConnectAsync(options.DaemonTimeout, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        return await OpenAsync(transport, address.Name, options, onEvent, cancellationToken, address.Authentication, login).ConfigureAwait(false);
    }

    /// <summary>Greets the daemon that is there; the link closes the way to it.</summary>
    public static async ValueTask<RemoteLink> OpenAsync<TTransport>(
        TTransport transport, string name, ConnectionOptions options, RpcEventHandler onEvent, CancellationToken cancellationToken, string? authentication = null,
        SaslLogin? login = null)
        where TTransport : IDuplexPipe, IAsyncDisposable
    {
        RemoteLink link = new(transport, new RpcClient(transport, options.TimeProvider, Handle, options.UnsafePreferInlineContinuations), options.DaemonTimeout);
        try
        {
            await link.AuthenticateAsync(authentication, login, cancellationToken).ConfigureAwait(false);
            await link.GreetAsync(name, options, cancellationToken).ConfigureAwait(false);
            return link;
        }
        catch
        {
            await link.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        void Handle(in RpcHeader header, ReadOnlySpan<byte> payload)
        {
            // A daemon in between has lost the hypervisor: none of its answers would be worth anything, though it still talks.
            if (header is { Program: RpcPrograms.Remote, Version: RpcPrograms.Version, Procedure: (int)RemoteProcedure.ConnectEventConnectionClosed })
                throw new IOException(RpcErrors.ClosedByDaemon(XdrReader.Read<ConnectionClosedEvent>(payload).Reason));
            onEvent(header, payload);
        }
    }

    public ValueTask<TReply> CallAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        _client.CallAsync<TArgs, TReply>(procedure, arguments, _timeout, changesSomething: false, cancellationToken);

    /// <summary>
    /// Asks while the connection is being opened. Only the deadline of the whole opening counts, and it ends the token: one of the
    /// call's own would end at the same time, with an error that knows less.
    /// </summary>
    public ValueTask<TReply> OpeningCallAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments, CancellationToken opening)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        _client.CallAsync<TArgs, TReply>(procedure, arguments, Timeout.InfiniteTimeSpan, changesSomething: false, opening);

    public async ValueTask ChangeAsync<TArgs>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs> =>
        _ = await ChangeAsync<TArgs, Nothing>(procedure, arguments, cancellationToken).ConfigureAwait(false);

    public ValueTask<TReply> ChangeAsync<TArgs, TReply>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        _client.CallAsync<TArgs, TReply>(procedure, arguments, _timeout, changesSomething: true, cancellationToken);

    /// <summary>Calls our own program; null where the daemon has none, as libvirt's.</summary>
    public ValueTask<SamplesReply?> TrySampleAsync<TArgs>(
        BallastProcedure procedure, TArgs arguments, bool changesSomething, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs> =>
        TryCallAsync<TArgs, SamplesReply>(procedure, arguments, changesSomething, cancellationToken);

    /// <summary>Calls another procedure of our own program, which changes nothing; null where the daemon has none, or an older one.</summary>
    public ValueTask<TReply?> TryAskAsync<TArgs, TReply>(BallastProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply> =>
        TryCallAsync<TArgs, TReply>(procedure, arguments, changesSomething: false, cancellationToken);

    /// <summary>Asks for samples as events; false where the daemon has no such program, or an older one.</summary>
    public async ValueTask<bool> TryWatchAsync(WatchArgs arguments, CancellationToken cancellationToken) =>
        await TryCallAsync<WatchArgs, Nothing>(BallastProcedure.Watch, arguments, changesSomething: false, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>
    /// Registers for events of one kind. A daemon whose answer comes when nobody waits for it any more is told to forget the
    /// registration.
    /// </summary>
    public ValueTask<CallbackArgs> RegisterAsync(int eventId, CancellationToken cancellationToken)
    {
        return _client.CallAsync<RegisterArgs, CallbackArgs>(
            RemoteProcedure.ConnectDomainEventCallbackRegisterAny, new() { EventID = eventId }, _timeout,
            changesSomething: false, cancellationToken, late: callback => _ = ForgetAsync(callback));

        async Task ForgetAsync(CallbackArgs callback)
        {
            try
            {
                await ChangeAsync(RemoteProcedure.ConnectDomainEventCallbackDeregisterAny, callback, CancellationToken.None).ConfigureAwait(false);
            }
            catch (LibvirtException)
            {
                // The daemon forgets it with the connection.
            }
        }
    }

    /// <summary>Wants no more of them. Nobody waits for the daemon, which may be silent: who cancels a watch goes on at once.</summary>
    public void Unwatch(int watch)
    {
        _ = UnwatchAsync();

        async Task UnwatchAsync()
        {
            try
            {
                _ = await _client.CallAsync<UnwatchArgs, Nothing>(
                    BallastProcedure.Unwatch, new() { Watch = watch }, _timeout, changesSomething: false, CancellationToken.None).ConfigureAwait(false);
            }
            catch (LibvirtException)
            {
                // It ended by itself, or never began; a connection that is lost has taken it along.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _client.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Null where the daemon does not know it, which is remembered for as long as the connection stands. What was answered once
    /// is known: then it is an error like any other.
    /// </summary>
    private async ValueTask<TReply?> TryCallAsync<TArgs, TReply>(
        BallastProcedure procedure, TArgs arguments, bool changesSomething, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs>
        where TReply : struct, IXdrMessage<TReply>
    {
        int bit = 1 << (int)procedure;
        if ((Volatile.Read(ref _unknown) & bit) != 0)
            return null;
        try
        {
            TReply reply = await _client.CallAsync<TArgs, TReply>(procedure, arguments, _timeout, changesSomething, cancellationToken).ConfigureAwait(false);
            if ((Volatile.Read(ref _answered) & bit) == 0)
                Interlocked.Or(ref _answered, bit);
            return reply;
        }
        catch (LibvirtException e) when (e.IsUnknownCall && (Volatile.Read(ref _answered) & bit) == 0)
        {
            Interlocked.Or(ref _unknown, bit);
            return null;
        }
    }

    private async ValueTask AuthenticateAsync(string? wanted, SaslLogin? login, CancellationToken token)
    {
        AuthListReply ways = await OpeningCallAsync<Nothing, AuthListReply>(RemoteProcedure.AuthList, default, token).ConfigureAwait(false);
        switch (RemoteAuthentication.Choose(ways, wanted))
        {
            case AuthenticationWay.Polkit:
                _ = await OpeningCallAsync<Nothing, NumberReply>(RemoteProcedure.AuthPolkit, default, token).ConfigureAwait(false);
                break;
            case AuthenticationWay.Sasl when login is null:
                throw RemoteAuthentication.Failed("the daemon requires a user's name and password (SASL), which are not known here");
            case AuthenticationWay.Sasl:
                await login.EnterAsync(this, RemoteAuthentication.MechanismOf(wanted), token).ConfigureAwait(false);
                break;
            default:
                break;
        }
    }

    private async ValueTask GreetAsync(string name, ConnectionOptions options, CancellationToken token)
    {
        if (options.KeepaliveInterval > TimeSpan.Zero && await SupportsAsync(RemoteFeatures.ProgramKeepalive, token).ConfigureAwait(false))
            _client.StartKeepalive(options.KeepaliveInterval, options.KeepaliveCount);
        _ = await OpeningCallAsync<OpenArgs, Nothing>(RemoteProcedure.ConnectOpen, new() { Name = name, Flags = options.ReadOnly ? 1u : 0u }, token).ConfigureAwait(false);
        HasCallbacks = await SupportsAsync(RemoteFeatures.EventCallback, token).ConfigureAwait(false);

        // Only who asked is told when the daemon itself loses the hypervisor.
        if (await SupportsAsync(RemoteFeatures.CloseCallback, token).ConfigureAwait(false))
            _ = await OpeningCallAsync<Nothing, Nothing>(RemoteProcedure.ConnectRegisterCloseCallback, default, token).ConfigureAwait(false);
    }

    private async ValueTask<bool> SupportsAsync(int feature, CancellationToken token) =>
        (await OpeningCallAsync<FeatureArgs, NumberReply>(RemoteProcedure.ConnectSupportsFeature, new() { Feature = feature }, token).ConfigureAwait(false)).Number != 0;
}
