using System.Text.Json;
using static Ballast.Drivers.Qemu.Qmp.QmpJson;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A disk, as <c>query-block</c> tells of it.</summary>
internal sealed record MachineDisk(string Alias, string? File, string? Format, bool IsReadOnly, bool IsRemovable);

/// <summary>A network card, from QEMU's object tree.</summary>
internal sealed record MachineInterface(string Alias, string Model, string Mac, string? Netdev);

/// <summary>A device, from QEMU's object tree.</summary>
/// <param name="Name">Its id; <c>device[0]</c> and so on where it has none.</param>
/// <param name="Model">QEMU's name of its kind.</param>
/// <param name="IsAnonymous">Whether nobody gave it an id.</param>
internal sealed record MachineDevice(string Name, string Model, bool IsAnonymous);

/// <summary>Memory that was plugged, as <c>query-memory-devices</c> tells of it, in bytes.</summary>
/// <param name="Kind">QEMU's name of its kind: <c>dimm</c>, <c>virtio-mem</c> and others.</param>
/// <param name="Alias">Its id, or null.</param>
/// <param name="Size">A DIMM's size; of virtio-mem what the guest has.</param>
/// <param name="MaxSize">Of virtio-mem all that the guest could have.</param>
/// <param name="Requested">Of virtio-mem what the guest shall have.</param>
/// <param name="BlockSize">In what steps virtio-mem grows.</param>
/// <param name="Node">The guest's NUMA node.</param>
/// <param name="Backend">The path of its back end in QEMU's object tree.</param>
/// <param name="Slot">A DIMM's slot.</param>
/// <param name="Address">Where the guest finds it.</param>
internal sealed record MachineMemory(
    string Kind, string? Alias, ulong Size, ulong? MaxSize, ulong? Requested, ulong? BlockSize, ulong? Node, string? Backend, ulong? Slot,
    ulong? Address);

/// <summary>What a machine is made of, as far as its monitor tells; what it does not tell is null or left out.</summary>
internal sealed record QmpMachine
{
    private const string VirtioMem = "virtio-mem";

    // Of 256 network cards: no machine has buses for more.
    private const int MaxProperties = 512;

    private static readonly string[] NetworkModels = ["virtio-net", "e1000", "rtl8139", "ne2k", "pcnet", "vmxnet3", "usb-net", "i825"];

    public string? Architecture { get; private init; }

    public string? MachineType { get; private init; }

    public bool? IsKvm { get; private init; }

    public IReadOnlyList<MachineDisk> Disks { get; private init; } = [];

    public IReadOnlyList<MachineInterface> Interfaces { get; private init; } = [];

    /// <summary>The devices that were asked for; those that belong to the machine itself are none of them.</summary>
    public IReadOnlyList<MachineDevice> Devices { get; private init; } = [];

    public IReadOnlyList<MachineMemory> Memory { get; private init; } = [];

    /// <summary>Where the character devices lead, by their ids.</summary>
    public IReadOnlyDictionary<string, string> Chardevs { get; private init; } = new Dictionary<string, string>();

    /// <summary>Whether the balloon gives memory back when its guest has none left.</summary>
    public bool DeflatesOnOom { get; private init; }

    /// <summary>Whether the balloon's guest tells which pages it does not use.</summary>
    public bool ReportsFreePages { get; private init; }

