using System.Net.Security;
using System.Security.Authentication;

namespace Ballast.Transports;

/// <summary>What clients and servers have in common.</summary>
internal static class TlsProtocols
{
    // Nothing older is safe, whatever the system's OpenSSL would still do.
    public const SslProtocols OfClients = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>What OpenSSL says of a failure.</summary>
    public static string Words(Exception error)
    {
        while (error.InnerException is { } inner)
            error = inner;
        return error.Message;
    }

    /// <summary>Tells the peer that this is the end; a peer that takes nothing is not waited for, and nothing is thrown.</summary>
    public static async Task EndAsync(SslStream tls, TimeSpan longest)
    {
        try
        {
            await tls.ShutdownAsync().WaitAsync(longest).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is gone, or a message to it was given up on the way, or it sent what is no TLS: OpenSSL's errors, of types that only
            // .NET knows, come through here. The connection is closed anyway.
        }
    }
}
