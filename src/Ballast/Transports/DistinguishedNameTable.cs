using System.Formats.Asn1;

namespace Ballast.Transports;

/// <summary>The form of a value.</summary>
internal enum AttributeForm
{
    /// <summary>Of no form that is known.</summary>
    Unknown = 0,

    /// <summary>Any of those of a DirectoryString (RFC 5280).</summary>
    Any = -1,

    /// <summary>A NumericString only.</summary>
    Numeric = UniversalTagNumber.NumericString,

    /// <summary>A PrintableString only.</summary>
    Printable = UniversalTagNumber.PrintableString,

    /// <summary>An IA5String only.</summary>
    Ascii = UniversalTagNumber.IA5String,
}

/// <summary>The attributes of names that GnuTLS knows, and the form in which it reads each.</summary>
internal static class DistinguishedNameTable
{
    private static readonly Dictionary<string, (string Name, AttributeForm Form)> Known = new()
    {
        ["2.5.4.3"] = ("CN", AttributeForm.Any),
        ["2.5.4.4"] = ("surName", AttributeForm.Any),
        ["2.5.4.5"] = ("serialNumber", AttributeForm.Printable),
        ["2.5.4.6"] = ("C", AttributeForm.Printable),
        ["2.5.4.7"] = ("L", AttributeForm.Any),
        ["2.5.4.8"] = ("ST", AttributeForm.Any),
        ["2.5.4.9"] = ("street", AttributeForm.Any),
        ["2.5.4.10"] = ("O", AttributeForm.Any),
        ["2.5.4.11"] = ("OU", AttributeForm.Any),
        ["2.5.4.12"] = ("title", AttributeForm.Any),
        ["2.5.4.13"] = ("description", AttributeForm.Any),
        ["2.5.4.15"] = ("businessCategory", AttributeForm.Any),
        ["2.5.4.17"] = ("postalCode", AttributeForm.Any),
        ["2.5.4.20"] = ("telephoneNumber", AttributeForm.Printable),
        ["2.5.4.41"] = ("name", AttributeForm.Any),
        ["2.5.4.42"] = ("givenName", AttributeForm.Any),
        ["2.5.4.43"] = ("initials", AttributeForm.Any),
        ["2.5.4.44"] = ("generationQualifier", AttributeForm.Any),
        ["2.5.4.46"] = ("dnQualifier", AttributeForm.Printable),
        ["2.5.4.65"] = ("pseudonym", AttributeForm.Any),
        ["1.2.840.113549.1.9.1"] = ("EMAIL", AttributeForm.Ascii),
        ["0.9.2342.19200300.100.1.1"] = ("UID", AttributeForm.Any),
        ["0.9.2342.19200300.100.1.25"] = ("DC", AttributeForm.Ascii),
        ["1.3.6.1.5.5.7.9.2"] = ("placeOfBirth", AttributeForm.Any),
        ["1.3.6.1.5.5.7.9.3"] = ("gender", AttributeForm.Printable),
        ["1.3.6.1.5.5.7.9.4"] = ("countryOfCitizenship", AttributeForm.Printable),
        ["1.3.6.1.5.5.7.9.5"] = ("countryOfResidence", AttributeForm.Printable),
        ["1.2.643.3.131.1.1"] = ("INN", AttributeForm.Numeric),
        ["1.2.643.100.1"] = ("OGRN", AttributeForm.Numeric),
        ["1.2.643.100.3"] = ("SNILS", AttributeForm.Numeric),
        ["1.2.643.100.5"] = ("OGRNIP", AttributeForm.Numeric),
        ["1.3.6.1.4.1.311.60.2.1.1"] = ("jurisdictionOfIncorporationLocalityName", AttributeForm.Any),
        ["1.3.6.1.4.1.311.60.2.1.2"] = ("jurisdictionOfIncorporationStateOrProvinceName", AttributeForm.Any),
        ["1.3.6.1.4.1.311.60.2.1.3"] = ("jurisdictionOfIncorporationCountryName", AttributeForm.Printable),
    };

    /// <summary>Null where GnuTLS does not know it.</summary>
    public static (string Name, AttributeForm Form)? Find(string kind) => Known.TryGetValue(kind, out (string Name, AttributeForm Form) found) ? found : null;
}
