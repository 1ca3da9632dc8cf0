using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>The devices that a command line asks for without an id, in the order in which QEMU makes them.</summary>
internal sealed class AnonymousDevices
{
    private const string VirtioDisk = "virtio-blk";

    // More drives than there can be devices help nobody.
    private const int MaxDrives = 4096;

    // Other names of models; those of virtio only leave out the bus.
    private static readonly Dictionary<string, string> OtherNames = new()
    {
        ["ahci"] = "ich9-ahci",
        ["lsi"] = "lsi53c895a",
        ["e1000-82540em"] = "e1000",
        ["ac97"] = "AC97",
        ["es1370"] = "ES1370",
    };

    private static readonly string[] Buses = ["-pci", "-device", "-ccw"];

    private readonly (string Driver, int? Place)[] _devices;

    // Their numbers, by the models that they may be.
    private readonly Dictionary<string, Queue<int>> _byModel = [];
    private int _next;

    /// <param name="said">All devices of the command line.</param>
    /// <param name="virtioDrives">How many drives bring a disk of their own, which has no id either.</param>
    public AnonymousDevices(IReadOnlyList<OptionMembers> said, int virtioDrives)
    {
        (string, int?)[] Written(bool isJson) =>
            [.. said.Select((device, i) => (device, i)).Where(one => one.device["id"] is null && one.device.IsJson == isJson)
                .Select(one => (one.device["driver"]!, (int?)one.i))];
        _devices = [.. Written(isJson: false), .. Enumerable.Repeat((VirtioDisk, (int?)null), Math.Min(virtioDrives, MaxDrives)), .. Written(isJson: true)];
        for (int i = 0; i < _devices.Length; i++)
        {
            foreach (string model in Models(_devices[i].Driver))
            {
                if (!_byModel.TryGetValue(model, out Queue<int>? places))
                    _byModel.Add(model, places = []);
                places.Enqueue(i);
            }
        }
    }

    /// <summary>The number in QEMU's name of such a device; the greatest where there is none.</summary>
    public static uint Number(string name)
    {
        const string prefix = "device[";
        return name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(']')
            && uint.TryParse(name.AsSpan(prefix.Length, name.Length - prefix.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? number
            : uint.MaxValue;
    }

    /// <summary>Where the command line asks for the device that QEMU made next.</summary>
    /// <returns>Null where it does not: somebody plugged it, or a drive brought it.</returns>
    public int? FindNext(string model)
    {
        // QEMU makes them in their order: who was passed over is not made later.
        while (_byModel.TryGetValue(model, out Queue<int>? places) && places.TryDequeue(out int i))
        {
            if (i < _next)
                continue;
            _next = i + 1;
            return _devices[i].Place;
        }

        return null;
    }

    // The models that QEMU may have made of what the command line calls the driver.
    private static IEnumerable<string> Models(string driver) =>
        driver.StartsWith("virtio", StringComparison.Ordinal) || driver.StartsWith("vhost", StringComparison.Ordinal)
            ? [driver, .. Buses.Select(bus => driver + bus)]
            : [OtherNames.GetValueOrDefault(driver, driver)];
}
