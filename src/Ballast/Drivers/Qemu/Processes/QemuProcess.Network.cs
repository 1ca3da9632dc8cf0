using System.Globalization;

namespace Ballast.Drivers.Qemu.Processes;

internal sealed partial class QemuProcess
{
    // Of each direction in /proc/net/dev: bytes, packets, errors, drops, and four more.
    private const int CountersOfDirection = 8;

    /// <summary>
    /// What went through one of the process's TAP devices, as the guest sees it; null where it has none of that name, or the
    /// device is in another network namespace than the process.
    /// </summary>
    public DomainInterfaceStats? ReadTap(string name)
    {
        if (!HasTap(name) || ReadText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/net/dev")) is not { } text || HasExited)
            return null;
        foreach (string line in text.Split('\n'))
        {
            if (line.Split(':') is not [var device, var counters] || device.Trim() != name
                || counters.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not { Length: 2 * CountersOfDirection } numbers)
            {
                continue;
            }

            // What the host receives, the guest has sent.
            return new DomainInterfaceStats(Read(numbers.AsSpan(CountersOfDirection)), Read(numbers));
        }

        return null;

        static InterfaceTraffic Read(ReadOnlySpan<string> numbers) =>
            new((long)Number(numbers[0]), (long)Number(numbers[1]), (long)Number(numbers[2]), (long)Number(numbers[3]));
    }

    // The kernel tells of each descriptor of /dev/net/tun which device it is.
    private bool HasTap(string name)
    {
        try
        {
            return Directory.EnumerateFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/fdinfo"))
                .Any(file => ReadText(file)?.Split('\n').Any(line => line.StartsWith("iff:", StringComparison.Ordinal) && line[4..].Trim() == name) ?? false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
