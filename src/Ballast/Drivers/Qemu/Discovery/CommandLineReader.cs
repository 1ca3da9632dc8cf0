using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Walks a command line as QEMU does, option by option, each in its place.</summary>
internal sealed class CommandLineReader
{
    // As QEMU calls the device that a short form makes, with its number.
    private const string ShortForm = "compat_monitor";

    private readonly ConfigurationFiles _files;
    private readonly RepeatedOption _name = new();
    private readonly RepeatedOption _memory = new();
    private readonly RepeatedOption _machine = new();
    private readonly RepeatedOption _processors = new();
    private readonly Dictionary<string, OptionMembers> _chardevs = [];
    private readonly Dictionary<string, OptionMembers> _monitorsById = [];
    private readonly List<OptionMembers> _monitors = [];
    private readonly List<OptionMembers> _lines = [];
    private readonly Dictionary<string, string> _networkKinds = [];
    private readonly Dictionary<string, string> _objectSizes = [];
    private int _shortMonitors;

    private CommandLineReader(Func<string, ConfigurationText?>? readFile) => _files = new ConfigurationFiles(readFile);

    public Word<string>? Name =>
        _name["guest"] is { Length: > 0 } name ? new(PathText.Replaced(name), _name.CertaintyOf("guest")) : null;

    /// <summary>No file can say it.</summary>
    public Guid? Uuid { get; private set; }

    public IReadOnlyDictionary<string, string> NetworkKinds => _networkKinds;

    /// <summary>The first file of <c>-readconfig</c> that could not be read.</summary>
    public string? UnreadFile => _files.Unread;

    /// <summary><c>-m</c> before what the machine was given (so also where it is 0), and that before the size of its memory back end.</summary>
    public Word<ulong>? MemoryKiB
    {
        get
        {
            Certainty certainty = _memory.CertaintyOf("size");
            if (OptionSize.MemoryKiB(_memory["size"]) is { } size)
                return new(size, certainty);
            foreach ((string member, ulong? kib) in ((string, ulong?)[])
                [
                    ("memory.size", OptionSize.KiB(_machine["memory.size"])),
                    ("memory-backend", _machine["memory-backend"] is { } id ? OptionSize.KiB(_objectSizes.GetValueOrDefault(id)) : null),
                ])
            {
                if (_machine.CertaintyOf(member) is var own && own < certainty)
                    certainty = own;
                if (kib is { } found)
                    return new(found, certainty);
            }

            return null;
        }
    }

    /// <summary>Without a size to grow to, QEMU plugs no memory; what could not be read may say one.</summary>
    public bool HasMemorySlots => UnreadFile is not null || _memory["maxmem"] is not null || _machine["memory.max-size"] is not null;

    /// <summary>How many processors QEMU starts with: one where nothing else was said.</summary>
    public Word<int> VirtualCpus => new(ProcessorCount.Of(_processors.Members), ProcessorCount.CertaintyOf(_processors));

    /// <summary>The ids of the devices that listen at a path and wait for nobody.</summary>
    public IEnumerable<string> FindDevices(string path) => _chardevs
        .Where(device => !IsShort(device.Key) && CharacterDevice.ToMonitor(device.Value, device.Key) is { Kind: MonitorKind.Unix, WaitsForClient: false } found && found.Path == path)
        .Select(device => device.Key);

    /// <param name="arguments">The program, and what follows it.</param>
    /// <param name="readFile">Reads a file of the process's; null where nothing may be read.</param>
    public static CommandLineReader Read(IReadOnlyList<string> arguments, Func<string, ConfigurationText?>? readFile)
    {
        CommandLineReader reader = new(readFile);
        foreach ((string option, string? value) in CommandLineOptions.Of(arguments))
        {
            if (value is not null)
                reader.Apply(option, value);
        }

        return reader;
    }

    /// <summary>The monitors for programs, in the order in which QEMU opens them.</summary>
    public IReadOnlyList<MonitorSocket> FindMonitors()
    {
        List<MonitorSocket> found = [];
        Dictionary<string, string?> last = LastAtPaths();

        // Only now: a device may be defined behind the monitor on it.
        foreach (OptionMembers monitor in _monitors)
        {
            if (monitor["mode"] != "control" || monitor["chardev"] is not { } id || !_chardevs.TryGetValue(id, out OptionMembers? device))
                continue;
            MonitorSocket socket = CharacterDevice.ToMonitor(device, IsShort(id) ? null : id);
            if (socket is not { Kind: MonitorKind.Unix, Path: { } path } || last[path] == id)
                found.Add(socket);
        }

        return found;
    }

    // Of several that listen at one path, who comes last takes the place of those before, and serial lines come behind all devices.
    private Dictionary<string, string?> LastAtPaths()
    {
        Dictionary<string, string?> last = [];
        foreach ((string? id, OptionMembers device) in _chardevs.Select(static device => ((string?)device.Key, device.Value)).Concat(_lines.Select(static line => ((string?)null, line))))
        {
            if (CharacterDevice.ToMonitor(device, id) is { Kind: MonitorKind.Unix, Path: { } path })
                last[path] = id;
        }

        return last;
    }

    private static bool IsShort(string id) => id.StartsWith(ShortForm, StringComparison.Ordinal);

