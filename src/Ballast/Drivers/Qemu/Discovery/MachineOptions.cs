namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// What a command line says of the machine's parts, as it is written: who wants to know the machine reads it, and nobody who
/// only looks for QEMUs.
/// </summary>
internal sealed class MachineOptions
{
    private readonly Dictionary<string, OptionMembers> _objects = [];
    private readonly Dictionary<string, OptionMembers> _chardevs = [];
    private readonly Dictionary<string, OptionMembers> _blockNodes = [];
    private readonly Dictionary<string, OptionMembers> _netdevs = [];
    private readonly Dictionary<string, OptionMembers> _fileSystems = [];
    private readonly Dictionary<string, OptionMembers> _tpms = [];
    private readonly Dictionary<string, string> _globals = [];
    private readonly List<OptionMembers> _devices = [];
    private readonly List<OptionMembers> _flash = [];
    private readonly List<OptionMembers> _audio = [];
    private readonly List<IReadOnlyList<(string Name, string Value)>> _numa = [];
    private readonly List<OptionMembers> _systemInformation = [];
    private readonly List<string> _vnc = [];

    private MachineOptions()
    {
    }

    /// <summary>The machine's own: with what <c>-kernel</c>, <c>-append</c>, <c>-bios</c> and the like set of it.</summary>
    public OptionMembers Machine { get; } = new();

    public OptionMembers Memory { get; } = new();

    public OptionMembers Processors { get; } = new();

    public OptionMembers Clock { get; } = new();

    public OptionMembers Boot { get; } = new();

    public OptionMembers Overcommit { get; } = new();

    /// <summary>What happens on a reset, a shutdown, a panic and a watchdog's alarm.</summary>
    public OptionMembers Actions { get; } = new();

    /// <summary>The processors' model with its features, as one text.</summary>
    public string? Cpu { get; private set; }

    /// <summary>The directory or file that memory without a back end of its own comes from.</summary>
    public string? MemoryPath { get; private set; }

    public bool IsMemoryAllocated { get; private set; }

    public bool HasUsb { get; private set; }

    /// <summary>Nodes and distances, each with all its members: some are repeated.</summary>
    public IReadOnlyList<IReadOnlyList<(string Name, string Value)>> Numa => _numa;

    public IReadOnlyDictionary<string, OptionMembers> Objects => _objects;

    public IReadOnlyDictionary<string, OptionMembers> Chardevs => _chardevs;

    public IReadOnlyDictionary<string, OptionMembers> BlockNodes => _blockNodes;

    /// <summary>Properties of all devices of a kind, as <c>kind.property</c>.</summary>
    public IReadOnlyDictionary<string, string> Globals => _globals;

    public IReadOnlyList<OptionMembers> Devices => _devices;

    /// <summary>How many drives bring a virtio disk of their own.</summary>
    public int VirtioDrives { get; private set; }

    /// <summary>Drives that are the firmware's flash memory.</summary>
    public IReadOnlyList<OptionMembers> Flash => _flash;

    public IReadOnlyList<OptionMembers> Audio => _audio;

    /// <summary>What VNC displays listen at.</summary>
    public IReadOnlyList<string> Vnc => _vnc;

    /// <summary>Where SPICE listens; null without it.</summary>
    public OptionMembers? Spice { get; private set; }

    /// <summary>Back ends of network cards.</summary>
    public IReadOnlyDictionary<string, OptionMembers> Netdevs => _netdevs;

    /// <summary>The host's directories that guests share.</summary>
    public IReadOnlyDictionary<string, OptionMembers> FileSystems => _fileSystems;

    /// <summary>Back ends of TPMs.</summary>
    public IReadOnlyDictionary<string, OptionMembers> Tpms => _tpms;

    /// <summary>What the firmware tells of the machine, by the tables' numbers (<c>type</c>).</summary>
    public IReadOnlyList<OptionMembers> SystemInformation => _systemInformation;

    /// <param name="arguments">The program, and what follows it.</param>
    /// <param name="readFile">Reads a file of the process's; null where nothing may be read.</param>
    public static MachineOptions Read(IReadOnlyList<string> arguments, Func<string, ConfigurationText?>? readFile)
    {
        MachineOptions options = new();
        ConfigurationFiles files = new(readFile);
        foreach ((string option, string? value) in CommandLineOptions.Of(arguments))
        {
            if (value is null)
                options.ApplyFlag(option);
            else if (option == "readconfig")
                options.Apply(files.Read(value, out _));
            else
                options.Apply(option, value);
        }

        return options;
    }

    // Older words for members of others.
    private void ApplyFlag(string option)
    {
        switch (option)
        {
            case "no-reboot":
                Actions.Set("reboot", "shutdown");
                break;
            case "no-shutdown":
                Actions.Set("shutdown", "pause");
                break;
            case "no-acpi":
                Machine.Set("acpi", "off");
                break;
            case "no-hpet":
                Machine.Set("hpet", "off");
                break;
            case "mem-prealloc":
                IsMemoryAllocated = true;
                break;
            case "usb":
                HasUsb = true;
                break;
            default:
                break;
        }
    }

