using System.Diagnostics;
using System.Globalization;
using Ballast.Server;
using Ballast.Server.Authentication;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon.Authentication;

/// <summary>Says which clients have to prove who they are, and counts their failures, however they came.</summary>
/// <param name="options">Which sockets want it, and where the users are.</param>
/// <param name="log">Told of failures.</param>
internal sealed partial class SaslGate(DaemonOptions options, ILogger log)
{
    // Who is refused without being asked can come again at once, and shall not fill the log.
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(2);

    private readonly AuthenticationFailures _failures = new(TimeProvider.System);
    private long _logged;

    /// <summary>Newer settings, for clients that come from now on.</summary>
    public DaemonOptions Options { get; set; } = options;

    /// <summary>What a client of a Unix socket has to do; null: nothing.</summary>
    /// <param name="peer">Who it is.</param>
    /// <param name="isReadOnly">Whether it came to the socket for reading.</param>
    /// <param name="entered">Told its name among the users.</param>
    public ClientAuthentication? OfUnixSocket(PeerProcess peer, bool isReadOnly, Action<string> entered) =>
        (isReadOnly ? Options.AsksReaders : Options.AsksWriters)
            ? Of(string.Create(CultureInfo.InvariantCulture, $"user {peer.Uid}"), isPrivate: true, entered)
            : null;

    /// <summary>What a client of another host has to do; null: nothing.</summary>
    /// <param name="owner">Whose failures count together.</param>
    /// <param name="isTls">Whether it came by TLS, where nobody else can read what is sent.</param>
    /// <param name="entered">Told its name among the users.</param>
    public ClientAuthentication? OfNetwork(ClientOwner owner, bool isTls, Action<string> entered) =>
        (isTls ? Options.AsksTls : Options.AsksTcp) ? Of($"{owner.Address}", isTls, entered) : null;

    private ClientAuthentication Of(string peer, bool isPrivate, Action<string> entered) =>
        new(new UserFile(Options.SaslUsers).Find, _failures, peer, isPrivate)
        {
            Ended = (user, why) =>
            {
                if (user is not null)
                    entered(user);
                else
                    Say(peer, why!);
            },
        };

    private void Say(string peer, string why)
    {
        long last = Volatile.Read(ref _logged), now = Stopwatch.GetTimestamp();
        if ((last == 0 || Stopwatch.GetElapsedTime(last, now) >= LogInterval) && Interlocked.CompareExchange(ref _logged, now, last) == last)
            Failed(log, peer, why);
    }

    [LoggerMessage(50, LogLevel.Warning, "A client of {Peer} did not prove who it is: {Reason}")]
    private static partial void Failed(ILogger log, string peer, string reason);
}
