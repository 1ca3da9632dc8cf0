using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using Ballast.Transports;

namespace Ballast.Server.Tls;

/// <summary>Functions of OpenSSL 3, by its names, and its numbers.</summary>
internal static unsafe partial class OpenSsl
{
    /// <summary>What <see cref="GetError"/> says: more has to come first; the peer has said that it sends nothing more.</summary>
    public const int WantRead = 2, ZeroReturn = 6;

    public const int VerifyPeer = 1;

    public const int ControlMode = 33, ControlCacheMode = 44, ControlAddChainCertificate = 89, ControlLeastVersion = 123, ControlGetLeastVersion = 130;

    /// <summary>Of one connection: what <see cref="CountChangesOfKeys"/> counts in.</summary>
    public const int ControlMessageArgument = 16;

    public const int Tls12 = 0x303;

    private const int Handshake = 22;
    private const byte ChangeOfKeys = 24;

    /// <summary>Who is idle has no buffers; nothing is kept for sessions that go on later.</summary>
    public const int ModeReleaseBuffers = 0x10, CacheOff = 0;

    public const ulong NoTicket = 1UL << 14, NoCompression = 1UL << 17, NoRenegotiation = 1UL << 30;

    private const string Ssl = "libssl.so.3", Crypto = "libcrypto.so.3";

