using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A device, as QEMU tells of it, with what the command line says of it.</summary>
/// <param name="Name">Its id, or what QEMU calls it without one.</param>
/// <param name="Alias">Its id, or null.</param>
/// <param name="Model">QEMU's name of its kind.</param>
/// <param name="Said">What the command line says; nothing where it was plugged later.</param>
internal sealed record GuestDevice(string Name, string? Alias, string Model, OptionMembers? Said)
{
    public string? this[string member] => Said?[member];

    /// <summary>All devices, in the order of the command line, and then those that came later.</summary>
    public static IReadOnlyList<GuestDevice> Of(MachineOptions? options, QmpMachine? machine)
    {
        IReadOnlyList<OptionMembers> said = options?.Devices ?? [];
        if (machine is null)
            return [.. said.Select(device => new GuestDevice(device["id"] ?? "", device["id"], device["driver"]!, device))];
        Dictionary<string, int> places = [];
        OptionMembers[] anonymous = [.. said.Where(device => device["id"] is null)];
        for (int i = 0; i < said.Count; i++)
        {
            if (said[i]["id"] is { } id)
                _ = places.TryAdd(id, i);
        }

        List<(int Place, GuestDevice Device)> found = [];
        int nameless = 0;
        foreach (MachineDevice device in machine.Devices)
        {
            if (!device.IsAnonymous && places.TryGetValue(device.Name, out int place))
                found.Add((place, new GuestDevice(device.Name, device.Name, device.Model, said[place])));
            else if (!device.IsAnonymous)
                found.Add((int.MaxValue, new GuestDevice(device.Name, device.Name, device.Model, null)));
            else
                found.Add((int.MaxValue, new GuestDevice(device.Name, null, device.Model, FindNameless(device.Model))));
        }

        return [.. found.OrderBy(one => one.Place).Select(one => one.Device)];

        // QEMU numbers them in their order; a drive's own device is among them.
        OptionMembers? FindNameless(string model) =>
            nameless < anonymous.Length && model.StartsWith(anonymous[nameless]["driver"]!, StringComparison.Ordinal) ? anonymous[nameless++] : null;
    }
}
