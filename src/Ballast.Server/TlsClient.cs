using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Drivers;
using Ballast.Transports;

namespace Ballast.Server;

/// <summary>A client of which the certificate was believed.</summary>
internal sealed class TlsClient : IDuplexPipe, IAsyncDisposable
{
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(500);

    // OpenSSL's words.
    private const string OtherVersion = "unsupported protocol";

    private readonly SslStream _tls;
    private readonly SocketTransport _pipes;

    private TlsClient(SslStream tls, string name, bool isReadOnly)
    {
        _tls = tls;
        _pipes = new SocketTransport(tls);
        Output = new EndingWriter(_pipes.Output, static () => { });
        Name = name;
        IsReadOnly = isReadOnly;
    }

    /// <summary>The name in its certificate.</summary>
    public string Name { get; }

    public bool IsReadOnly { get; }

    public PipeReader Input => _pipes.Input;

    public PipeWriter Output { get; }

    /// <summary>Shakes hands, looks at the client's certificate, and tells it that it is good.</summary>
    /// <param name="transport">What leads to the client.</param>
    /// <param name="access">Who is let in.</param>
    /// <param name="time">Where time comes from.</param>
    /// <param name="deadline">Ends it: the caller's deadline, and the client's end.</param>
    /// <returns>The client, or why it is refused; it was told then as far as it listens.</returns>
    public static async Task<(TlsClient? Client, string Fault)> AcceptAsync(
        IDuplexPipe transport, TlsAccess access, TimeProvider time, CancellationToken deadline)
    {
        SslStream tls = new(new PipeStream(transport), leaveInnerStreamOpen: true);
        try
        {
            (string? fault, CertificateName name) = await ShakeHandsAsync(tls, access, time, deadline).ConfigureAwait(false);
            if (fault is null)
            {
                // As libvirt's servers: only now the client may speak.
                await tls.WriteAsync(new byte[] { 1 }, deadline).ConfigureAwait(false);
                TlsClient client = new(tls, name.Text, access.IsReadOnly(name));
                tls = null!;
                return (client, "");
            }

            await TlsProtocols.EndAsync(tls, Farewell).ConfigureAwait(false);
            return (null, name.Text.Length > 0 ? $"{fault} ({DisplayText.Quote(name.Text)})" : fault);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or CryptographicException)
        {
            string words = TlsProtocols.Words(e);
            return (null, $"the TLS handshake failed: {words}{(words.Contains(OtherVersion, StringComparison.Ordinal) ? ": it does not speak TLS 1.2, and nothing else is spoken here" : "")}");
        }
        finally
        {
            if (tls is not null)
                await tls.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await TlsProtocols.EndAsync(_tls, Farewell).ConfigureAwait(false);
        }
        finally
        {
            await _pipes.DisposeAsync().ConfigureAwait(false);
        }
    }

    [SuppressMessage("Security", "CA5359", Justification = "What is wrong with the certificate is kept, and decides after the handshake.")]
    private static async Task<(string? Fault, CertificateName Name)> ShakeHandsAsync(
        SslStream tls, TlsAccess access, TimeProvider time, CancellationToken deadline)
    {
        string? fault = "it shows no certificate: it needs clientcert.pem and clientkey.pem";
        CertificateName nameless = new("", IsRead: false), name = nameless;
        await tls.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = access.Identity.Own,
                ClientCertificateRequired = true,
                CertificateChainPolicy = access.Identity.Policy(ofServer: false),
                EnabledSslProtocols = TlsProtocols.OfServers,
                AllowRenegotiation = false,

                // One that was revoked meanwhile would come in with what it was told before.
                AllowTlsResume = false,
                RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                {
                    if (certificate is X509Certificate2 shown && chain is not null)
                    {
                        name = TlsAccess.Name(shown) ?? nameless;
                        fault = access.Fault(shown, chain, time.GetUtcNow());
                    }

                    // Refused when the handshake is over: then the client learns that it was its certificate.
                    return true;
                },
            },
            deadline).ConfigureAwait(false);
        return (fault, name);
    }
}
