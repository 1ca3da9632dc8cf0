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
        for (int i = 0; i < said.Count; i++)
        {
            if (said[i]["id"] is { } id)
                _ = places.TryAdd(id, i);
        }

        List<(int Place, GuestDevice Device)> found = [];
        foreach (MachineDevice device in machine.Devices.Where(device => !device.IsAnonymous))
        {
            bool isSaid = places.TryGetValue(device.Name, out int place);
            found.Add((isSaid ? place : int.MaxValue, new GuestDevice(device.Name, device.Name, device.Model, isSaid ? said[place] : null)));
        }

        // QEMU tells them in no order, but numbers them as it makes them.
        AnonymousDevices anonymous = new(said, options?.VirtioDrives ?? 0);
        foreach (MachineDevice device in machine.Devices.Where(device => device.IsAnonymous).OrderBy(device => AnonymousDevices.Number(device.Name)))
        {
            int? place = anonymous.FindNext(device.Model);
            found.Add((place ?? int.MaxValue, new GuestDevice(device.Name, null, device.Model, place is { } at ? said[at] : null)));
        }

        return [.. found.OrderBy(one => one.Place).Select(one => one.Device)];
    }
}
