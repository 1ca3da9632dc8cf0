using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using static Ballast.Drivers.Qemu.Xml.QemuXml;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>Serial and parallel ports, consoles and channels, with where they lead.</summary>
internal static class CharacterXml
{
    private static readonly Dictionary<string, string> SerialTargets = new()
    {
        ["isa-serial"] = "isa-serial",
        ["pci-serial"] = "pci-serial",
        ["usb-serial"] = "usb-serial",
    };

    public static void Add(XmlText xml, QemuXml guest)
    {
        GuestDevice[] ports = [.. guest.Devices.Where(device => SerialTargets.ContainsKey(device.Model))];
        Port[] serials =
        [
            .. ports.Select((device, i) => new Port(
                CharacterSource.Of(guest, device["chardev"]), SerialTargets[device.Model], device.Model, device["index"] ?? Number(i)!, device.Alias)),
            .. OfBoard(guest, "serial").Select(one => new Port(CharacterSource.Of(guest, one.Label), "isa-serial", "isa-serial", one.Number, null)),
        ];
        foreach (Port serial in serials)
            AddSerial(xml, guest, serial);
        foreach ((GuestDevice device, int i) in guest.Devices.Where(device => device.Model == "isa-parallel").Select((device, i) => (device, i)))
            AddPort(xml, guest, "parallel", CharacterSource.Of(guest, device["chardev"]), device.Alias, ("port", device["index"] ?? Number(i)));

        // A PC's first serial port is its console.
        if (serials.Length > 0)
            AddPort(xml, guest, "console", serials[0].Source, serials[0].Alias, ("type", "serial"), ("port", serials[0].Number));
        foreach ((GuestDevice device, int i) in guest.Devices.Where(device => device.Model == "virtconsole").Select((device, i) => (device, i)))
            AddPort(xml, guest, "console", CharacterSource.Of(guest, device["chardev"]), device.Alias, ("type", "virtio"), ("port", Number(i)));
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model == "virtserialport"))
            AddPort(xml, guest, "channel", CharacterSource.Of(guest, device["chardev"]), device.Alias, ("type", "virtio"), ("name", device["name"]));
    }

    private static void AddSerial(XmlText xml, QemuXml guest, Port serial)
    {
        xml.Open("serial", ("type", serial.Source.Type));
        serial.Source.Add(xml, guest);
        xml.Open("target", ("type", serial.Target), ("port", serial.Number));
        xml.Element("model", null, ("name", serial.Model));
        xml.Close();
        if (serial.Alias is not null)
            guest.AddAlias(xml, serial.Alias);
        xml.Close();
    }

    private static void AddPort(
        XmlText xml, QemuXml guest, string element, CharacterSource source, string? alias, params ReadOnlySpan<(string, string?)> target)
    {
        xml.Open(element, ("type", source.Type), ("tty", element == "console" && !guest.IsInactive ? source.Terminal : null));
        source.Add(xml, guest);
        xml.Element("target", null, target);
        if (alias is not null)
            guest.AddAlias(xml, alias);
        xml.Close();
    }

    // What -serial and -parallel make has no device of its own: QEMU names the character devices alone.
    private static IEnumerable<(string Label, string Number)> OfBoard(QemuXml guest, string prefix) =>
        (guest.Machine?.Chardevs.Keys ?? [])
            .Where(label => label.StartsWith(prefix, StringComparison.Ordinal) && guest.Options?.Chardevs.ContainsKey(label) != true
                && int.TryParse(label.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(label => (label, label[prefix.Length..])).OrderBy(one => int.Parse(one.Item2, NumberStyles.None, CultureInfo.InvariantCulture));

    private sealed record Port(CharacterSource Source, string Target, string Model, string Number, string? Alias);
}

/// <summary>Where a character device leads.</summary>
internal sealed record CharacterSource(string Type)
{
    private const string Disconnected = "disconnected:", UnixPrefix = "unix:", TcpPrefix = "tcp:", PtyPrefix = "pty:", Unknown = "null";

    private bool IsServer { get; init; }

    private string? Path { get; init; }

    private string? Address { get; init; }

    private string? Service { get; init; }

    /// <summary>The pseudo-terminal's path; null for others.</summary>
    public string? Terminal => Type == "pty" ? Path : null;

    /// <summary>The path of a Unix socket; null for others.</summary>
    public string? SocketPath => Type == "unix" ? Path : null;

    public static CharacterSource Of(QemuXml guest, string? id)
    {
        if (id is null)
            return new CharacterSource(Unknown);
        string? now = guest.Machine?.Chardevs.GetValueOrDefault(id);
        OptionMembers? said = guest.Options?.Chardevs.GetValueOrDefault(id);
        return (said is null ? null : OfOption(said, now)) ?? (now is null ? new CharacterSource(Unknown) : OfAnswer(now));
    }

    public void Add(XmlText xml, QemuXml guest)
    {
        switch (Type)
        {
            case "unix":
                xml.Element("source", null, ("mode", IsServer ? "bind" : "connect"), ("path", Path));
                break;
            case "tcp":
                xml.Element("source", null, ("mode", IsServer ? "bind" : "connect"), ("host", Address), ("service", Service));
                xml.Element("protocol", null, ("type", "raw"));
                break;
            case "pty" when Path is not null && !guest.IsInactive:
            case "file" or "pipe" or "dev" when Path is not null:
                xml.Element("source", null, ("path", Path));
                break;
            default:
                break;
        }
    }

    /// <summary>The socket's path as a card's source, with the words for who listens and who connects.</summary>
    public void AddAs(XmlText xml, string type, (string Server, string Client) words)
    {
        if (SocketPath is { } path)
            xml.Element("source", null, ("type", type), ("path", path), ("mode", IsServer ? words.Server : words.Client));
    }

    // Null where only QEMU knows: it was handed a descriptor, or opened a terminal.
    private static CharacterSource? OfOption(OptionMembers said, string? now)
    {
        const string descriptors = "/dev/fdset/";
        string? path = said["path"] is { } written && !written.StartsWith(descriptors, StringComparison.Ordinal) ? written : null;
        bool isServer = said.Switch("server") == true;
        return said["backend"] switch
        {
            "socket" when path is not null => new CharacterSource("unix") { IsServer = isServer, Path = path },
            "socket" when said["host"] is { } host => new CharacterSource("tcp") { IsServer = isServer, Address = host, Service = said["port"] },
            "socket" => now is null ? new CharacterSource("unix") { IsServer = isServer } : null,
            "pty" => now is null ? new CharacterSource("pty") : null,
            "file" or "pipe" => new CharacterSource(said["backend"]!) { Path = path },
            "serial" or "parallel" => new CharacterSource("dev") { Path = path },
            { } other => new CharacterSource(other),
            null => null,
        };
    }

    private static CharacterSource OfAnswer(string answer)
    {
        string name = answer.StartsWith(Disconnected, StringComparison.Ordinal) ? answer[Disconnected.Length..] : answer;
        bool isServer = name.Contains(",server=on", StringComparison.Ordinal) || name.Contains(",server", StringComparison.Ordinal);
        int comma = name.IndexOf(",server", StringComparison.Ordinal);
        string place = comma < 0 ? name : name[..comma];
        if (place.StartsWith(UnixPrefix, StringComparison.Ordinal))
            return new CharacterSource("unix") { IsServer = isServer, Path = place[UnixPrefix.Length..] is { Length: > 0 } path ? path : null };
        if (place.StartsWith(PtyPrefix, StringComparison.Ordinal))
            return new CharacterSource("pty") { Path = place[PtyPrefix.Length..] };
        if (place.StartsWith(TcpPrefix, StringComparison.Ordinal) && place.LastIndexOf(':') is var colon && colon >= TcpPrefix.Length)
            return new CharacterSource("tcp") { IsServer = isServer, Address = place[TcpPrefix.Length..colon], Service = place[(colon + 1)..] };
        int end = place.IndexOf(':', StringComparison.Ordinal);
        return new CharacterSource(end < 0 ? place : place[..end]);
    }
}
