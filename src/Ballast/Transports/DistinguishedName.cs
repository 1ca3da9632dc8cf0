using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Ballast.Transports;

/// <summary>Names of certificates as GnuTLS prints them for libvirt (virt-pki-query-dn), and the patterns that libvirt compares them with.</summary>
internal static class DistinguishedName
{
    /// <summary>In the order of the certificate: <c>C=GB,O=Red Hat,CN=host1</c>.</summary>
    /// <returns>Null: it is none that can be read.</returns>
    public static string? Text(X500DistinguishedName name)
    {
        StringBuilder text = new();
        try
        {
            for (AsnReader parts = new AsnReader(name.RawData, AsnEncodingRules.BER).ReadSequence(); parts.HasData;)
            {
                // Those of one part are joined.
                char before = ',';
                for (AsnReader part = parts.ReadSetOf(skipSortOrderValidation: true); part.HasData; before = '+')
                    Append(text.Length > 0 ? text.Append(before) : text, part.ReadSequence());
            }
        }
        catch (AsnContentException)
        {
            return null;
        }

        return text.ToString();
    }

    /// <summary>Whether a pattern takes all of a text; <c>*</c> stands for anything, <c>?</c> for one character.</summary>
    public static bool Matches(string pattern, string text)
    {
        Rune[] wanted = [.. pattern.EnumerateRunes()], given = [.. text.EnumerateRunes()];
        int at = 0, star = -1, resume = 0;
        for (int i = 0; i < given.Length;)
        {
            if (at < wanted.Length && wanted[at].Value == '*')
            {
                (star, resume) = (at++, i);
            }
            else if (at < wanted.Length && (wanted[at].Value == '?' || wanted[at] == given[i]))
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                // What the last star stands for is one longer.
                (at, i) = (star + 1, ++resume);
            }
            else
            {
                return false;
            }
        }

        return wanted.AsSpan(at).IndexOfAnyExcept(new Rune('*')) < 0;
    }

    private static void Append(StringBuilder text, AsnReader attribute)
    {
        string kind = attribute.ReadObjectIdentifier();
        string? name = Name(kind);
        _ = text.Append(name ?? Unread(kind)).Append('=');
        if (name is not null && ReadText(attribute) is { } value)
            Escape(text, value);
        else
            _ = text.Append('#').Append(Convert.ToHexStringLower(attribute.ReadEncodedValue().Span));
    }

    private static string? Name(string kind) => kind switch
    {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "surName",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.41" => "name",
        "2.5.4.42" => "givenName",
        "2.5.4.43" => "initials",
        "2.5.4.44" => "generationQualifier",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.65" => "pseudonym",
        "1.2.840.113549.1.9.1" => "EMAIL",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.3.6.1.4.1.311.60.2.1.1" => "jurisdictionOfIncorporationLocalityName",
        "1.3.6.1.4.1.311.60.2.1.2" => "jurisdictionOfIncorporationStateOrProvinceName",
        "1.3.6.1.4.1.311.60.2.1.3" => "jurisdictionOfIncorporationCountryName",
        _ => null,
    };

    // GnuTLS knows their names, and not how their values read.
    private static string Unread(string kind) => kind switch
    {
        "2.5.4.13" => "description",
        "2.5.4.20" => "telephoneNumber",
        _ => kind,
    };

    private static string? ReadText(AsnReader attribute) =>
        (UniversalTagNumber)attribute.PeekTag().TagValue is var kind
        && kind is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String or UniversalTagNumber.BMPString
            or UniversalTagNumber.T61String
            ? attribute.ReadCharacterString(kind)
            : null;

    private static void Escape(StringBuilder text, string value)
    {
        for (int i = 0; i < value.Length; i++)
        {
            bool isEdge = i == 0 || i == value.Length - 1;
            if (value[i] is ',' or '+' or '"' or '\\' or '<' or '>' or ';' || (value[i] == '#' && i == 0) || (value[i] == ' ' && isEdge))
                _ = text.Append('\\');
            _ = text.Append(value[i]);
        }
    }
}
