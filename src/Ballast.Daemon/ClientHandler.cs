using System.Diagnostics;
using System.Net.Sockets;
using Ballast.Daemon.Authentication;
using Ballast.Server;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>Lets clients in, and counts them.</summary>
/// <param name="server">Serves them.</param>
/// <param name="places">How many there may be.</param>
/// <param name="access">Says who is let in, of those who come from now on.</param>
/// <param name="gate">Says who has to prove who it is.</param>
/// <param name="log">Gets a line for each client that is refused.</param>
/// <param name="changes">Gets a line for each change that a client has done.</param>
/// <param name="stopping">Ends all clients' connections, when the daemon stops.</param>
internal sealed partial class ClientHandler(
    LibvirtServer server, ClientSlots places, CurrentAccess access, SaslGate gate, ILogger<ClientHandler> log, ChangeLog changes, CancellationToken stopping)
{
    // Said once in a while: who comes and goes at the limit shall not fill the log.
    private static readonly TimeSpan FullInterval = TimeSpan.FromMinutes(1);

    // For what was answered and is not sent yet; ended as soon as all is.
    private static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(1);

    private long _fullLogged;

    public int Clients => places.Taken;

    /// <summary>Whenever a client came or went.</summary>
    public event Action? Changed;

    /// <summary>One that is served elsewhere came or went.</summary>
    public void CountChanged() => Changed?.Invoke();

    public Task ServeReadWriteAsync(ConnectionContext context) => ServeAsync(context, isReadOnly: false);

    public Task ServeReadOnlyAsync(ConnectionContext context) => ServeAsync(context, isReadOnly: true);

    private async Task ServeAsync(ConnectionContext context, bool isReadOnly)
    {
        Socket? socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is null || UnixAccess.Peer(socket) is not { } peer)
            return;
        AccessRules rules = access.Rules;
        bool mayChange = UnixAccess.MayChange(socket, peer, rules.Group);
        if (!isReadOnly && !mayChange)
        {
            Refused(log);
            return;
        }

        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed, stopping);
        ClientSlots.Place? place = places.TryTake(peer.Uid, mayChange);
        if (place is null)
        {
            SayFull();
            place = await places.TryTakeLaterAsync(peer.Uid, mayChange, end.Token).ConfigureAwait(false);
            if (place is null)
                return;
        }

        using (place)
        {
            Changed?.Invoke();
            await ServeAsync(context, rules.Options, isReadOnly, peer, place, end.Token).ConfigureAwait(false);
        }

        Changed?.Invoke();
    }

    private async Task ServeAsync(ConnectionContext context, DaemonOptions options, bool isReadOnly, PeerProcess peer, ClientSlots.Place place, CancellationToken end)
    {
        try
        {
            await place.WaitAsync(end).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        string? account = null;
        await server.ServeAsync(
            context.Transport, isReadOnly, peer.Uid, place.Admit, end, change => changes.Client(peer, change, account),
            gate.OfUnixSocket(options, peer, isReadOnly, name => account = name)).ConfigureAwait(false);

        // Who does not take the rest is not waited for: Kestrel would wait, with the socket open, for as long as the client
        // keeps its end. The place is taken until then, so that nobody has more sockets than there are places.
        await Task.Delay(LastAnswers, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Abort();
    }

    private void SayFull()
    {
        long last = Volatile.Read(ref _fullLogged), now = Stopwatch.GetTimestamp();
        if ((last == 0 || Stopwatch.GetElapsedTime(last, now) >= FullInterval) && Interlocked.CompareExchange(ref _fullLogged, now, last) == last)
            Full(log, Clients);
    }

    [LoggerMessage(1, LogLevel.Warning, "A client was refused: it is neither root, nor this daemon's user, nor in its group")]
    private static partial void Refused(ILogger log);

    [LoggerMessage(2, LogLevel.Warning, "There are {Clients} clients; further ones are refused (max_clients)")]
    private static partial void Full(ILogger log, int clients);
}
