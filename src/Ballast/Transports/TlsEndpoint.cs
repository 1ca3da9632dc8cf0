using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ballast.Transports;

/// <summary>A daemon behind TLS.</summary>
/// <param name="Tcp">The way to it.</param>
/// <param name="Files">Certificates, read anew for each connection.</param>
/// <param name="Verifies">Whether the daemon's certificate is looked at.</param>
/// <param name="ChecksOwn">Whether the own certificate is, before it is shown.</param>
internal sealed record TlsEndpoint(TcpEndpoint Tcp, PkiFiles Files, bool Verifies, bool ChecksOwn) : IEndpoint
{
    private const int ConnectionReset = 104;

    // For one that is being replaced.
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(200);

    public string Daemon => Tcp.Daemon;

    public string Advice => Tcp.Advice;

    // Who is behind an unverified certificate may be anybody.
    public bool IsPrivate => Verifies;

    /// <exception cref="LibvirtException">It has no address, none that answers, or one side does not believe the other.</exception>
    public async ValueTask<ITransport> ConnectAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        // A file of a slow file system keeps a thread of its own waiting.
        TlsIdentity identity = await Task.Factory.StartNew(
            () => TlsIdentity.Load(Files, isServer: false, time, ChecksOwn), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ConnectAsync(identity, time, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.InnerException is WordlessEndException)
        {
            // libvirt's daemons end it so where they do not believe a certificate, and the kernel does where one was killed at that
            // moment. Another attempt tells them apart.
            await Task.Delay(Again, time, cancellationToken).ConfigureAwait(false);
            return await ConnectAsync(identity, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ITransport> ConnectAsync(TlsIdentity identity, TimeProvider time, CancellationToken cancellationToken)
    {
        SocketStream socket = await Tcp.OpenAsync(time, cancellationToken).ConfigureAwait(false);
        HandshakeStream stream = new(socket);
        SslStream tls = new(stream, leaveInnerStreamOpen: false);
        try
        {
            await ShakeHandsAsync(tls, stream, identity, time, cancellationToken).ConfigureAwait(false);
            await ReadWelcomeAsync(tls, stream, hasOwn: identity.Own is not null, cancellationToken).ConfigureAwait(false);
            stream.IsOver = true;
            return new TlsTransport(tls);
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task ShakeHandsAsync(SslStream tls, HandshakeStream stream, TlsIdentity identity, TimeProvider time, CancellationToken cancellationToken)
    {
        string? fault = null;
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = Tcp.Host,
            ClientCertificateContext = identity.Own,
            CertificateChainPolicy = identity.Policy(),
            AllowRenegotiation = false,
            AllowTlsResume = false,
            EnabledSslProtocols = TlsProtocols.OfClients,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                fault = !Verifies ? null
                    : certificate is X509Certificate2 shown && chain is not null ? Fault(identity, shown, chain, time)
                    : "it shows no certificate";
                return fault is null;
            },
        };
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or CryptographicException)
        {
            if (fault is not null)
                throw LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Rpc, $"Failed to verify peer's certificate: {fault}", e);
            throw LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Rpc, $"TLS handshake failed: {Why(stream, e)}", e);
        }
    }

    // .NET's chain is there already. Where it is no good, there may be another one: of two authorities of one name, .NET sees one.
    private string? Fault(TlsIdentity identity, X509Certificate2 certificate, X509Chain chain, TimeProvider time) =>
        (identity.Fault(certificate, chain, ofServer: true, time.GetUtcNow()) is null
            ? null
            : identity.Fault(certificate, chain.ChainPolicy.ExtraStore, ofServer: true, time.GetUtcNow()))
        ?? (IsOf(certificate, Tcp.Host)
            ? null
            : $"Certificate [session] owner does not match the hostname {Tcp.Host}: name the host as its certificate does");

    // The common name counts only where nothing else names a host, and is never an address.
    private static bool IsOf(X509Certificate2 certificate, string host) => certificate.MatchesHostname(
        host, allowWildcards: true,
        allowCommonName: !IPAddress.TryParse(host, out _) && !certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .Any(static names => names.EnumerateDnsNames().Any() || names.EnumerateIPAddresses().Any()));

    private string Why(HandshakeStream stream, Exception e) => stream.First switch
    {
        null => $"{Daemon} closed the connection: if TLS is not spoken there, use the port for it (16514), or qemu+tcp",
        HandshakeStream.Alert => $"{Daemon} ended the handshake at once ({TlsProtocols.Words(e)}): it wants another version of TLS, or none: then use qemu+tcp",
        not HandshakeStream.Handshake => $"{Daemon} does not speak TLS there: use the port for it (16514), or qemu+tcp",
        _ => TlsProtocols.Words(e),
    };

    /// <summary>libvirt's servers look at the client's certificate when the handshake is over, and say with one byte that it is good.</summary>
    /// <param name="tls">Where it comes.</param>
    /// <param name="below">What is below TLS; null: not known.</param>
    /// <param name="hasOwn">Whether a certificate was shown.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task ReadWelcomeAsync(Stream tls, HandshakeStream? below, bool hasOwn, CancellationToken cancellationToken)
    {
        const byte welcome = 1;
        byte[] answer = new byte[1];
        Exception? cause = null;
        try
        {
            int count = await tls.ReadAsync(answer, cancellationToken).ConfigureAwait(false);
            if (count == 1 && answer[0] == welcome)
                return;

            // Who refuses as TLS does says good-bye first.
            if (count == 0 && below is { HasEnded: true })
                cause = new WordlessEndException();
        }
        catch (IOException e) when ((e as ConnectionBrokenException ?? e.InnerException) is ConnectionBrokenException)
        {
            // No daemon refuses anybody so: all that a client sends until then is read.
            throw LibvirtError.System(ConnectionReset, ErrorOrigin.Rpc, "the daemon broke the connection off after the handshake: see whether it still runs, and try again", e);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or CryptographicException)
        {
            cause = e;
        }

        string refused = "server verification (of our certificate or IP address) failed: " + (hasOwn
            ? "the daemon's log says why; it may have another authority, a list of revoked certificates, or one of allowed names"
            : "there is no client certificate here (clientcert.pem and clientkey.pem); name their directory with pkipath=");
        throw new LibvirtException(ErrorCode.Rpc, ErrorOrigin.Rpc, refused, cause) { Str1 = "%s", Str2 = refused };
    }

    /// <summary>The connection ended, and TLS did not say so.</summary>
    private sealed class WordlessEndException : IOException;

    /// <summary>The pipes over it; the daemon is told of the end.</summary>
    private sealed class TlsTransport(SslStream tls) : ITransport
    {
        private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(500);

        private readonly SocketTransport _pipes = new(tls);

        public PipeReader Input => _pipes.Input;

        public PipeWriter Output => _pipes.Output;

        public async ValueTask DisposeAsync()
        {
            try
            {
                await TlsProtocols.EndAsync(tls, Farewell).ConfigureAwait(false);
            }
            finally
            {
                await _pipes.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
