using System.Globalization;

namespace Ballast.Drivers.Remote;

/// <summary>
/// What of a domain's XML matters for its statistics. A daemon may send megabytes of anything: whatever they are, each property reads
/// them once.
/// </summary>
internal sealed class LibvirtDomainXml(string xml)
{
    private const string Balloon = "memballoon";

    // Everything else that a user wrote is escaped; metadata is XML of anybody's, and could look like the rest.
    private readonly string _text = WithoutMetadata(xml);

    /// <summary>The collection period in seconds; 0 where collection is off.</summary>
    public int PeriodSeconds
    {
        get
        {
            const string end = $"</{Balloon}>";
            if (!TryFind(_text, Balloon, out ReadOnlySpan<char> attributes, out ReadOnlySpan<char> within) || attributes.EndsWith('/'))
                return 0;
            int length = within.IndexOf(end, StringComparison.Ordinal);
            return length >= 0 && TryFind(within[..length], "stats", out attributes, out _)
                && int.TryParse(Attribute(attributes, "period"), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? seconds : 0;
        }
    }

    /// <summary>The size with an empty balloon, with memory that was plugged in; null where it does not say.</summary>
    public ulong? MaximumKiB
    {
        get
        {
            if (!TryFind(_text, "memory", out ReadOnlySpan<char> attributes, out ReadOnlySpan<char> within) || Attribute(attributes, "unit") is not "KiB")
                return null;
            int length = within.IndexOf('<');
            return length >= 0 && ulong.TryParse(within[..length], NumberStyles.None, CultureInfo.InvariantCulture, out ulong kib) ? kib : null;
        }
    }

    public bool HasNoBalloon => BalloonSays("model", "none");

    /// <summary>Whether the balloon offers "deflate on OOM", which Linux' driver takes wherever it is offered.</summary>
    public bool DeflatesOnOom => BalloonSays("autodeflate", "on");

    private bool BalloonSays(string name, string value) =>
        TryFind(_text, Balloon, out ReadOnlySpan<char> attributes, out _) && Attribute(attributes, name).SequenceEqual(value);

    private static string WithoutMetadata(string xml)
    {
        const string begin = "<metadata>", end = "</metadata>";
        int from = xml.IndexOf(begin, StringComparison.Ordinal), to = xml.LastIndexOf(end, StringComparison.Ordinal);
        return from >= 0 && to > from ? string.Concat(xml.AsSpan(0, from), xml.AsSpan(to + end.Length)) : xml;
    }

    // The first element of that name, outside comments: its attributes, and what follows it.
    private static bool TryFind(ReadOnlySpan<char> xml, string name, out ReadOnlySpan<char> attributes, out ReadOnlySpan<char> within)
    {
        const string comment = "<!--", commentEnd = "-->";
        attributes = within = default;
        for (int at = xml.IndexOf('<'); at >= 0; at = xml.IndexOf('<'))
        {
            xml = xml[at..];
            if (xml.StartsWith(comment, StringComparison.Ordinal))
            {
                int end = xml[comment.Length..].IndexOf(commentEnd, StringComparison.Ordinal);
                if (end < 0)
                    return false;
                xml = xml[(comment.Length + end + commentEnd.Length)..];
                continue;
            }

            xml = xml[1..];
            if (!xml.StartsWith(name, StringComparison.Ordinal) || xml[name.Length..] is not [' ' or '\t' or '\r' or '\n' or '/' or '>', ..])
                continue;
            xml = xml[name.Length..];
            int length = LengthOfTag(xml);
            if (length < 0)
                return false;
            attributes = xml[..length];
            within = xml[(length + 1)..];
            return true;
        }

        return false;
    }

    // Up to its end; negative where it has none. What is quoted may look like one.
    private static int LengthOfTag(ReadOnlySpan<char> tag)
    {
        for (int at = 0; ; at++)
        {
            int next = tag[at..].IndexOfAny('>', '\'', '"');
            if (next < 0)
                return -1;
            at += next;
            if (tag[at] == '>')
                return at;
            int close = tag[(at + 1)..].IndexOf(tag[at]);
            if (close < 0)
                return -1;
            at += close + 1;
        }
    }

    // Empty where there is none of that name.
    private static ReadOnlySpan<char> Attribute(ReadOnlySpan<char> attributes, string name)
    {
        for (int equals = attributes.IndexOf('='); equals >= 0; equals = attributes.IndexOf('='))
        {
            ReadOnlySpan<char> key = attributes[..equals].Trim();
            attributes = attributes[(equals + 1)..].TrimStart();
            if (attributes is not ['\'' or '"', ..])
                return [];
            int length = attributes[1..].IndexOf(attributes[0]);
            if (length < 0)
                return [];
            if (key.SequenceEqual(name))
                return attributes.Slice(1, length);
            attributes = attributes[(length + 2)..];
        }

        return [];
    }
}
