using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Transports;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// Names in certificates, which strangers show before anybody knows them, and lists of revoked certificates: what is none is
/// refused in the one way that callers expect. The first byte says which of the two it is.
/// </summary>
internal sealed class PkiTarget : FuzzTarget
{
    private const byte IsName = 0, IsList = 1;

    public override string Name => "pki";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
        [.. new[] { "0603550403", "060355040a", "3000", "3100", "0c03", "1303", "1e02", "1703", "180f", "0201", "0603550480", "308180", "3080", "0000" }.Select(Convert.FromHexString)];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        [IsName, .. new X500DistinguishedName("C=GB, O=\"Red, Hat\", CN=host+1").RawData],
        [IsName, .. new X500DistinguishedName("E=a@b, OID.1.2.3=x, CN=Größe").RawData],
        [IsList, .. MadeList()],
    ];

    public override int Run(byte[] input)
    {
        if (input.Length == 0)
            return 0;
        byte[] bytes = input[1..];
        if (input[0] == IsName)
        {
            string? text = DistinguishedName.Of(new X500DistinguishedName(bytes))?.Text;
            FuzzException.Require(text is null || DistinguishedName.Matches("*", text), "a name is not taken by the pattern for all");
            return text is null ? 1 : 2 + Math.Min(text.Count(c => c == ','), 8);
        }

        try
        {
            RevocationList list = new(bytes);
            return 20 + (list.IsOutdated(DateTimeOffset.UnixEpoch) ? 1 : 0);
        }
        catch (AsnContentException)
        {
            return 30;
        }
    }

    private static byte[] MadeList()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        DateTimeOffset day = DateTimeOffset.UnixEpoch.AddYears(40);
        using X509Certificate2 authority = request.CreateSelfSigned(day, day.AddYears(1));
        CertificateRevocationListBuilder list = new();
        list.AddEntry([1, 2, 3], day);
        return list.Build(authority, 1, day.AddDays(1), HashAlgorithmName.SHA256, rsaSignaturePadding: null, thisUpdate: day);
    }
}
