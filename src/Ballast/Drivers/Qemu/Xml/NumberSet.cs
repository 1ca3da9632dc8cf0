using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>Numbers as libvirt writes them: <c>0-3,8</c>. What somebody wrote as a range is never counted out.</summary>
internal static class NumberSet
{
    /// <param name="ranges">Numbers and ranges in any order, each as QEMU takes it.</param>
    /// <returns>Null where there is none, or where one of them is none of QEMU's.</returns>
    public static string? Of(IEnumerable<string> ranges)
    {
        List<(ulong First, ulong Last)> read = [];
        foreach (string range in ranges)
        {
            int dash = range.IndexOf('-', StringComparison.Ordinal);
            if (!Read(dash < 0 ? range : range[..dash], out ulong first) || !Read(dash < 0 ? range : range[(dash + 1)..], out ulong last)
                || last < first)
            {
                return null;
            }

            read.Add((first, last));
        }

        return read.Count == 0 ? null : Write(read);
    }

    private static string Write(List<(ulong First, ulong Last)> ranges)
    {
        ranges.Sort();
        List<(ulong First, ulong Last)> merged = [];
        foreach ((ulong first, ulong last) in ranges)
        {
            if (merged is [.., var before] && (first <= before.Last || first - 1 == before.Last))
                merged[^1] = (before.First, Math.Max(before.Last, last));
            else
                merged.Add((first, last));
        }

        return string.Join(',', merged.Select(range => range.First == range.Last
            ? range.First.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{range.First}-{range.Last}")));
    }

    private static bool Read(string text, out ulong number)
    {
        ulong? read = OptionNumber.Parse(text);
        number = read.GetValueOrDefault();
        return read is not null;
    }
}
