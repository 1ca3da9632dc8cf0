using System.Net.Sockets;
using Ballast.Server;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>Lets clients in, and counts them.</summary>
internal sealed partial class ClientHandler(LibvirtServer server, DaemonOptions options, uint? group, ILogger<ClientHandler> log) : IDisposable
{
    // Who was not let in yet: as libvirt's daemon, further ones wait for one of them.
    private readonly SemaphoreSlim _anonymous = new(options.MaxAnonymousClients);
    private int _clients;
    private int _isFullLogged;

    public int Clients => Volatile.Read(ref _clients);

    /// <summary>Completed anew whenever a client came or went.</summary>
    public event Action? Changed;

    public void Dispose() => _anonymous.Dispose();

    public Task ServeReadWriteAsync(ConnectionContext context) => ServeAsync(context, isReadOnly: false);

    public Task ServeReadOnlyAsync(ConnectionContext context) => ServeAsync(context, isReadOnly: true);

    private async Task ServeAsync(ConnectionContext context, bool isReadOnly)
    {
        Socket? socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (!isReadOnly && (socket is null || !UnixAccess.MayChange(socket, group)))
        {
            Refused(log);
            return;
        }

        if (Interlocked.Increment(ref _clients) <= options.MaxClients)
        {
            Changed?.Invoke();
            _isFullLogged = 0;
            await ServeAsync(context, isReadOnly, context.ConnectionClosed).ConfigureAwait(false);
        }
        else if (Interlocked.Exchange(ref _isFullLogged, 1) == 0)
        {
            Full(log, options.MaxClients);
        }

        Interlocked.Decrement(ref _clients);
        Changed?.Invoke();
    }

    private async Task ServeAsync(ConnectionContext context, bool isReadOnly, CancellationToken closed)
    {
        int isAnonymous = 1;
        try
        {
            await _anonymous.WaitAsync(closed).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            await server.ServeAsync(context.Transport, isReadOnly, LetIn, closed).ConfigureAwait(false);
        }
        finally
        {
            LetIn();
        }

        void LetIn()
        {
            if (Interlocked.Exchange(ref isAnonymous, 0) == 1)
                _anonymous.Release();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "A client was refused: it is neither root, nor this daemon's user, nor in its group")]
    private static partial void Refused(ILogger log);

    [LoggerMessage(2, LogLevel.Warning, "There are {Clients} clients; further ones are refused (max_clients)")]
    private static partial void Full(ILogger log, int clients);
}
