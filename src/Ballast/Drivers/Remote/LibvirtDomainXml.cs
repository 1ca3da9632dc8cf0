using System.Globalization;
using System.Text.RegularExpressions;

namespace Ballast.Drivers.Remote;

/// <summary>What of a domain's XML matters for its statistics, in the one layout in which libvirt's daemons write it.</summary>
internal sealed partial class LibvirtDomainXml(string xml)
{
    // Everything else that a user wrote is escaped; metadata is XML of anybody's, and could look like the rest.
    private readonly string _text = WithoutMetadata(xml);

    /// <summary>The collection period in seconds; 0 where collection is off.</summary>
    public int PeriodSeconds => (int?)Number(Period().Match(_text)) ?? 0;

    /// <summary>The size with an empty balloon, with memory that was plugged in; null where it does not say.</summary>
    public ulong? MaximumKiB => Number(Maximum().Match(_text));

    public bool HasNoBalloon => NoBalloon().IsMatch(_text);

    /// <summary>Whether the balloon offers "deflate on OOM", which Linux' driver takes wherever it is offered.</summary>
    public bool DeflatesOnOom => DeflateOnOom().IsMatch(_text);

    private static string WithoutMetadata(string xml)
    {
        const string begin = "<metadata>", end = "</metadata>";
        int from = xml.IndexOf(begin, StringComparison.Ordinal), to = xml.LastIndexOf(end, StringComparison.Ordinal);
        return from >= 0 && to > from ? string.Concat(xml.AsSpan(0, from), xml.AsSpan(to + end.Length)) : xml;
    }

    private static ulong? Number(Match match) =>
        match.Success && ulong.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;

    [GeneratedRegex("<memballoon [^>]*>\\s*<stats period='([0-9]{1,9})'/>", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Period();

    [GeneratedRegex("<memballoon model='none'", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NoBalloon();

    [GeneratedRegex("<memballoon [^>]*autodeflate='on'", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex DeflateOnOom();

    [GeneratedRegex("<memory(?: dumpCore='[a-z]+')? unit='KiB'>([0-9]{1,20})</memory>", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Maximum();
}