    [LibraryImport(Ssl, EntryPoint = "TLS_server_method")]
    public static partial nint ServerMethod();

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_new")]
    public static partial SslContextHandle NewContext(nint method);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_free")]
    public static partial void FreeContext(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_ctrl")]
    public static partial nint Control(SslContextHandle context, int command, nint number, nint argument);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_options")]
    public static partial ulong SetOptions(SslContextHandle context, ulong options);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_num_tickets")]
    public static partial int SetTickets(SslContextHandle context, nuint count);

    /// <returns>The ciphers of TLS 1.2 that may be spoken, which stay the context's.</returns>
    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_get_ciphers")]
    public static partial nint Ciphers(SslContextHandle context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_cipher_list", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetCiphers(SslContextHandle context, string list);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_session_id_context")]
    public static partial int SetSessionContext(SslContextHandle context, ReadOnlySpan<byte> id, uint length);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_use_certificate_ASN1")]
    public static partial int UseCertificate(SslContextHandle context, int length, ReadOnlySpan<byte> certificate);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_use_PrivateKey")]
    public static partial int UseKey(SslContextHandle context, nint key);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_verify")]
    public static partial void SetVerify(SslContextHandle context, int mode, nint callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_cert_verify_callback")]
    public static partial void SetCertificateCallback(SslContextHandle context, delegate* unmanaged[Cdecl]<nint, nint, int> callback, nint argument);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_msg_callback")]
    public static partial void SetMessageCallback(SslContextHandle context, delegate* unmanaged[Cdecl]<int, int, int, byte*, nuint, nint, int*, void> callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_get_security_level")]
    public static partial int SecurityLevel(SslContextHandle context);

    [LibraryImport(Ssl, EntryPoint = "SSL_new")]
    public static partial SslHandle New(SslContextHandle context);

    [LibraryImport(Ssl, EntryPoint = "SSL_free")]
    public static partial void Free(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_bio")]
    public static partial void SetBuffers(SslHandle ssl, nint input, nint output);

    [LibraryImport(Ssl, EntryPoint = "SSL_ctrl")]
    public static partial nint Control(SslHandle ssl, int command, nint number, int* argument);

    /// <summary>Another buffer of what is to go; the former one is freed.</summary>
    [LibraryImport(Ssl, EntryPoint = "SSL_set0_wbio")]
    public static partial void SetOutput(SslHandle ssl, nint output);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_accept_state")]
    public static partial void SetServer(SslHandle ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_do_handshake")]
    public static partial int ShakeHands(SslHandle ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_error")]
    public static partial int GetError(SslHandle ssl, int result);

    [LibraryImport(Ssl, EntryPoint = "SSL_read")]
    public static partial int Read(SslHandle ssl, Span<byte> bytes, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_write")]
    public static partial int Write(SslHandle ssl, ReadOnlySpan<byte> bytes, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_has_pending")]
    public static partial int HasPending(SslHandle ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_shutdown")]
    public static partial int Shutdown(SslHandle ssl);

    /// <returns>The peer's own certificate, which is the caller's to free; 0: it showed none.</returns>
    [LibraryImport(Ssl, EntryPoint = "SSL_get1_peer_certificate")]
    public static partial nint PeerCertificate(SslHandle ssl);

    /// <returns>Those that it showed beside its own; they stay the connection's.</returns>
    [LibraryImport(Ssl, EntryPoint = "SSL_get_peer_cert_chain")]
    public static partial nint PeerChain(SslHandle ssl);

    [LibraryImport(Crypto, EntryPoint = "OPENSSL_sk_num")]
    public static partial int Count(nint stack);

    [LibraryImport(Crypto, EntryPoint = "OPENSSL_sk_value")]
    public static partial nint Item(nint stack, int index);

    [LibraryImport(Crypto, EntryPoint = "d2i_X509")]
    public static partial nint ReadCertificate(nint reuse, byte** bytes, nint length);

    [LibraryImport(Crypto, EntryPoint = "i2d_X509")]
    public static partial int WriteCertificate(nint certificate, byte** bytes);

    [LibraryImport(Crypto, EntryPoint = "X509_free")]
    public static partial void FreeCertificate(nint certificate);

    /// <returns>Its key, which stays its own.</returns>
    [LibraryImport(Crypto, EntryPoint = "X509_get0_pubkey")]
    public static partial nint KeyOf(nint certificate);

    /// <param name="store">What a certificate is judged in.</param>
    /// <returns>The certificate, which stays its.</returns>
    [LibraryImport(Crypto, EntryPoint = "X509_STORE_CTX_get0_cert")]
    private static partial nint Judged(nint store);

    /// <returns>Its key as it was sent, which stays its own.</returns>
    [LibraryImport(Crypto, EntryPoint = "X509_get_X509_PUBKEY")]
    private static partial nint SentKey(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "i2d_X509_PUBKEY")]
    private static partial int WriteKey(nint key, byte** bytes);

    [LibraryImport(Crypto, EntryPoint = "EVP_PKEY_get_security_bits")]
    public static partial int SecurityBits(nint key);

    /// <param name="certificate">The certificate.</param>
    /// <param name="digest">0: not asked for.</param>
    /// <param name="key">0: not asked for.</param>
    /// <param name="bits">How hard its signature is to forge.</param>
    /// <param name="flags">0: not asked for.</param>
    [LibraryImport(Crypto, EntryPoint = "X509_get_signature_info")]
    public static partial int SignatureBits(nint certificate, nint digest, nint key, out int bits, nint flags);

    [LibraryImport(Crypto, EntryPoint = "d2i_AutoPrivateKey")]
    public static partial nint ReadKey(nint reuse, byte** bytes, nint length);

    [LibraryImport(Crypto, EntryPoint = "EVP_PKEY_free")]
    public static partial void FreeKey(nint key);

    [LibraryImport(Crypto, EntryPoint = "BIO_s_mem")]
    public static partial nint MemoryMethod();

    [LibraryImport(Crypto, EntryPoint = "BIO_new")]
    public static partial nint NewBuffer(nint method);

    [LibraryImport(Crypto, EntryPoint = "BIO_free")]
    public static partial int FreeBuffer(nint buffer);

    [LibraryImport(Crypto, EntryPoint = "BIO_ctrl_pending")]
    public static partial nuint Pending(nint buffer);

    [LibraryImport(Crypto, EntryPoint = "BIO_read")]
    public static partial int ReadBuffer(nint buffer, Span<byte> bytes, int length);

    [LibraryImport(Crypto, EntryPoint = "BIO_write")]
    public static partial int WriteBuffer(nint buffer, ReadOnlySpan<byte> bytes, int length);

    [LibraryImport(Crypto, EntryPoint = "ERR_clear_error")]
    public static partial void ClearErrors();

    [LibraryImport(Crypto, EntryPoint = "ERR_get_error")]
    private static partial nuint FirstError();

    [LibraryImport(Crypto, EntryPoint = "ERR_reason_error_string")]
    private static partial nint Reason(nuint error);

    /// <summary>The first of this thread's errors, in OpenSSL's words; all are forgotten.</summary>
    public static string Words()
    {
        nuint error = FirstError();
        ClearErrors();
        return error == 0 ? "OpenSSL gives no reason"
            : Marshal.PtrToStringUTF8(Reason(error)) ?? string.Create(CultureInfo.InvariantCulture, $"OpenSSL's error {error:X8}");
    }

    /// <summary>
    /// A peer's certificate is judged when the handshake is over, not by OpenSSL. But the handshake is signed with its key, and
    /// one that is made to keep us computing ends it.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int TakeCertificate(nint store, nint argument)
    {
        try
        {
            nint key = SentKey(Judged(store));
            byte[] bytes = new byte[Math.Max(0, WriteKey(key, null))];
            fixed (byte* start = bytes)
            {
                byte* next = start;
                if (next != null)
                    _ = WriteKey(key, &next);
            }

            return CostlyKey.Is(PublicKey.CreateFromSubjectPublicKeyInfo(bytes, out _)) ? 0 : 1;
        }
        catch (Exception)
        {
            // What cannot be read is of no use to OpenSSL either.
            return 0;
        }
    }

    /// <summary>Sees each message of a handshake, and counts how often the client wants other keys.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void CountChangesOfKeys(int isSent, int version, int kind, byte* message, nuint length, nint ssl, int* count)
    {
        if (isSent == 0 && kind == Handshake && length > 0 && *message == ChangeOfKeys && count != null)
            ++*count;
    }
}

/// <summary>OpenSSL's <c>SSL_CTX</c>.</summary>
internal sealed class SslContextHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        OpenSsl.FreeContext(handle);
        return true;
    }
}

/// <summary>OpenSSL's <c>SSL</c>.</summary>
internal sealed class SslHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        OpenSsl.Free(handle);
        return true;
    }
}
