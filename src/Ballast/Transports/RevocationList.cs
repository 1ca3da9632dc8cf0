using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Ballast.Transports;

/// <summary>An authority's list of certificates that it takes back (RFC 5280). It is a file of whoever trusts the authority, and trusted like it.</summary>
internal sealed class RevocationList
{
    private readonly byte[] _issuer;
    private readonly HashSet<string> _serials = [];

    /// <exception cref="AsnContentException">These are not the bytes of one.</exception>
    public RevocationList(ReadOnlyMemory<byte> bytes)
    {
        AsnReader file = new(bytes, AsnEncodingRules.DER), signed = file.ReadSequence(), list = signed.ReadSequence();
        file.ThrowIfNotEmpty();
        _ = signed.ReadSequence();
        _ = signed.ReadBitString(out _);
        signed.ThrowIfNotEmpty();
        if (list.PeekTag() == Asn1Tag.Integer)
            _ = list.ReadIntegerBytes();
        _ = list.ReadEncodedValue();
        _issuer = list.ReadEncodedValue().ToArray();
        _ = ReadTime(list);
        if (list.HasData && IsTime(list.PeekTag()))
            NextUpdate = ReadTime(list);
        if (!list.HasData || list.PeekTag() != Asn1Tag.Sequence)
            return;
        for (AsnReader entries = list.ReadSequence(); entries.HasData;)
            _serials.Add(Convert.ToHexString(entries.ReadSequence().ReadIntegerBytes().Span));
    }

    /// <summary>When a newer one is there at the latest; null: it does not say.</summary>
    public DateTimeOffset? NextUpdate { get; }

    /// <summary>Whether it says something about a certificate.</summary>
    public bool IsAbout(X509Certificate2 certificate) => certificate.IssuerName.RawData.AsSpan().SequenceEqual(_issuer);

    public bool HasRevoked(X509Certificate2 certificate) => IsAbout(certificate) && _serials.Contains(Convert.ToHexString(certificate.SerialNumberBytes.Span));

    /// <summary>Whether a newer one should be there by now, which may know of more.</summary>
    public bool IsOutdated(DateTimeOffset now) => NextUpdate < now;

    private static bool IsTime(Asn1Tag tag) => tag == Asn1Tag.UtcTime || tag == Asn1Tag.GeneralizedTime;

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag() == Asn1Tag.UtcTime ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();
}
