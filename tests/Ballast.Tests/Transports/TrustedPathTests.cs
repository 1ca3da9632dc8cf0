using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Guests;
using Ballast.Server.Tls;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>How little is computed for certificates that nobody of ours has signed.</summary>
public sealed class TrustedPathTests : IDisposable
{
    // As many as a client may show.
    private const int Most = 16;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;
    private int _computed;

    public TrustedPathTests() => _authority = Request("CN=CA", _key, isAuthority: true).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public void Dispose()
    {
        _key.Dispose();
        _authority.Dispose();
    }

    [Theory]
    [InlineData("CN=nobody", 0)]
    [InlineData("CN=CA", 1)]
    public void A_strangers_chain_is_not_computed(string root, int computed)
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        List<X509Certificate2> chain = Chain(new X500DistinguishedName(root), other);
        Assert.Null(TrustedPath.Find(chain[0], chain.Skip(1), [_authority], IsSigned));
        Assert.Equal(computed, _computed);

        // Nor for real.
        Assert.Null(TrustedPath.Find(chain[0], chain.Skip(1), [_authority]));
    }

    [Fact]
    public void Many_that_claim_to_be_signed_are_not_all_computed()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509Certificate2 leaf = Signed("CN=leaf", other, new X500DistinguishedName("CN=B"), other, isAuthority: false);
        List<X509Certificate2> claims = [.. Enumerable.Range(1, Most - 1).Select(_ => Signed("CN=B", other, _authority.SubjectName, other, isAuthority: true))];
        Assert.Null(TrustedPath.Find(leaf, claims, [_authority], IsSigned));
        Assert.Equal(TrustedPath.MostWrong, _computed);
    }

    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 1)]
    public void The_last_of_many_authorities_of_one_name_is_found(bool hasIdentifiers, int computed)
    {
        ECDsa[] keys = [.. Enumerable.Range(0, 6).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256))];
        X509Certificate2[] authorities = [.. keys.Select(key => Authority(key, hasIdentifiers))];
        CertificateRequest request = Request("CN=client", keys[0], isAuthority: false);
        if (hasIdentifiers)
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authorities[^1], true, false));
        using X509Certificate2 client = request.Create(
            authorities[^1].SubjectName, X509SignatureGenerator.CreateForECDsa(keys[^1]), Now.AddHours(-20), Now.AddHours(20), [1]);
        Assert.Equal([client, authorities[^1]], TrustedPath.Find(client, [], authorities, IsSigned)!);
        Assert.Equal(computed, _computed);

        // And for real.
        Assert.Equal([client, authorities[^1]], TrustedPath.Find(client, [], authorities)!);
        Assert.Null(TrustedPath.Find(client, [], authorities[..^1]));

        static X509Certificate2 Authority(ECDsa key, bool hasIdentifier)
        {
            CertificateRequest request = Request("CN=CA", key, isAuthority: true);
            if (hasIdentifier)
                request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            return request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        }
    }

    [Fact]
    public void A_long_chain_is_believed_in_any_order_and_beside_anything()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        List<X509Certificate2> chain = Chain(_authority.SubjectName, _key), strange = Chain(new X500DistinguishedName("CN=nobody"), other, "CN=C");
        Assert.Equal([.. chain, _authority], TrustedPath.Find(chain[0], chain.Skip(1).Reverse().Concat(strange).Append(_authority), [_authority], IsSigned)!);
        Assert.Equal(Most, _computed);
        Assert.Equal([.. chain, _authority], TrustedPath.Find(chain[0], chain.Skip(1), [_authority])!);
        Assert.Null(TrustedPath.Find(chain[0], chain.Skip(2), [_authority]));
    }

    [Fact]
    public void Who_is_no_authority_signs_nobody()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509Certificate2 client = Signed("CN=client", key, _authority.SubjectName, _key, isAuthority: false);
        X509Certificate2 forged = Signed("CN=forged", key, client.SubjectName, key, isAuthority: false);
        Assert.NotNull(TrustedPath.Find(client, [], [_authority]));
        Assert.Null(TrustedPath.Find(forged, [client], [_authority]));
    }

    [Theory]
    [InlineData(256, 3, false)]
    [InlineData(2048, 4, false)]
    [InlineData(256, 5, true)]
    [InlineData(384, 384, true)]
    [InlineData(2049, 3, true)]
    public void A_key_that_only_keeps_others_computing_is_known(int modulusBytes, int exponentBytes, bool isCostly)
    {
        PublicKey key = Rsa(modulusBytes, exponentBytes);
        Assert.Equal(isCostly, CostlyKey.Is(key));
        if (modulusBytes > 2048)
            return;

        // Whoever shows it, at whatever place.
        using TestPki pki = TestPki.Create();
        TlsAccess access = TlsAccess.Load(pki.Path, allowed: null, readers: [], TimeProvider.System);
        using X509Certificate2 client = pki.Write("client");
        CertificateRequest request = new(new X500DistinguishedName("CN=B"), key, HashAlgorithmName.SHA256);
        using X509Certificate2 costly = request.Create(_authority.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), Now.AddDays(-1), Now.AddDays(1), [1]);
        Assert.Equal(isCostly, access.Judge([client.RawData, costly.RawData], Now).Fault?.Contains("larger than any that is in use", StringComparison.Ordinal) == true);
    }

    private static PublicKey Rsa(int modulusBytes, int exponentBytes)
    {
        AsnWriter key = new(AsnEncodingRules.DER), none = new(AsnEncodingRules.DER);
        using (key.PushSequence())
        {
            key.WriteIntegerUnsigned(Odd(modulusBytes));
            key.WriteIntegerUnsigned(Odd(exponentBytes));
        }

        none.WriteNull();
        Oid kind = new("1.2.840.113549.1.1.1");
        return new PublicKey(kind, new AsnEncodedData(kind, none.Encode()), new AsnEncodedData(kind, key.Encode()));

        static byte[] Odd(int length)
        {
            byte[] number = new byte[length];
            new Random(length).NextBytes(number);
            number[0] |= 0x80;
            number[^1] |= 1;
            return number;
        }
    }

    // The first is nobody's authority.
    private static List<X509Certificate2> Chain(X500DistinguishedName root, ECDsa key, string name = "CN=B")
    {
        List<X509Certificate2> chain = [];
        for (int i = Most - 1; i >= 0; i--)
        {
            ECDsa own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            chain.Insert(0, Signed($"{name}{i}", own, root, key, isAuthority: i > 0));
            (root, key) = (chain[0].SubjectName, own);
        }

        return chain;
    }

    private bool IsSigned(X509Certificate2 certificate, X509Certificate2 issuer)
    {
        _computed++;
        AsnReader whole = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER).ReadSequence();
        ReadOnlyMemory<byte> signed = whole.ReadEncodedValue();
        _ = whole.ReadSequence();
        using ECDsa key = issuer.GetECDsaPublicKey()!;
        return key.VerifyData(signed.Span, whole.ReadBitString(out _), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        return request;
    }

    private static X509Certificate2 Signed(string name, ECDsa key, X500DistinguishedName issuer, ECDsa issuerKey, bool isAuthority) =>
        Request(name, key, isAuthority).Create(issuer, X509SignatureGenerator.CreateForECDsa(issuerKey), Now.AddHours(-20), Now.AddHours(20), RandomNumberGenerator.GetBytes(8));
}
