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
    private const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2", AnyUse = "2.5.29.37.0";

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
        if (isChecked && trusting.Fault(own, chain, ofServer: isServer, time.GetUtcNow()) is { } fault)
            throw PkiFile.Unusable(files.Certificate, $"the {whose} {certificate}", fault);
        return new TlsIdentity(authorities, revocations, SslStreamCertificateContext.Create(own, chain, offline: true), read);
    }

    /// <summary>How certificates are looked at; nothing is fetched from anywhere.</summary>
    public X509ChainPolicy Policy() => Policy(_authorities);

    /// <summary>What is wrong with a certificate, and what to do; null: nothing.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="others">What was shown beside it.</param>
    /// <param name="ofServer">Whether it is a server's.</param>
    /// <param name="now">The time.</param>
    public string? Fault(X509Certificate2 certificate, IEnumerable<X509Certificate2> others, bool ofServer, DateTimeOffset now)
    {
        using X509Chain? chain = Build(certificate, others);
        return Fault(certificate, chain, ofServer, now);
    }

    /// <summary>The chain from a certificate to an authority of ours; null: there is none, and next to nothing was computed to find out.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="others">What was shown beside it.</param>
    public X509Chain? Build(X509Certificate2 certificate, IEnumerable<X509Certificate2> others)
    {
        if (TrustedPath.Find(certificate, others, [.. _authorities]) is not { } path)
            return null;

        // Only those of the way: OpenSSL takes the first issuer of a name, and tries no other one.
        X509Chain chain = new() { ChainPolicy = Policy([.. path.Where(IsAuthority)]) };
        chain.ChainPolicy.ExtraStore.AddRange(path.Where(each => !IsAuthority(each)).ToArray());
        _ = chain.Build(certificate);
        return chain;
    }

    /// <summary>What is wrong with a certificate, and what to do; null: nothing.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="chain">Null: there is none to an authority.</param>
    /// <param name="ofServer">Whether it is a server's.</param>
    /// <param name="now">The time.</param>
    public string? Fault(X509Certificate2 certificate, X509Chain? chain, bool ofServer, DateTimeOffset now)
    {
        X509ChainStatusFlags status = chain is null ? X509ChainStatusFlags.PartialChain : X509ChainStatusFlags.NoError;
        foreach (X509ChainStatus each in chain?.ChainStatus ?? [])
            status |= each.Status;

        // As in libvirt, an authority need not be one that signed itself.
        if (chain?.ChainElements.Any(element => IsAuthority(element.Certificate)) == true)
            status &= ~(X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot);
        return certificate.NotAfter.ToUniversalTime() < now ? $"it has expired ({Day(certificate.NotAfter)}): renew it"
            : certificate.NotBefore.ToUniversalTime() > now ? $"it is not valid before {Day(certificate.NotBefore)}: check the clocks of both hosts"
            : (status & NotSigned) != 0
                ? "it is not signed by an authority of cacert.pem: both sides need the same authority"
            : status.HasFlag(X509ChainStatusFlags.NotTimeValid) ? "the authority's certificate has expired, or is not valid yet: renew it"
            : !MayBeUsed(certificate, chain!, ofServer ? ServerUse : ClientUse) ? "it is not made for this use: its extended key usage must name TLS clients or servers, as it is one"
            : status != X509ChainStatusFlags.NoError ? $"it is not valid ({status}): make another one"
            : (ofServer ? null : ClientFault(certificate)) ?? RevocationFault(chain!, now);
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

    // What its extended key usage says, and that of each between it and an authority; .NET would not know the one for any use.
    private bool MayBeUsed(X509Certificate2 certificate, X509Chain chain, string use) =>
        chain.ChainElements.Select(static element => element.Certificate)
            .Where(each => !IsAuthority(each))
            .Prepend(certificate)
            .SelectMany(static each => each.Extensions.OfType<X509EnhancedKeyUsageExtension>())
            .All(extension => extension.EnhancedKeyUsages.Cast<Oid>().Any(each => each.Value == use || each.Value == AnyUse));

    // As libvirt's daemon, and GnuTLS below it, have it.
    private static string? ClientFault(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(static basic => basic.CertificateAuthority)
            ? "it is an authority's (basic constraints), not a client's: make one for the client"
            : certificate.Extensions.OfType<X509KeyUsageExtension>().Any(static usage => !usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature))
                ? "its key usage does not allow digital signatures: make another one"
                : null;

    private static X509ChainPolicy Policy(X509Certificate2Collection authorities)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
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
                ? "it wants a password, and nobody can be asked: store it without one"
                : "it is not a key in the form PEM that fits the certificate (RSA or elliptic curve)", e);
        }
    }

    private static bool HasLabel(ReadOnlySpan<char> pem, string label) => PemEncoding.TryFind(pem, out PemFields first) && pem[first.Label].SequenceEqual(label);
}
