using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ballast.Guests;

/// <summary>An authority made for a test, and the files that it gives to servers and clients, as libvirt names them.</summary>
public sealed class TestPki : IDisposable
{
    private static readonly Dictionary<string, string> Uses = new()
    {
        ["server"] = "1.3.6.1.5.5.7.3.1",
        ["client"] = "1.3.6.1.5.5.7.3.2",
        ["any"] = "2.5.29.37.0",
    };

    private readonly PrivateDirectory _directory = new();
    private readonly X509Certificate2 _authority;
    private readonly CertificateRevocationListBuilder _revoked = new();
    private int _serial;

    private TestPki(bool byCurve)
    {
        using RSA key = RSA.Create(2048);
        using ECDsa curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = byCurve ? new("CN=Test CA", curve, HashAlgorithmName.SHA256) : new("CN=Test CA", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _authority = request.CreateSelfSigned(Now.AddDays(-2), Now.AddDays(2));
        File.WriteAllText(Authority, _authority.ExportCertificatePem());
    }

    public string Path => _directory.Path;

    public string Authority => _directory.File("cacert.pem");

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>With a server's certificate for localhost and a client's, ready to be used.</summary>
    public static TestPki Create(bool byCurve = false)
    {
        TestPki pki = new(byCurve);
        pki.Write("server");
        pki.Write("client");
        return pki;
    }

    /// <summary>A certificate and its key, in place of those that were there.</summary>
    /// <param name="whose">"server" or "client".</param>
    /// <param name="name">Its name.</param>
    /// <param name="hosts">Of a server, what it is called; a number is an address. Empty: only its name says it.</param>
    /// <param name="from">Its first day, counted from now.</param>
    /// <param name="days">Its last.</param>
    /// <param name="use">What it is for, or "any"; null: what the file says.</param>
    /// <param name="rsaBits">How long an RSA key is; 0: one of the curve P-256.</param>
    /// <param name="isAuthority">Whether it might sign others.</param>
    /// <param name="keyUsage">What its key may do.</param>
    public X509Certificate2 Write(
        string whose, string name = "C=GB, O=Ballast, CN=tester", string hosts = "localhost", double from = -1, double days = 1, string? use = null, int rsaBits = 0,
        bool isAuthority = false, X509KeyUsageFlags keyUsage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment)
    {
        using ECDsa curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA? rsa = rsaBits > 0 ? RSA.Create(rsaBits) : null;
        X500DistinguishedName subject = new(name, X500DistinguishedNameFlags.None);
        CertificateRequest request = rsa is null ? new(subject, curve, HashAlgorithmName.SHA256) : new(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(keyUsage, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(Uses[use ?? whose])], false));
        SubjectAlternativeNameBuilder names = new();
        foreach (string host in hosts.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPAddress.TryParse(host, out IPAddress? address))
                names.AddIpAddress(address);
            else
                names.AddDnsName(host);
        }

        if (hosts.Length > 0)
            request.CertificateExtensions.Add(names.Build());
        X509Certificate2 made = request.Create(
            _authority.SubjectName, Generator(), Now.AddDays(from), Now.AddDays(days), BitConverter.GetBytes(Interlocked.Increment(ref _serial) | 0x01000000));
        File.WriteAllText(_directory.File($"{whose}cert.pem"), made.ExportCertificatePem());
        File.WriteAllText(_directory.File($"{whose}key.pem"), ((AsymmetricAlgorithm?)rsa ?? curve).ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_directory.File($"{whose}key.pem"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return made;
    }

    /// <summary>Takes certificates back, and writes the list of all that were.</summary>
    public void Revoke(double nextUpdateDays = 1, params X509Certificate2[] certificates)
    {
        foreach (X509Certificate2 certificate in certificates)
            _revoked.AddEntry(certificate);
        X509AuthorityKeyIdentifierExtension identifier = X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_authority, true, false);
        byte[] list = _revoked.Build(_authority.SubjectName, Generator(), ++_serial, Now.AddDays(nextUpdateDays), HashAlgorithmName.SHA256, identifier, Now.AddDays(-1.5));
        File.WriteAllText(_directory.File("cacrl.pem"), PemEncoding.WriteString("X509 CRL", list));
    }

    /// <summary>A directory of its own with some of the files, for a side that has not all.</summary>
    public string Copy(string name, params string[] files)
    {
        string directory = Directory.CreateDirectory(_directory.File(name)).FullName;
        foreach (string file in files)
            File.Copy(_directory.File(file), System.IO.Path.Combine(directory, file), overwrite: true);
        return directory;
    }

    public void Dispose() => _directory.Dispose();

    private X509SignatureGenerator Generator() => _authority.GetRSAPrivateKey() is { } key
        ? X509SignatureGenerator.CreateForRSA(key, RSASignaturePadding.Pkcs1)
        : X509SignatureGenerator.CreateForECDsa(_authority.GetECDsaPrivateKey()!);
}
