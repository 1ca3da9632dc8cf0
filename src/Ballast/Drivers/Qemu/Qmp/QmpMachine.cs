using System.Text.Json;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A disk, as <c>query-block</c> tells of it.</summary>
internal sealed record MachineDisk(string Alias, string? File, string? Format, bool IsReadOnly, bool IsRemovable);

/// <summary>A network card, from QEMU's object tree.</summary>
internal sealed record MachineInterface(string Alias, string Model, string Mac, string? Netdev);

/// <summary>What a machine is made of, as far as its monitor tells; what it does not tell is null or left out.</summary>
internal sealed record QmpMachine
{
    private static readonly string[] NetworkModels = ["virtio-net", "e1000", "rtl8139", "ne2k", "pcnet", "vmxnet3", "usb-net", "i825"];

    public string? Architecture { get; private init; }

    public string? MachineType { get; private init; }

    public bool? IsKvm { get; private init; }

    public IReadOnlyList<MachineDisk> Disks { get; private init; } = [];

    public IReadOnlyList<MachineInterface> Interfaces { get; private init; } = [];

    /// <summary>Asks, one question after another: seldom enough.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<QmpMachine> AskAsync(QmpMonitor monitor, TimeSpan timeout, CancellationToken cancellationToken)
    {
        JsonElement? target = await AskAsync("query-target", QmpCommands.Execute("query-target")).ConfigureAwait(false);
        JsonElement? kvm = await AskAsync("query-kvm", QmpCommands.Execute("query-kvm")).ConfigureAwait(false);
        JsonElement? type = await AskAsync("qom-get", QmpCommands.GetProperty("/machine", "type")).ConfigureAwait(false);
        JsonElement? blocks = await AskAsync("query-block", QmpCommands.Execute("query-block")).ConfigureAwait(false);
        List<MachineInterface> interfaces = [];
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            foreach ((string name, string model) in NetworkCards(await AskAsync("qom-list", QmpCommands.List(container)).ConfigureAwait(false)))
            {
                string path = $"{container}/{name}";
                if (await AskAsync("qom-get", QmpCommands.GetProperty(path, "mac")).ConfigureAwait(false) is { ValueKind: JsonValueKind.String } mac)
                {
                    JsonElement? netdev = await AskAsync("qom-get", QmpCommands.GetProperty(path, "netdev")).ConfigureAwait(false);
                    interfaces.Add(new MachineInterface(name, model, mac.GetString()!, Text(netdev)));
                }
            }
        }

        return new QmpMachine
        {
            Architecture = Text(Member(target, "arch")),
            MachineType = Text(type) is { } machine && machine.EndsWith("-machine", StringComparison.Ordinal)
                ? machine[..^"-machine".Length]
                : Text(type),
            IsKvm = Member(kvm, "enabled") is { ValueKind: JsonValueKind.True or JsonValueKind.False } enabled
                ? enabled.ValueKind == JsonValueKind.True
                : null,
            Disks = [.. Elements(blocks).Select(ReadDisk).OfType<MachineDisk>()],
            Interfaces = interfaces,
        };

        Task<JsonElement?> AskAsync(string command, byte[] text) => QmpJson.AskAsync(monitor, command, text, timeout, cancellationToken);
    }

    /// <summary>A disk's name, in any reply about it: with an id, the device is named by it; without one, by its path or by the drive.</summary>
    public static string AliasOf(JsonElement block)
    {
        string? qdev = Text(Member(block, "qdev"))?.Replace("/virtio-backend", "", StringComparison.Ordinal);
        return qdev?[(qdev.LastIndexOf('/') + 1)..] ?? Text(Member(block, "device")) ?? "";
    }

    private static MachineDisk? ReadDisk(JsonElement block)
    {
        string alias = AliasOf(block);
        JsonElement? inserted = Member(block, "inserted");
        return alias.Length == 0
            ? null
            : new MachineDisk(alias, Text(Member(inserted, "file")), Text(Member(inserted, "drv")),
                Member(inserted, "ro") is { ValueKind: JsonValueKind.True }, Member(block, "removable") is { ValueKind: JsonValueKind.True });
    }

    /// <summary>The network cards among a container's children.</summary>
    public static IEnumerable<(string Name, string Model)> NetworkCards(JsonElement? children)
    {
        const string prefix = "child<";
        foreach (JsonElement child in Elements(children))
        {
            if (Text(Member(child, "name")) is { } name && Text(Member(child, "type")) is { } type
                && type.StartsWith(prefix, StringComparison.Ordinal) && type.EndsWith('>')
                && type[prefix.Length..^1] is var model && NetworkModels.Any(known => model.StartsWith(known, StringComparison.Ordinal)))
            {
                yield return (name, model);
            }
        }
    }
}
