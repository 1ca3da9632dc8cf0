using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Ballast.Daemon;

/// <summary>The web server's listeners, which refuse at once the clients for whom there are no files.</summary>
internal sealed class RoomListenerFactory(SocketTransportFactory sockets, OpenFiles files) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new RoomListener(await sockets.BindAsync(endpoint, cancellationToken).ConfigureAwait(false), files);
}

/// <summary>
/// Refuses before it accepts the next: else a crowd took the files that are kept for others, and a listener that has none for its
/// client tries again and again.
/// </summary>
internal sealed class RoomListener(IConnectionListener inner, OpenFiles files) : IConnectionListener
{
    public EndPoint EndPoint => inner.EndPoint;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ConnectionContext? client = await inner.AcceptAsync(cancellationToken).ConfigureAwait(false);
            if (client?.Features.Get<IConnectionSocketFeature>() is not { } accepted || files.Admits(accepted.Socket.Handle, isPrivileged: false))
                return client;
            client.Abort();
            await client.DisposeAsync().ConfigureAwait(false);
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
