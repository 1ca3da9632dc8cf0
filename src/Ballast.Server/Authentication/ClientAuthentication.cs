namespace Ballast.Server.Authentication;

/// <summary>How a client has to prove who it is.</summary>
/// <param name="Find">Finds the users.</param>
/// <param name="Failures">Counts what went wrong, of all clients.</param>
/// <param name="Peer">Whose failures count together: the user or the address at the other end.</param>
/// <param name="IsPrivate">Whether nobody else can read what is sent (a Unix socket, TLS): only then is a password taken as it is.</param>
internal sealed record ClientAuthentication(SaslLookup Find, AuthenticationFailures Failures, string Peer, bool IsPrivate)
{
    /// <summary>Told of the end of each attempt: the user who was let in, or null and why nobody was.</summary>
    public Action<string?, string?>? Ended { get; init; }

    /// <summary>Told why the users cannot be looked up, which is not the client's fault.</summary>
    public Action<string>? Faulted { get; init; }
}
