using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Interop;

namespace Ballast.Server.Tls;

/// <summary>
/// What all connections of a server have in common, made once for each reading of the certificates. It is OpenSSL's own, not
/// .NET's: .NET makes one for each connection, which takes longer than the rest of its part in a handshake, and cannot be told
/// to send no session tickets, which libvirt's clients take for the byte that lets them in.
/// </summary>
internal sealed unsafe class TlsContext
{
    // As .NET would have it.
    private const string ForwardSecret = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES+SHA384:ECDHE+AES+SHA256";

    // OpenSSL's security levels (SSL_CTX_set_security_level(3)).
    private static readonly int[] LeastBits = [0, 80, 112, 128, 192, 256];

    private readonly SslContextHandle _handle;

    private TlsContext(SslContextHandle handle) => _handle = handle;

    /// <param name="own">The server's certificate with its key, and those between it and the authority.</param>
    /// <exception cref="LibvirtException">This host has no OpenSSL 3, or it has no use for the certificate or its key.</exception>
    public static TlsContext Create(SslStreamCertificateContext own)
    {
        try
        {
            SslContextHandle context = OpenSsl.NewContext(OpenSsl.ServerMethod());
            Require(!context.IsInvalid);
            SetRules(context);
            X509Certificate2 certificate = own.TargetCertificate;
            Require(OpenSsl.UseCertificate(context, certificate.RawDataMemory.Length, certificate.RawDataMemory.Span) == 1);
            UseKey(context, certificate);
            foreach (X509Certificate2 between in own.IntermediateCertificates)
                AddToChain(context, between.RawDataMemory.Span);
            return new TlsContext(context);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            throw SystemOpenSsl.NoTls(e);
        }
        catch (CryptographicException e)
        {
            throw LibvirtError.Lasting(0, ErrorOrigin.Rpc, $"OpenSSL does not take the server certificate or its private key: {e.Message}", e);
        }
    }

    /// <summary>The state of one connection, and its buffers of what came and what is to go, which end with it.</summary>
    /// <param name="came">What came.</param>
    /// <param name="going">What is to go.</param>
    /// <param name="changesOfKeys">Where it counts them; it stays in its place while the connection is used.</param>
    /// <exception cref="CryptographicException">There is no memory.</exception>
    public SslHandle Open(out nint came, out nint going, int* changesOfKeys)
    {
        OpenSsl.ClearErrors();
        SslHandle ssl = OpenSsl.New(_handle);
        came = OpenSsl.NewBuffer(OpenSsl.MemoryMethod());
        going = OpenSsl.NewBuffer(OpenSsl.MemoryMethod());
        if (ssl.IsInvalid || came == 0 || going == 0)
        {
            _ = OpenSsl.FreeBuffer(came);
            _ = OpenSsl.FreeBuffer(going);
            ssl.Dispose();
            throw new CryptographicException(OpenSsl.Words());
        }

        OpenSsl.SetBuffers(ssl, came, going);
        OpenSsl.SetServer(ssl);
        _ = OpenSsl.Control(ssl, OpenSsl.ControlMessageArgument, 0, changesOfKeys);
        return ssl;
    }

    /// <summary>
    /// Whether the system's security level (openssl.cnf) forbids a certificate's key, or how it was signed. OpenSSL looks at that itself
    /// where it judges the certificate, which it does not here.
    /// </summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="level">The level.</param>
    public bool IsTooWeak(ReadOnlySpan<byte> certificate, out int level)
    {
        level = OpenSsl.SecurityLevel(_handle);
        if (level <= 0)
            return false;
        int least = LeastBits[Math.Min(level, LeastBits.Length - 1)];
        fixed (byte* start = certificate)
        {
            byte* next = start;
            nint read = OpenSsl.ReadCertificate(0, &next, certificate.Length);
            Require(read != 0);
            try
            {
                nint key = OpenSsl.KeyOf(read);
                return key == 0 || OpenSsl.SecurityBits(key) < least
                    || OpenSsl.SignatureBits(read, 0, 0, out int signature, 0) != 1 || signature < least;
            }
            finally
            {
                OpenSsl.FreeCertificate(read);
                OpenSsl.ClearErrors();
            }
        }
    }

