using System.IO.Pipelines;
using System.Security.Authentication;
using System.Security.Cryptography;
using Ballast.Drivers;
using Ballast.Transports;

namespace Ballast.Server.Tls;

/// <summary>A client of which the certificate was believed.</summary>
internal sealed class TlsClient : IDuplexPipe, IAsyncDisposable
{
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(500);

    // OpenSSL's words.
    private const string OtherVersion = "unsupported protocol", NotVerified = "certificate verify failed";

    // As long as libvirt's daemon lets a name be. Whoever comes has its name in the log, also who is a stranger.
    private const int MostName = 255;

    private readonly TlsStream _tls;
    private readonly SocketTransport _pipes;

    private TlsClient(TlsStream tls, string name, bool isReadOnly)
    {
        _tls = tls;
        _pipes = new SocketTransport(tls);
        Output = new EndingWriter(_pipes.Output, static () => { });
        Name = name;
        IsReadOnly = isReadOnly;
    }

    /// <summary>The name in its certificate, as it is logged.</summary>
    public string Name { get; }

    /// <summary>What ended the connection, where that was no good-bye, and no end of what is below TLS; null: nothing did.</summary>
    public string? Fault => _tls.Fault;

    public bool IsReadOnly { get; }

    public PipeReader Input => _pipes.Input;

    public PipeWriter Output { get; }

    /// <summary>Shakes hands, looks at the client's certificate, and tells it that it is good.</summary>
    /// <param name="below">What comes and goes below TLS; it stays the caller's.</param>
    /// <param name="access">Who is let in.</param>
    /// <param name="time">Where time comes from.</param>
    /// <param name="deadline">Ends it: the caller's deadline, and the client's end.</param>
    /// <returns>The client, or why it is refused; it was told then as far as it listens.</returns>
    public static async Task<(TlsClient? Client, string Fault)> AcceptAsync(
        Stream below, TlsAccess access, TimeProvider time, CancellationToken deadline)
    {
        TlsStream? tls = null;
        try
        {
            tls = new TlsStream(access.Context, below);
            await tls.AcceptAsync(deadline).ConfigureAwait(false);
            (string? fault, CertificateName name) = access.Judge(tls.PeerCertificates(), time.GetUtcNow());
            if (fault is null)
            {
                // As libvirt's servers: only now the client may speak.
                await tls.WriteAsync(new byte[] { 1 }, deadline).ConfigureAwait(false);
                TlsClient client = new(tls, DisplayText.Escape(DisplayText.Clip(name.Text, MostName)), access.IsReadOnly(name));
                tls = null;
                return (client, "");
            }

            await tls.EndAsync(Farewell).ConfigureAwait(false);
            return (null, name.Text.Length > 0 ? $"{fault} ({DisplayText.Quote(DisplayText.Clip(name.Text, MostName))})" : fault);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or CryptographicException)
        {
            string words = TlsProtocols.Words(e);
            string advice = words.Contains(OtherVersion, StringComparison.Ordinal) ? ": this daemon supports TLS 1.2 and 1.3, as far as openssl.cnf allows"
                : words.Contains(NotVerified, StringComparison.Ordinal) ? ": the key of its certificate is too large, or cannot be read: make another one"
                : "";
            return (null, $"the TLS handshake failed: {words}{advice}");
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
            await _tls.EndAsync(Farewell).ConfigureAwait(false);
        }
        finally
        {
            await _pipes.DisposeAsync().ConfigureAwait(false);
        }
    }
}
