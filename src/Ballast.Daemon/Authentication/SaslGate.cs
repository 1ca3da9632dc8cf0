using System.Globalization;
using System.Net;
using Ballast.Server;
using Ballast.Server.Authentication;

namespace Ballast.Daemon.Authentication;

/// <summary>Says which clients have to prove who they are, and counts their failures, however they came.</summary>
/// <param name="changes">Gets a line for each failure.</param>
internal sealed class SaslGate(ChangeLog changes)
{
    private readonly AuthenticationFailures _failures = new(TimeProvider.System);

    /// <summary>What a client of a Unix socket has to do; null: nothing.</summary>
    /// <param name="options">The settings that hold for it.</param>
    /// <param name="peer">Who it is.</param>
    /// <param name="isReadOnly">Whether it came to the socket for reading.</param>
    /// <param name="entered">Told its name among the users.</param>
    public ClientAuthentication? OfUnixSocket(DaemonOptions options, PeerProcess peer, bool isReadOnly, Action<string> entered)
    {
        if (!(isReadOnly ? options.AsksReaders : options.AsksWriters))
            return null;
        string user = string.Create(CultureInfo.InvariantCulture, $"user {peer.Uid}");
        return Of(options, user, $"A client of {user}", isPrivate: true, entered);
    }

    /// <summary>What a client of another host has to do; null: nothing.</summary>
    /// <param name="options">The settings that hold for it.</param>
    /// <param name="client">Where it is.</param>
    /// <param name="owner">Whose failures count together.</param>
    /// <param name="isTls">Whether the connection is encrypted by TLS.</param>
    /// <param name="entered">Told its name among the users.</param>
    public ClientAuthentication? OfNetwork(DaemonOptions options, IPEndPoint client, ClientOwner owner, bool isTls, Action<string> entered) =>
        (isTls ? options.AsksTls : options.AsksTcp) ? Of(options, $"{owner.Address}", $"Client {client}", isTls, entered) : null;

    private ClientAuthentication Of(DaemonOptions options, string peer, string client, bool isPrivate, Action<string> entered) =>
        new(new UserFile(options.SaslUsers).Find, _failures, peer, isPrivate)
        {
            Ended = (user, why) =>
            {
                if (user is not null)
                    entered(user);
                else
                    changes.Unproven(peer, client, why!);
            },
            Faulted = changes.UsersFault,
        };
}
