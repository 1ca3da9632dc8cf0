using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Transports;

namespace Ballast.Server.Tls;

/// <summary>By which certificates clients are let in, and the server's own. A newer one holds for clients that come from then on.</summary>
internal sealed class TlsAccess
{
    // Nobody has so many between a client and its authority, and each is looked at.
    private const int MostShown = 16;

    private static readonly CertificateName Nameless = new("", IsRead: false);

    private readonly IReadOnlyList<string>? _allowed;
    private readonly IReadOnlyList<string> _readers;
    private readonly TlsIdentity _identity;
    private readonly BelievedCertificates _believed = new();

    private TlsAccess(TlsIdentity identity, IReadOnlyList<string>? allowed, IReadOnlyList<string> readers)
    {
        _identity = identity;
        Context = TlsContext.Create(identity.Own!);
        _allowed = allowed;
        _readers = readers;
    }

    /// <summary>What all connections have in common.</summary>
    public TlsContext Context { get; }

    /// <param name="directory">Where cacert.pem, servercert.pem, serverkey.pem and perhaps cacrl.pem are; null: at libvirt's places.</param>
    /// <param name="allowed">Patterns of the names that are let in; null: all that an authority of ours has signed.</param>
    /// <param name="readers">Patterns of the names that may only read.</param>
    /// <param name="time">Where time comes from.</param>
    /// <exception cref="LibvirtException">Something is missing, or of no use.</exception>
    public static TlsAccess Load(string? directory, IReadOnlyList<string>? allowed, IReadOnlyList<string> readers, TimeProvider time) =>
        new(TlsIdentity.Load(Files(directory), isServer: true, time), allowed, readers);

    /// <summary>The file of the private key, which nobody else should read.</summary>
    public static string KeyFile(string? directory) => Files(directory).Key;

    /// <summary>The files that are others than they were.</summary>
    public IReadOnlyList<string> ChangesSince(TlsAccess older) => _identity.ChangesSince(older._identity);

    /// <summary>Whether there was a list of revoked certificates, and none is any more.</summary>
    public bool HasLostRevocations(TlsAccess older) => older._identity.HasRevocations && !_identity.HasRevocations;

    /// <summary>Why a client is refused, null: it is let in; and the name in its certificate, empty where there is none that can be read.</summary>
    /// <param name="shown">The certificates that it showed, its own first.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="CryptographicException">A certificate cannot be read.</exception>
    public (string? Fault, CertificateName Name) Judge(IReadOnlyList<byte[]> shown, DateTimeOffset now)
    {
        if (shown.Count > MostShown)
            return (string.Create(CultureInfo.InvariantCulture, $"it shows more than {MostShown} certificates"), Nameless);
        if (shown.Count == 0)
            return ("it shows no certificate: it needs clientcert.pem and clientkey.pem", Nameless);
        if (_believed.Find(shown, now) is { } known)
            return (null, known);
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(shown[0]);
        List<X509Certificate2> others = [];
        try
        {
            foreach (byte[] other in shown.Skip(1))
                others.Add(X509CertificateLoader.LoadCertificate(other));
            CertificateName name = Name(certificate) ?? Nameless;
            if (others.Prepend(certificate).Any(static each => CostlyKey.Is(each.PublicKey)))
                return ("a key among its certificates is larger than any that is in use: make another one", name);
            using X509Chain? chain = _identity.Build(certificate, others);
            string? fault = Fault(certificate, chain, now);
            if (fault is null)
                _believed.Add(shown, name, _identity.Validity(chain!, now));
            return (fault, name);
        }
        finally
        {
            others.ForEach(static each => each.Dispose());
        }
    }

    private string? Fault(X509Certificate2 certificate, X509Chain? chain, DateTimeOffset now)
    {
        if (_identity.Fault(certificate, chain, ofServer: false, now) is { } fault)
            return $"its certificate is no good: {fault}";
        foreach (X509Certificate2 each in chain!.ChainElements.Select(static element => element.Certificate))
        {
            if (!_identity.IsAuthority(each) && Context.IsTooWeak(each.RawDataMemory.Span, out int level))
                return string.Create(CultureInfo.InvariantCulture, $"its key or signature, or that of an authority between, is too weak for the security level of openssl.cnf here ({level}): make a stronger one");
        }

        if (Name(certificate)?.Text is not { Length: > 0 } name)
            return "its certificate has no name, or one that cannot be read: make another one";
        return _allowed?.Any(pattern => DistinguishedName.Matches(pattern, name)) == false
            ? "its name is not on the list (tls_allowed_dn_list): add it, or a pattern for it"
            : null;
    }

    /// <summary>Whether a client may only read. Where some may, whoever's name is not read in full may be one of them.</summary>
    public bool IsReadOnly(CertificateName name) =>
        _readers.Count > 0 && (!name.IsRead || _readers.Any(pattern => DistinguishedName.Matches(pattern, name.Text)));

    /// <summary>The name in a certificate, as patterns see it; null where it cannot be read.</summary>
    public static CertificateName? Name(X509Certificate2 certificate) => DistinguishedName.Of(certificate.SubjectName);

    private static PkiFiles Files(string? directory) =>
        directory is null ? PkiFiles.OfSystem(isServer: true) : PkiFiles.In(directory, isServer: true);
}