    private static void SetRules(SslContextHandle context)
    {
        // Sessions never go on later: a certificate that was revoked meanwhile would come in with what it was told before.
        ReadOnlySpan<byte> name = "ballastd"u8;
        _ = OpenSsl.Control(context, OpenSsl.ControlCacheMode, OpenSsl.CacheOff, 0);
        _ = OpenSsl.SetOptions(context, OpenSsl.NoTicket | OpenSsl.NoCompression | OpenSsl.NoRenegotiation);
        Require(OpenSsl.SetTickets(context, 0) == 1);
        Require(OpenSsl.SetSessionContext(context, name, (uint)name.Length) == 1);

        // Where the system (openssl.cnf) leaves OpenSSL's own list, what is written down today stays secret whatever key is stolen later.
        if (HasDefaultCiphers(context))
            Require(OpenSsl.SetCiphers(context, ForwardSecret) == 1);

        // Nothing older is safe; the system may allow less.
        if (OpenSsl.Control(context, OpenSsl.ControlGetLeastVersion, 0, 0) < OpenSsl.Tls12)
            Require(OpenSsl.Control(context, OpenSsl.ControlLeastVersion, OpenSsl.Tls12, 0) == 1);
        _ = OpenSsl.Control(context, OpenSsl.ControlMode, OpenSsl.ModeReleaseBuffers, 0);

        // A certificate is asked for. Whatever comes, or does not, is judged after the handshake, which may not take long.
        OpenSsl.SetVerify(context, OpenSsl.VerifyPeer, 0);
        OpenSsl.SetCertificateCallback(context, &OpenSsl.TakeCertificate, 0);
        OpenSsl.SetMessageCallback(context, &OpenSsl.CountChangesOfKeys);
    }

    private static bool HasDefaultCiphers(SslContextHandle context)
    {
        using SslContextHandle other = OpenSsl.NewContext(OpenSsl.ServerMethod());
        Require(!other.IsInvalid && OpenSsl.SetCiphers(other, "DEFAULT") == 1);
        nint these = OpenSsl.Ciphers(context), defaults = OpenSsl.Ciphers(other);
        bool isDefault = OpenSsl.Count(these) == OpenSsl.Count(defaults)
            && Enumerable.Range(0, Math.Max(0, OpenSsl.Count(these))).All(i => OpenSsl.Item(these, i) == OpenSsl.Item(defaults, i));
        GC.KeepAlive(context);
        return isDefault;
    }

    private static void UseKey(SslContextHandle context, X509Certificate2 certificate)
    {
        using AsymmetricAlgorithm? key = (AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey() ?? certificate.GetRSAPrivateKey();
        byte[] bytes = key?.ExportPkcs8PrivateKey() ?? throw new CryptographicException("it is neither RSA nor of an elliptic curve");
        try
        {
            fixed (byte* start = bytes)
            {
                byte* next = start;
                nint read = OpenSsl.ReadKey(0, &next, bytes.Length);
                Require(read != 0);
                int used = OpenSsl.UseKey(context, read);
                OpenSsl.FreeKey(read);
                Require(used == 1);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static void AddToChain(SslContextHandle context, ReadOnlySpan<byte> certificate)
    {
        fixed (byte* start = certificate)
        {
            byte* next = start;
            nint read = OpenSsl.ReadCertificate(0, &next, certificate.Length);
            Require(read != 0);

            // It is the context's from then on.
            if (OpenSsl.Control(context, OpenSsl.ControlAddChainCertificate, 0, read) == 1)
                return;
            OpenSsl.FreeCertificate(read);
            Require(false);
        }
    }

    private static void Require(bool succeeded)
    {
        if (!succeeded)
            throw new CryptographicException(OpenSsl.Words());
    }
}