    private void Apply(string option, string value)
    {
        switch (option)
        {
            case "machine" or "M":
                AddMachine(OptionMembers.Parse(value, "type"));
                break;
            case "kernel" or "initrd" or "append" or "dtb":
                Machine.Set(option, value);
                break;
            case "bios":
                Machine.Set("firmware", value);
                break;
            case "m":
                Memory.Add(value, "size");
                break;
            case "cpu":
                Cpu = value;
                break;
            case "smp":
                Processors.Add(value, "cpus");
                break;
            case "rtc":
                Clock.Add(value, null);
                break;
            case "boot":
                Boot.Add(value, "order");
                break;
            case "overcommit":
                Overcommit.Add(value, null);
                break;
            case "action":
                Actions.Add(value, null);
                break;
            case "watchdog-action":
                Actions.Set("watchdog", value);
                break;
            case "numa":
                _numa.Add([.. OptionMembers.Read(value, "type")]);
                break;
            case "global":
                AddGlobal(value);
                break;
            case "vnc":
                _vnc.Add(value);
                break;
            case "spice":
                (Spice ??= new OptionMembers()).Add(value, null);
                break;
            case "mem-path":
                MemoryPath = value;
                break;
            case "pflash":
                _flash.Add(OptionMembers.Parse($"file={value.Replace(",", ",,", StringComparison.Ordinal)}", null));
                break;
            default:
                AddPart(option, value);
                break;
        }
    }

    private void AddPart(string option, string value)
    {
        switch (option)
        {
            case "object":
                AddById(_objects, OptionMembers.ParseOrJson(value, "qom-type"));
                break;
            case "chardev":
                AddById(_chardevs, OptionMembers.ParseOrJson(value, "backend"));
                break;
            case "blockdev":
                AddById(_blockNodes, OptionMembers.ParseOrJson(value, "driver"), "node-name");
                break;
            case "device":
                AddDevice(OptionMembers.ParseOrJson(value, "driver"));
                break;
            case "drive":
                AddDrive(OptionMembers.Parse(value, null));
                break;
            case "netdev":
                AddById(_netdevs, OptionMembers.ParseOrJson(value, "type"));
                break;
            case "fsdev":
                AddById(_fileSystems, OptionMembers.Parse(value, "fsdriver"));
                break;
            case "virtfs":
                AddVirtfs(OptionMembers.Parse(value, "fsdriver"));
                break;
            case "tpmdev":
                AddById(_tpms, OptionMembers.Parse(value, "type"));
                break;
            case "smbios":
                _systemInformation.Add(OptionMembers.Parse(value, null));
                break;
            case "audiodev" when OptionMembers.ParseOrJson(value, "driver") is { } audio:
                _audio.Add(audio);
                break;
            default:
                break;
        }
    }

    private void Apply(IEnumerable<ConfigurationGroup> groups)
    {
        foreach (ConfigurationGroup group in groups)
        {
            switch (group.Name)
            {
                case "machine":
                    AddMachine(group.Members);
                    break;
                case "memory":
                    Memory.Merge(group.Members);
                    break;
                case "smp-opts":
                    Processors.Merge(group.Members);
                    break;
                case "rtc":
                    Clock.Merge(group.Members);
                    break;
                case "boot-opts":
                    Boot.Merge(group.Members);
                    break;
                case "overcommit":
                    Overcommit.Merge(group.Members);
                    break;
                case "action":
                    Actions.Merge(group.Members);
                    break;
                case "object":
                    AddById(_objects, group.Members);
                    break;
                case "chardev":
                    AddById(_chardevs, group.Members);
                    break;
                case "device":
                    AddDevice(group.Members);
                    break;
                case "drive":
                    AddDrive(group.Members);
                    break;
                default:
                    break;
            }
        }
    }

    private void AddMachine(OptionMembers members)
    {
        Machine.Merge(members);
        foreach (string name in ProcessorCount.Members)
        {
            if (members[$"smp.{name}"] is { } value)
                Processors.Set(name, value);
        }
    }

    // Of two with one id there is never a second: QEMU refuses it.
    private static void AddById(Dictionary<string, OptionMembers> all, OptionMembers? members, string id = "id")
    {
        if (members?[id] is { } name)
            _ = all.TryAdd(name, members);
    }

    private void AddDevice(OptionMembers? device)
    {
        if (device?["driver"] is not null)
            _devices.Add(device);
    }

    // A directory and its device in one.
    private void AddVirtfs(OptionMembers fileSystem)
    {
        if (fileSystem["mount_tag"] is not { } tag)
            return;
        fileSystem.Set("id", tag);
        AddById(_fileSystems, fileSystem);
        OptionMembers device = OptionMembers.Parse("virtio-9p", "driver");
        device.Set("fsdev", fileSystem["id"]!);
        device.Set("mount_tag", tag);
        AddDevice(device);
    }

    private void AddDrive(OptionMembers drive)
    {
        if (drive["if"] == "pflash")
            _flash.Add(drive);
        else if (drive["if"] == "virtio")
            VirtioDrives++;
    }

    // kind.property=value; commas mean nothing here. The other form is driver=kind,property=name,value=text.
    private void AddGlobal(string text)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal), equals = text.IndexOf('=', StringComparison.Ordinal);
        if (dot > 0 && equals > dot)
            _globals[text[..equals]] = text[(equals + 1)..];
        else if (OptionMembers.Parse(text, null) is var members && members["driver"] is { } driver && members["property"] is { } property)
            _globals[$"{driver}.{property}"] = members["value"] ?? "";
    }
}
