using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Ballast.Transports;

/// <summary>The name in a certificate.</summary>
/// <param name="Text">As GnuTLS prints it.</param>
/// <param name="IsRead">
/// Whether it has a value, and all of them as text. What is not known is shown by its bytes: another version of GnuTLS may know it, so
/// that a pattern made there takes the name and here does not.
/// </param>
internal sealed record CertificateName(string Text, bool IsRead);

/// <summary>Names of certificates as GnuTLS prints them for libvirt (virt-pki-query-dn), and the patterns that libvirt compares them with.</summary>
internal static class DistinguishedName
{
    private static readonly UnicodeEncoding StrictBigEndian = new(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true);

    /// <summary>In the order of the certificate: <c>C=GB,O=Red Hat,CN=host1</c>.</summary>
    /// <returns>Null: it is none, and GnuTLS prints nothing.</returns>
    public static CertificateName? Of(X500DistinguishedName name)
    {
        StringBuilder text = new();
        bool isRead = true;
        try
        {
            for (AsnReader parts = new AsnReader(name.RawData, AsnEncodingRules.BER).ReadSequence(); parts.HasData;)
            {
                // Those of one part are joined.
                char before = ',';
                for (AsnReader part = parts.ReadSetOf(skipSortOrderValidation: true); part.HasData; before = '+')
                    isRead &= TryAppend(text.Length > 0 ? text.Append(before) : text, part.ReadSequence());
            }
        }
        catch (AsnContentException)
        {
            return null;
        }

        return new CertificateName(text.ToString(), isRead && text.Length > 0);
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

    // False where a value is shown by its bytes.
    private static bool TryAppend(StringBuilder text, AsnReader attribute)
    {
        string kind = attribute.ReadObjectIdentifier();
        (string name, AttributeForm form) = DistinguishedNameTable.Find(kind) ?? (kind, AttributeForm.Unknown);
        _ = text.Append(name).Append('=');
        Asn1Tag tag = attribute.PeekTag();
        ReadOnlySpan<byte> whole = attribute.ReadEncodedValue().Span;
        _ = AsnDecoder.ReadEncodedValue(whole, AsnEncodingRules.BER, out int start, out int length, out _);
        ReadOnlySpan<byte> content = whole.Slice(start, length);
        if (form == AttributeForm.Any && content.IsEmpty)
            throw new AsnContentException(); // GnuTLS takes the whole name for none
        (string? value, bool isExact) = tag.IsConstructed || tag.TagClass != TagClass.Universal
            ? (null, false)
            : Value(form, (UniversalTagNumber)tag.TagValue, content);
        if (value is null)
            _ = text.Append('#').Append(Convert.ToHexStringLower(whole));
        else
            Escape(text, value);
        return isExact;
    }

    /// <summary>A value as text, and whether nothing of it was lost; null where it is shown by its bytes.</summary>
    private static (string? Text, bool IsExact) Value(AttributeForm form, UniversalTagNumber tag, ReadOnlySpan<byte> content)
    {
        const UniversalTagNumber universal = (UniversalTagNumber)28;
        string? text;

        // GnuTLS leaves half a character out.
        bool isHalf = tag == UniversalTagNumber.BMPString && content.Length % 2 != 0;
        if (form == AttributeForm.Any)
        {
            if (tag is not (UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.T61String or UniversalTagNumber.BMPString or universal))
                return (null, false);

            // Of these GnuTLS reads only what it is sure of; the rest is their bytes, without their length, as text.
            text = tag switch
            {
                UniversalTagNumber.T61String => content.ContainsAnyExceptInRange((byte)' ', (byte)'~') ? null : Encoding.ASCII.GetString(content),
                UniversalTagNumber.BMPString => Characters(content[..(content.Length & ~1)]),
                universal => null,
                _ => Encoding.UTF8.GetString(content),
            };
            text ??= $"#{Convert.ToHexStringLower(content)}";
        }
        else
        {
            if (form != (AttributeForm)tag || content.IsEmpty)
                return (null, false);
            text = Encoding.UTF8.GetString(content);
        }

        return text.Contains('\0', StringComparison.Ordinal) ? (null, false) : (text, !isHalf && !text.Contains('\ufffd', StringComparison.Ordinal));
    }

    private static string? Characters(ReadOnlySpan<byte> content)
    {
        try
        {
            return StrictBigEndian.GetString(content);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

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