    /// <summary>
    /// Asks, one question after another: seldom enough, and those who ask at the same time share each. What there is to say of
    /// single devices comes last, as that has no end of itself, and is left out where time is up before.
    /// </summary>
    /// <param name="monitor">Whom to ask.</param>
    /// <param name="maySlotMemory">Whether there may be plugged memory.</param>
    /// <param name="timeout">The longest wait for one answer.</param>
    /// <param name="together">The longest wait for all answers about single devices.</param>
    /// <param name="time">By which they are waited for.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<QmpMachine> AskAsync(
        AskedMonitor monitor, bool maySlotMemory, TimeSpan timeout, TimeSpan together, TimeProvider time, CancellationToken cancellationToken)
    {
        JsonElement? target = await AskAsync("query-target", QmpCommands.Execute("query-target")).ConfigureAwait(false);
        JsonElement? kvm = await AskAsync("query-kvm", QmpCommands.Execute("query-kvm")).ConfigureAwait(false);
        string? type = Text(await AskAsync("qom-get", QmpCommands.GetProperty("/machine", "type")).ConfigureAwait(false));
        IReadOnlyList<MachineDisk> disks = ReadDisks(await AskAsync("query-block", QmpCommands.Execute("query-block")).ConfigureAwait(false));
        Dictionary<string, string> chardevs = ReadChardevs(await AskAsync("query-chardev", QmpCommands.Execute("query-chardev")).ConfigureAwait(false));
        List<MachineMemory> memory = maySlotMemory
            ? ReadMemory(await AskAsync("query-memory-devices", QmpCommands.Execute("query-memory-devices")).ConfigureAwait(false))
            : [];
        List<(string Path, string Name, string Model)> cards = [];
        List<MachineDevice> devices = [];
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            JsonElement? children = await AskAsync("qom-list", QmpCommands.List(container)).ConfigureAwait(false);
            devices.AddRange(Children(children).Select(child => new MachineDevice(child.Name, child.Model, container == QmpCommands.AnonymousPath)));
            cards.AddRange(NetworkCards(children).Select(card => ($"{container}/{card.Name}", card.Name, card.Model)));
        }

        bool deflates = await HasAsync("deflate-on-oom").ConfigureAwait(false), reports = await HasAsync("free-page-reporting").ConfigureAwait(false);
        using CancellationTokenSource late = new(together, time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        List<string?> properties = await AskAllAsync(
            cards.SelectMany(card => (byte[][])[QmpCommands.GetProperty(card.Path, "mac"), QmpCommands.GetProperty(card.Path, "netdev")]), Text).ConfigureAwait(false);
        int[] growing = [.. Enumerable.Range(0, memory.Count).Where(i => memory[i] is { Kind: VirtioMem, Alias: not null })];
        List<ulong?> blockSizes = await AskAllAsync(
            growing.Select(i => QmpCommands.GetProperty($"{QmpCommands.PeripheralPath}/{memory[i].Alias}", "block-size")), Number).ConfigureAwait(false);
        foreach ((int i, ulong? size) in growing.Zip(blockSizes))
            memory[i] = memory[i] with { BlockSize = size };
        return new QmpMachine
        {
            Architecture = Text(Member(target, "arch")),
            MachineType = type?.EndsWith("-machine", StringComparison.Ordinal) == true ? type[..^"-machine".Length] : type,
            IsKvm = Member(kvm, "enabled") is { ValueKind: JsonValueKind.True or JsonValueKind.False } enabled
                ? enabled.ValueKind == JsonValueKind.True
                : null,
            Disks = disks,
            Interfaces =
            [
                .. cards.Zip(properties.Chunk(2).Where(pair => pair.Length == 2))
                    .Select(one => one.Second[0] is { } mac ? new MachineInterface(one.First.Name, one.First.Model, mac, one.Second[1]) : null)
                    .OfType<MachineInterface>(),
            ],
            Devices = devices,
            Memory = memory,
            Chardevs = chardevs,
            DeflatesOnOom = deflates,
            ReportsFreePages = reports,
        };

        async Task<bool> HasAsync(string property) => monitor.Monitor.Balloon is { } balloon
            && await AskAsync("qom-get", QmpCommands.GetProperty(balloon.Path, property)).ConfigureAwait(false) is { ValueKind: JsonValueKind.True };

        Task<JsonElement?> AskAsync(string command, byte[] text) => QmpJson.AskAsync(monitor, command, text, timeout, cancellationToken);

        // One after another, so that those who ask at the same time share them. What was answered is read at once: all of the answers
        // could be long. As many as came in time.
        async Task<List<T>> AskAllAsync<T>(IEnumerable<byte[]> questions, Func<JsonElement?, T> read)
        {
            List<T> all = [];
            foreach (byte[] question in questions.Take(MaxProperties))
            {
                try
                {
                    all.Add(read(await QmpJson.AskAsync(monitor, "qom-get", question, timeout, end.Token).ConfigureAwait(false)));
                }
                catch (Exception e) when (e is LibvirtException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    // What is known without the rest is worth telling.
                    break;
                }
            }

            return all;
        }
    }

    /// <summary>
    /// A disk's name, in any reply about it: with an id, the device is named by it; without one, by its path or by the drive. The
    /// disk may be a part of the device, as of a virtio or a USB one.
    /// </summary>
    public static string AliasOf(JsonElement block)
    {
        if (Text(Member(block, "qdev")) is not { } path)
            return Text(Member(block, "device")) ?? "";
        foreach (string container in (string[])[QmpCommands.PeripheralPath, QmpCommands.AnonymousPath])
        {
            if (path.StartsWith(container, StringComparison.Ordinal) && path.Length > container.Length && path[container.Length] == '/')
                return path[(container.Length + 1)..].Split('/')[0];
        }

        string device = path.Replace("/virtio-backend", "", StringComparison.Ordinal);
        return device[(device.LastIndexOf('/') + 1)..];
    }

    public static IReadOnlyList<MachineDisk> ReadDisks(JsonElement? blocks) => [.. Elements(blocks).Select(ReadDisk).OfType<MachineDisk>()];

    private static MachineDisk? ReadDisk(JsonElement block)
    {
        string alias = AliasOf(block);
        JsonElement? inserted = Member(block, "inserted");
        return alias.Length == 0
            ? null
            : new MachineDisk(alias, BlockFile.PathOf(Text(Member(inserted, "file"))), Text(Member(inserted, "drv")),
                Member(inserted, "ro") is { ValueKind: JsonValueKind.True }, Member(block, "removable") is { ValueKind: JsonValueKind.True });
    }

    /// <summary>The network cards among a container's children.</summary>
    public static IEnumerable<(string Name, string Model)> NetworkCards(JsonElement? children) =>
        Children(children).Where(child => NetworkModels.Any(known => child.Model.StartsWith(known, StringComparison.Ordinal)));

    private static IEnumerable<(string Name, string Model)> Children(JsonElement? children)
    {
        const string prefix = "child<";
        foreach (JsonElement child in Elements(children))
        {
            if (Text(Member(child, "name")) is { } name && Text(Member(child, "type")) is { } type
                && type.StartsWith(prefix, StringComparison.Ordinal) && type.EndsWith('>'))
            {
                yield return (name, type[prefix.Length..^1]);
            }
        }
    }

    public static Dictionary<string, string> ReadChardevs(JsonElement? chardevs)
    {
        Dictionary<string, string> found = [];
        foreach (JsonElement chardev in Elements(chardevs))
        {
            if (Text(Member(chardev, "label")) is { } label && Text(Member(chardev, "filename")) is { } file)
                _ = found.TryAdd(label, file);
        }

        return found;
    }

    /// <summary>Without block sizes, which are properties of the devices.</summary>
    public static List<MachineMemory> ReadMemory(JsonElement? devices)
    {
        List<MachineMemory> found = [];
        foreach (JsonElement device in Elements(devices))
        {
            if (Text(Member(device, "type")) is { } kind && Member(device, "data") is { } data && Number(Member(data, "size")) is { } size)
            {
                found.Add(new MachineMemory(
                    kind, Text(Member(data, "id")), size, Number(Member(data, "max-size")), Number(Member(data, "requested-size")), BlockSize: null,
                    Number(Member(data, "node")), Text(Member(data, "memdev")), Number(Member(data, "slot")),
                    Number(Member(data, "addr")) ?? Number(Member(data, "memaddr"))));
            }
        }

        return found;
    }
}
