using System.Globalization;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>
/// What a disk is called for people. libvirt makes a disk's id of its place, so that its name can be told from it; a disk that
/// somebody else named is called by its id.
/// </summary>
internal static class DiskTarget
{
    private const int Letters = 26;
    private const int MaxIndex = 4095;

    // How many disks a controller has, and how many of them one of its cables.
    private static readonly (string Alias, string Target, int Parts, int PerController, int PerBus)[] Kinds =
    [
        ("virtio-disk", "vd", 1, 0, 0),
        ("usb-disk", "sd", 1, 0, 0),
        ("sd-disk", "sd", 1, 0, 0),
        ("sata", "sd", 3, 6, 0),
        ("scsi", "sd", 3, 7, 0),
        ("scsi", "sd", 4, 7, 0),
        ("ide", "hd", 3, 4, 2),
        ("fdc", "fd", 3, 2, 0),
    ];

    public static string Of(string alias)
    {
        foreach ((string prefix, string target, int parts, int perController, int perBus) in Kinds)
        {
            if (alias.StartsWith(prefix, StringComparison.Ordinal) && Numbers(alias.AsSpan(prefix.Length)) is { } place && place.Length == parts)
            {
                long index = parts == 1 ? place[0] : (place[0] * perController) + (place[1] * perBus) + place[^1];
                return index <= MaxIndex ? target + Name((int)index) : alias;
            }
        }

        return alias;
    }

    private static long[]? Numbers(ReadOnlySpan<char> text)
    {
        const int maxParts = 4, maxDigits = 4;
        List<long> numbers = [];
        foreach (Range part in text.Split('-'))
        {
            ReadOnlySpan<char> digits = text[part];
            if (numbers.Count == maxParts || digits.Length > maxDigits || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                return null;
            numbers.Add(number);
        }

        return [.. numbers];
    }

    // a to z, aa, ab and so on.
    private static string Name(int index)
    {
        string name = "";
        for (int rest = index; rest >= 0; rest = (rest / Letters) - 1)
            name = (char)('a' + (rest % Letters)) + name;
        return name;
    }
}
