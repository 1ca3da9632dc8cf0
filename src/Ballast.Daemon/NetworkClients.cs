using System.Globalization;
using System.Net;
using Ballast.Daemon.Authentication;
using Ballast.Server;
using Ballast.Server.Authentication;
using Ballast.Server.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Ballast.Daemon;

/// <summary>Lets clients of other hosts in: those that come by TCP, and those whose certificate is good.</summary>
/// <param name="server">Serves them.</param>
/// <param name="local">The clients of this host, with whom they are counted.</param>
/// <param name="places">How many there may be.</param>
/// <param name="access">Says who is let in, of those who come from now on.</param>
/// <param name="gate">Says who has to prove who it is.</param>
/// <param name="changes">Gets a line for each that is refused, and for each change that one has done.</param>
/// <param name="stopping">Ends all clients' connections, when the daemon stops.</param>
internal sealed class NetworkClients(
    LibvirtServer server, ClientHandler local, ClientSlots places, CurrentAccess access, SaslGate gate, ChangeLog changes, CancellationToken stopping)
{
    // For the handshake and for the first byte; then the server's own deadline counts.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // For what was answered and is not sent yet.
    private static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(1);

    public Task ServeTcpAsync(ConnectionContext context) => ServeAsync(context, async (client, place, end) =>
    {
        bool? speaksTls = await BoundedAsync(deadline => WrongPort.SpeaksTlsAsync(context.Transport, deadline).AsTask()).ConfigureAwait(false);
        if (speaksTls is null)
            return;
        if (speaksTls == true)
        {
            changes.Refused(client, "it speaks TLS, and this port does not: it should use the port of tls, or qemu+tcp");
            await TellAsync(deadline => WrongPort.RefuseTlsAsync(context.Transport, deadline)).ConfigureAwait(false);
            return;
        }

        string? account = null;
        ClientOwner owner = ClientOwner.Of(client.Address);
        DaemonOptions options = access.Rules.Options;
        await server.ServeAsync(
            context.Transport, isReadOnly: !options.TcpWrites, owner, place.Admit, end, change => changes.Client(client, "", change, account),
            gate.OfNetwork(options, client, owner, isTls: false, name => account = name), isSecure: false).ConfigureAwait(false);
    });

    public Task ServeTlsAsync(ConnectionContext context) => ServeAsync(context, async (client, place, end) =>
    {
        bool? speaksTls = await BoundedAsync(deadline => WrongPort.SpeaksTlsAsync(context.Transport, deadline).AsTask()).ConfigureAwait(false);
        if (speaksTls is null)
            return;
        if (speaksTls == false)
        {
            changes.Refused(client, "it speaks plain text, and this port TLS: it should use qemu+tls");
            await TellAsync(deadline => WrongPort.RefusePlainAsync(context.Transport, server.Options, deadline)).ConfigureAwait(false);
            return;
        }

        AccessRules rules = access.Rules;
        (TlsClient? secure, string fault) =
            await BoundedAsync(deadline => TlsClient.AcceptAsync(((LaneTransport)context.Transport).TakeStream(), rules.Tls!, TimeProvider.System, deadline)).ConfigureAwait(false);
        if (secure is null)
        {
            changes.Refused(client, fault);
            return;
        }

        await using (secure.ConfigureAwait(false))
        {
            string? account = null;
            bool wasAdmitted = false;
            ClientOwner owner = ClientOwner.Of(client.Address);
            ClientAuthentication? authentication = gate.OfNetwork(rules.Options, client, owner, isTls: true, name => account = name);
            await server.ServeAsync(
                secure, secure.IsReadOnly, owner, Admit, end, change => changes.Client(client, secure.Name, change, account), authentication).ConfigureAwait(false);
            if (secure.Fault is { } broken)
                changes.Broken(client, secure.Name, broken);
            else if (!wasAdmitted && authentication is null && !stopping.IsCancellationRequested)
                changes.AskedNothing(client, secure.Name);

            void Admit()
            {
                wasAdmitted = true;
                place.Admit();
            }
        }
    });

    private async Task ServeAsync(ConnectionContext context, Func<IPEndPoint, ClientSlots.Place, CancellationToken, Task> serve)
    {
        if (context.RemoteEndPoint is not IPEndPoint client)
            return;

        // A socket of all addresses has those of IPv4 in a form of IPv6's.
        if (client.Address.IsIPv4MappedToIPv6)
            client = new IPEndPoint(client.Address.MapToIPv4(), client.Port);
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
            NetworkSockets.Probe(socket);

        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed, stopping);

        // Not of the last tenth, which is for those of this host that may change something.
        ClientOwner owner = ClientOwner.Of(client.Address);
        ClientSlots.Place? place = places.TryTake(owner, mayChange: false)
            ?? await places.TryTakeLaterAsync(owner, mayChange: false, end.Token).ConfigureAwait(false);
        if (place is null)
        {
            changes.Refused(client, "there are too many clients of its address, or altogether (max_address_clients, max_clients)");
            context.Abort();
            return;
        }

        using (place)
        {
            local.CountChanged();
            await ServeToEndAsync(context, client, place, serve, end.Token).ConfigureAwait(false);
        }

        local.CountChanged();
    }

    private async Task ServeToEndAsync(
        ConnectionContext context, IPEndPoint client, ClientSlots.Place place, Func<IPEndPoint, ClientSlots.Place, CancellationToken, Task> serve,
        CancellationToken end)
    {
        try
        {
            await place.WaitAsync(end).ConfigureAwait(false);
            await serve(client, place, end).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            changes.Refused(client, string.Create(CultureInfo.InvariantCulture, $"it did not complete the handshake within {Patience.TotalSeconds} s"));
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // It is gone, or the daemon stops.
        }
        finally
        {
            // What is left is sent, to who takes it.
            await context.Transport.Output.CompleteAsync().ConfigureAwait(false);
            await Task.Delay(LastAnswers, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.Abort();
        }
    }

    /// <remarks>Not ended when the client goes: what it had sent before is read first, and what was wrong with it is logged.</remarks>
    /// <exception cref="TimeoutException">It took too long.</exception>
    private async Task<T> BoundedAsync<T>(Func<CancellationToken, Task<T>> act)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(Patience);
        try
        {
            return await act(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }

    private async Task TellAsync(Func<CancellationToken, Task> tell) => _ = await BoundedAsync(
        async deadline =>
        {
            await tell(deadline).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
}