    private void Apply(string option, string value)
    {
        switch (option)
        {
            case "name":
                _name.Add(OptionMembers.Parse(value, "guest"), Certainty.Said);
                break;
            case "m":
                _memory.Add(OptionMembers.Parse(value, "size"), Certainty.Said);
                break;
            case "machine" or "M":
                AddMachine(OptionMembers.Parse(value, "type"), Certainty.Said);
                break;
            case "smp":
                _processors.Add(OptionMembers.Parse(value, "cpus"), Certainty.Said);
                break;
            case "uuid":
                SetUuid(value);
                break;
            case "smbios":
                ReadSystemInformation(OptionMembers.Parse(value, null));
                break;
            case "object":
                AddObject(OptionMembers.ParseOrJson(value, "qom-type"));
                break;
            case "netdev" or "nic" or "net":
                AddNetwork(OptionMembers.ParseOrJson(value, "type"));
                break;
            case "chardev":
                AddChardev(OptionMembers.ParseOrJson(value, "backend"));
                break;
            case "mon":
                AddMonitor(OptionMembers.ParseOrJson(value, "chardev"));
                break;
            case "qmp" or "qmp-pretty":
                AddShortMonitor(value, "control");
                break;
            case "monitor":
                AddShortMonitor(value, "readline");
                break;
            case "serial" or "parallel":
                if (CharacterDevice.FromShortForm(value) is { } line)
                    _lines.Add(line);
                break;
            case "set":
                SetMember(value);
                break;
            case "readconfig":
                ReadConfiguration(value);
                break;
            default:
                break;
        }
    }

    // What is said of the processors here and by -smp is one to QEMU, in the order of the options.
    private void AddMachine(OptionMembers members, Certainty certainty)
    {
        _machine.Add(members, certainty);
        foreach (string name in ProcessorCount.Members)
        {
            if (members[$"smp.{name}"] is { } value)
                _processors.Set(name, value, certainty);
        }
    }

    // Exactly this form: others that .NET would take are refused by QEMU.
    private void SetUuid(string text)
    {
        const int length = 36;
        if (text.Length == length && text.All(c => c == '-' || char.IsAsciiHexDigit(c)) && Guid.TryParseExact(text, "D", out Guid uuid))
            Uuid = uuid == Guid.Empty ? null : uuid;
    }

    // To QEMU the UUID of the SMBIOS system table is the guest's, as -uuid is: the last of both counts.
    private void ReadSystemInformation(OptionMembers table)
    {
        if (table["uuid"] is { } uuid && table["type"] is { } type && OptionSize.Parse(type, 1) == 1)
            SetUuid(uuid);
    }

    private void AddObject(OptionMembers? members)
    {
        if (members?["id"] is { } id && members["size"] is { } size)
            _ = _objectSizes.TryAdd(id, size);
    }

    private void AddNetwork(OptionMembers? members)
    {
        // -net nic is the card.
        if (members?["id"] is { } id && members["type"] is { } type and not ("nic" or "none"))
            _ = _networkKinds.TryAdd(id, type);
    }

    // Of two with one id there is never a second: QEMU refuses it.
    private void AddChardev(OptionMembers? members)
    {
        if (members?["id"] is { } id)
            _ = _chardevs.TryAdd(id, members);
    }

    private void AddMonitor(OptionMembers? members)
    {
        if (members is null || (members["id"] is { } id && !_monitorsById.TryAdd(id, members)))
            return;
        _monitors.Add(members);
    }

    // What it makes can be changed, and used by another, by the names that QEMU gives it.
    private void AddShortMonitor(string value, string mode)
    {
        const string byId = "chardev:";
        string id = string.Create(CultureInfo.InvariantCulture, $"{ShortForm}{_shortMonitors}");
        if (value.StartsWith(byId, StringComparison.Ordinal))
            id = value[byId.Length..];
        else if (CharacterDevice.FromShortForm(value) is { } device)
            _ = _chardevs.TryAdd(id, device);
        else
            return;
        _shortMonitors++;
        OptionMembers monitor = new();
        monitor.Set("id", id);
        monitor.Set("mode", mode);
        monitor.Set("chardev", id);
        AddMonitor(monitor);
    }

    // group.id.member=value, of something that was defined before; commas mean nothing here.
    private void SetMember(string text)
    {
        const int maxParts = 3;
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || text[..equals].Split('.', maxParts) is not [var group, var id, var member])
            return;
        Dictionary<string, OptionMembers>? defined = group switch
        {
            "chardev" => _chardevs,
            "mon" => _monitorsById,
            _ => null,
        };
        if (defined?.GetValueOrDefault(id) is { } members)
            members.Set(member, text[(equals + 1)..]);
    }

    private void ReadConfiguration(string path)
    {
        IEnumerable<ConfigurationGroup> groups = _files.Read(path, out bool isSure);
        if (!isSure)
        {
            foreach (RepeatedOption option in (RepeatedOption[])[_name, _memory, _machine, _processors])
                option.Doubt();
        }

        foreach (ConfigurationGroup group in groups)
        {
            switch (group.Name)
            {
                case "name":
                    _name.Add(group.Members, Certainty.InFile);
                    break;
                case "memory":
                    _memory.Add(group.Members, Certainty.InFile);
                    break;
                case "machine":
                    AddMachine(group.Members, Certainty.InFile);
                    break;
                case "smp-opts":
                    _processors.Add(group.Members, Certainty.InFile);
                    break;
                case "object":
                    AddObject(group.Members);
                    break;
                case "netdev" or "nic" or "net":
                    AddNetwork(group.Members);
                    break;
                case "chardev":
                    AddChardev(group.Members);
                    break;
                case "mon":
                    AddMonitor(group.Members);
                    break;
                default:
                    break; // -uuid and SMBIOS tables have no group that QEMU would read.
            }
        }
    }
}
