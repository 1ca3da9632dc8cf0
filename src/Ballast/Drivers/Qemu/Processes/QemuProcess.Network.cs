using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

internal sealed partial class QemuProcess
{
    // Of each direction in /proc/net/dev: bytes, packets, errors, drops, and four more.
    private const int CountersOfDirection = 8;

    // A line is as long as a hundred characters and a half; hosts have thousands of devices.
    private const int MaxDevicesBytes = 4 * 1024 * 1024;

    // Before anything else of which a descriptor may have any number stands the device.
    private const int MaxDescriptorBytes = 4096;

    // Each queue of a TAP device has a descriptor, and a device has 256 at most.
    private const int MaxTapDescriptors = 4096;

    /// <summary>
    /// What went through one of the process's TAP devices, as the guest sees it; null where it has none of that name, or the
    /// device is in another network namespace than the process. Of a process that is not believed, nothing is read.
    /// </summary>
    /// <param name="name">The device's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public DomainInterfaceStats? ReadTap(string name, CancellationToken cancellationToken)
    {
        if (IsStranger || !HasTap(name, cancellationToken)
            || LinuxFiles.ReadAll(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/net/dev"), MaxDevicesBytes) is not { } text || HasExited)
        {
            return null;
        }

        byte[] device = Encoding.UTF8.GetBytes(name);
        foreach (Range range in text.Span.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text.Span[range];
            int colon = line.LastIndexOf((byte)':');
            if (colon >= 0 && line[..colon].Trim((byte)' ').SequenceEqual(device) && ReadCounters(line[(colon + 1)..]) is { } stats)
                return stats;
        }

        return null;
    }

    private static DomainInterfaceStats? ReadCounters(ReadOnlySpan<byte> line)
    {
        Span<ulong> numbers = stackalloc ulong[2 * CountersOfDirection];
        for (int i = 0; i < numbers.Length; i++)
        {
            line = line.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(line, out numbers[i], out int length))
                return null;
            line = line[length..];
        }

        // What the host receives, the guest has sent.
        return new DomainInterfaceStats(Traffic(numbers[CountersOfDirection..]), Traffic(numbers));

        static InterfaceTraffic Traffic(ReadOnlySpan<ulong> numbers) =>
            new((long)numbers[0], (long)numbers[1], (long)numbers[2], (long)numbers[3]);
    }

    // The kernel tells of each descriptor of /dev/net/tun which device it is. What it tells of others may be as long as their owner
    // likes: so the links come first, which are short.
    private bool HasTap(string name, CancellationToken cancellationToken)
    {
        List<int> descriptors = [];
        if (!LinuxFiles.ReadLinks(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/fd"), ProcessSockets.MaxDescriptors, Add))
            return false;
        byte[] device = Encoding.UTF8.GetBytes(name);
        Span<byte> buffer = stackalloc byte[MaxDescriptorBytes];
        foreach (int descriptor in descriptors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> text = LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/fdinfo/{descriptor}"), buffer);
            foreach (Range range in text.Split((byte)'\n'))
            {
                ReadOnlySpan<byte> line = text[range];
                if (line.StartsWith("iff:"u8) && line["iff:".Length..].Trim(" \t"u8).SequenceEqual(device))
                    return true;
            }
        }

        return false;

        void Add(ReadOnlySpan<byte> descriptor, ReadOnlySpan<byte> target)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (IsTun(target) && descriptors.Count < MaxTapDescriptors && Utf8Parser.TryParse(descriptor, out int number, out _))
                descriptors.Add(number);
        }
    }

    // By its last name: in a container, or another mount namespace, the rest may be another.
    private static bool IsTun(ReadOnlySpan<byte> target)
    {
        ReadOnlySpan<byte> deleted = " (deleted)"u8;
        return (target.EndsWith(deleted) ? target[..^deleted.Length] : target).EndsWith("/tun"u8);
    }
}
