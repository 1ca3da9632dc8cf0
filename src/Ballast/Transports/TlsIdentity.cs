using System.Formats.Asn1;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>
/// What one side of TLS is sure of: its own certificate, and whose certificates it believes. Shared by connections, and not
/// disposed: a newer one takes its place while handshakes still use it.
/// </summary>
internal sealed class TlsIdentity
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2";

    // Another authority, one that only has the same name among them.
    private const X509ChainStatusFlags NotSigned =
        X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid;

    private readonly X509Certificate2Collection _authorities;
    private readonly IReadOnlyList<RevocationList> _revocations;

    // What was read, and the name of its file.
    private readonly IReadOnlyList<(string Path, byte[]? Content)> _files;

    private TlsIdentity(
        X509Certificate2Collection authorities, IReadOnlyList<RevocationList> revocations, SslStreamCertificateContext? own,
        IReadOnlyList<(string Path, byte[]? Content)> files)
    {
        _files = files;
        _authorities = authorities;
        _revocations = revocations;
        Own = own;
    }

    /// <summary>Null: it has none to show.</summary>
    public SslStreamCertificateContext? Own { get; }

    /// <summary>Whether there are lists of revoked certificates.</summary>
    public bool HasRevocations => _revocations.Count > 0;

    /// <summary>The names of the files that have something else than they had, are gone, or are there now; keys are not looked at.</summary>
    public IReadOnlyList<string> ChangesSince(TlsIdentity older) =>
    [
        .. _files.Zip(older._files).Where(static file => !Same(file.First.Content, file.Second.Content)).Select(static file => Path.GetFileName(file.First.Path)),
    ];

    /// <param name="files">Where all is.</param>
    /// <param name="isServer">Whose they are; a server has a certificate, a client may have none.</param>
    /// <param name="time">Where time comes from.</param>
    /// <param name="isChecked">Whether the own certificate is looked at as its peers will.</param>
    /// <exception cref="LibvirtException">Something is missing, or of no use.</exception>
    public static TlsIdentity Load(PkiFiles files, bool isServer, TimeProvider time, bool isChecked = true)
    {
        SystemOpenSsl.RequireForTls();
        const string authority = "CA certificate", list = "CA CRL", certificate = "certificate", key = "private key";
        string whose = isServer ? "server" : "client";
        byte[] authorityBytes = PkiFile.Read(files.Authorities, authority, isOptional: false)!;
        X509Certificate2Collection authorities = Certificates(authorityBytes, files.Authorities, authority);
        byte[]? listBytes = PkiFile.Read(files.Revocations, list, isOptional: true);
        RevocationList[] revocations = listBytes is null ? [] : Lists(listBytes, files.Revocations, list);
        byte[]? ownBytes = PkiFile.Read(files.Certificate, $"{whose} {certificate}", isOptional: !isServer);
        byte[]? keyBytes = PkiFile.Read(files.Key, $"{whose} {key}", isOptional: !isServer);
        (string, byte[]?)[] read = [(files.Authorities, authorityBytes), (files.Revocations, listBytes), (files.Certificate, ownBytes)];
        TlsIdentity trusting = new(authorities, revocations, null, read);
        if (ownBytes is null || keyBytes is null)
            return trusting;

        X509Certificate2Collection chain = Certificates(ownBytes, files.Certificate, certificate);
        X509Certificate2 own = WithKey(chain[0], keyBytes, files.Key, key);
        chain.RemoveAt(0);
        if (isChecked && trusting.OwnFault(own, chain, isServer, time.GetUtcNow()) is { } fault)
            throw PkiFile.Unusable(files.Certificate, $"the {whose} {certificate}", fault);
        return new TlsIdentity(authorities, revocations, SslStreamCertificateContext.Create(own, chain, offline: true), read);
    }

    /// <summary>How a peer's certificates are looked at; nothing is fetched from anywhere.</summary>
    /// <param name="ofServer">Whether the peer is the server.</param>
    public X509ChainPolicy Policy(bool ofServer)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_authorities);
        _ = policy.ApplicationPolicy.Add(new Oid(ofServer ? ServerUse : ClientUse));
        return policy;
    }

    /// <summary>What is wrong with a peer's certificate, and what to do; null: nothing.</summary>
    /// <param name="certificate">The peer's.</param>
    /// <param name="chain">What was built by the policy.</param>
    /// <param name="now">The time.</param>
    public string? Fault(X509Certificate2 certificate, X509Chain chain, DateTimeOffset now)
    {
        X509ChainStatusFlags status = X509ChainStatusFlags.NoError;
        foreach (X509ChainStatus each in chain.ChainStatus)
            status |= each.Status;

        // As in libvirt, an authority need not be one that signed itself.
        if (chain.ChainElements.Any(element => IsAuthority(element.Certificate)))
            status &= ~(X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot);
        return certificate.NotAfter.ToUniversalTime() < now ? $"it has expired ({Day(certificate.NotAfter)}): renew it"
            : certificate.NotBefore.ToUniversalTime() > now ? $"it is not valid before {Day(certificate.NotBefore)}: check the clocks of both hosts"
            : (status & NotSigned) != 0
                ? "it is not signed by an authority of cacert.pem: both sides need the same authority"
            : status.HasFlag(X509ChainStatusFlags.NotTimeValid) ? "the authority's certificate has expired, or is not valid yet: renew it"
            : status.HasFlag(X509ChainStatusFlags.NotValidForUsage) ? "it is not made for this use: its extended key usage must name TLS clients or servers, as it is one"
            : status != X509ChainStatusFlags.NoError ? $"it is not valid ({status}): make another one"
            : RevocationFault(chain, now);
    }

    /// <summary>From when until when a chain without a fault has none: until a certificate or a list of revoked ones is out of date.</summary>
    public (DateTimeOffset From, DateTimeOffset Until) Validity(X509Chain chain, DateTimeOffset now)
    {
        X509Certificate2[] certificates = [.. chain.ChainElements.Select(static element => element.Certificate)];
        return (
            certificates.Max(static certificate => new DateTimeOffset(certificate.NotBefore)),
            _revocations.Select(static list => list.NextUpdate).Where(next => next >= now)
                .Concat(certificates.Select(static certificate => (DateTimeOffset?)new DateTimeOffset(certificate.NotAfter))).Min()!.Value);
    }

    private string? RevocationFault(X509Chain chain, DateTimeOffset now)
    {
        foreach (X509Certificate2 certificate in chain.ChainElements.Select(static element => element.Certificate))
        {
            if (_revocations.Any(list => list.HasRevoked(certificate)))
                return "it was revoked (cacrl.pem): use another one";

            // An old list may be left beside its newer one.
            RevocationList[] about = [.. _revocations.Where(list => list.IsAbout(certificate))];
            if (about.Length > 0 && about.All(list => list.IsOutdated(now)) && !IsAuthority(certificate))
                return "the list of revoked certificates (cacrl.pem) is out of date: fetch the authority's newer one";
        }

        return null;
    }

    /// <summary>Whether it is one that is believed as it is.</summary>
    public bool IsAuthority(X509Certificate2 certificate) =>
        _authorities.Any(authority => authority.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));

    private string? OwnFault(X509Certificate2 own, X509Certificate2Collection others, bool isServer, DateTimeOffset now)
    {
        using X509Chain chain = new() { ChainPolicy = Policy(ofServer: isServer) };
        chain.ChainPolicy.ExtraStore.AddRange(others);
        _ = chain.Build(own);
        return Fault(own, chain, now);
    }

    private static bool Same(byte[]? one, byte[]? other) => one is null || other is null ? one == other : one.AsSpan().SequenceEqual(other);

    private static string Day(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture) + " UTC";

    private static X509Certificate2Collection Certificates(byte[] bytes, string path, string what)
    {
        X509Certificate2Collection found = [];
        try
        {
            foreach (byte[] certificate in PemBlocks.Read(bytes, "CERTIFICATE", "X509 CERTIFICATE"))
            {
                // The loader skips bytes behind it: one of its lines is there twice then.
                AsnReader whole = new(certificate, AsnEncodingRules.BER);
                _ = whole.ReadSequence();
                whole.ThrowIfNotEmpty();
                _ = found.Add(X509CertificateLoader.LoadCertificate(certificate));
            }
        }
        catch (Exception e) when (e is CryptographicException or FormatException or AsnContentException)
        {
            throw PkiFile.Unusable(path, what, "it has a certificate that cannot be read", e);
        }

        return found.Count > 0 ? found : throw PkiFile.Unusable(path, what, "it has no certificate in the form PEM");
    }

    private static RevocationList[] Lists(byte[] bytes, string path, string what)
    {
        RevocationList[] found;
        try
        {
            found = [.. PemBlocks.Read(bytes, "X509 CRL").Select(static list => new RevocationList(list))];
        }
        catch (Exception e) when (e is AsnContentException or FormatException)
        {
            throw PkiFile.Unusable(path, what, "it has a list that cannot be read", e);
        }

        return found.Length > 0 ? found : throw PkiFile.Unusable(path, what, "it has no list in the form PEM");
    }

    private static X509Certificate2 WithKey(X509Certificate2 certificate, byte[] bytes, string path, string what)
    {
        string pem = Encoding.ASCII.GetString(bytes);
        try
        {
            return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), pem);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or NotSupportedException)
        {
            throw PkiFile.Unusable(path, what, HasLabel(pem, "ENCRYPTED PRIVATE KEY")
                ? "it is protected by a password, which cannot be asked for: store it without one"
                : "it is not a key in the form PEM that fits the certificate (RSA or elliptic curve)", e);
        }
    }

    private static bool HasLabel(ReadOnlySpan<char> pem, string label) => PemEncoding.TryFind(pem, out PemFields first) && pem[first.Label].SequenceEqual(label);
}
