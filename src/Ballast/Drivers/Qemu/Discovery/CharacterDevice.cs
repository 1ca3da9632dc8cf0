using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A monitor's character device: what <c>-chardev</c> says, or the short form behind <c>-qmp</c>.</summary>
internal static class CharacterDevice
{
    // Short forms that are their back end's name alone.
    private static readonly string[] Bare = ["null", "pty", "stdio", "msmouse", "wctablet", "braille", "testdev", "vc"];

    private static readonly string[] Network = ["tcp", "telnet", "tn3270", "websocket"];

    /// <summary>Reads the short form, <c>unix:PATH,server=on</c>; null for what QEMU refuses.</summary>
    public static OptionMembers? FromShortForm(string text)
    {
        if (text.StartsWith("mon:", StringComparison.Ordinal))
            text = text["mon:".Length..]; // The same, and a human monitor beside it.
        OptionMembers device = new();
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string scheme = colon < 0 ? text : text[..colon], rest = colon < 0 ? "" : text[(colon + 1)..];
        if (colon >= 0 && scheme == "unix")
        {
            device.Set("backend", "socket");
            // QEMU lets the members override the back end itself.
            device.Add(rest, "path");
        }
        else if (colon >= 0 && Array.IndexOf(Network, scheme) >= 0)
        {
            int portAt = rest.IndexOf(':', StringComparison.Ordinal) + 1;
            if (portAt == 0)
                return null;
            int end = rest.IndexOf(',', portAt) is var comma and >= 0 ? comma : rest.Length;
            device.Set("backend", "socket");
            device.Set("host", rest[..(portAt - 1)]);
            device.Set("port", rest[portAt..end]);
            if (scheme != "tcp")
                device.Set(scheme, "on");
            if (end < rest.Length)
                device.Add(rest[(end + 1)..], null);
        }
        else if (colon >= 0 && scheme is ("file" or "pipe" or "udp"))
        {
            device.Set("backend", scheme);
            device.Set("path", rest);
        }
        else if (text.StartsWith("/dev/", StringComparison.Ordinal))
        {
            device.Set("backend", "serial");
            device.Set("path", text);
        }
        else if (Array.IndexOf(Bare, scheme) >= 0)
        {
            device.Set("backend", scheme);
        }
        else
        {
            return null;
        }

        return device;
    }

    /// <summary>What a monitor on the device is reached by.</summary>
    public static MonitorSocket ToMonitor(OptionMembers device, string? id)
    {
        string? path = device["path"], host = device["host"];
        if (device["backend"] != "socket")
            return new MonitorSocket(null, id) { Kind = MonitorKind.Other, Address = Join(device["backend"], path) };

        string? protocol = Array.Find(["telnet", "tn3270", "websocket"], name => device.Switch(name) == true)
            ?? (device["tls-creds"] is null ? null : "tls");
        bool isAbstract = device.Switch("abstract") == true;
        string address = path is not null ? Join(isAbstract ? "abstract" : "unix", path)
            : device["fd"] is { } descriptor ? Join("fd", descriptor)
            : Join(protocol ?? "tcp", $"{host}:{device["port"]}");
        bool isServer = device.Switch("server") == true;
        // A word that is no switch is refused by QEMU; of a stranger's program that is called so, think the worst.
        bool waits = isServer && device.Switch("wait") is not false;
        MonitorSocket monitor = new(null, id) { Kind = MonitorKind.Other, Address = address, WaitsForClient = waits };
        if (!isServer)
            return monitor with { Address = $"{address} (as a client)" };
        if (protocol is not null)
            return host is null ? monitor with { Address = $"{address} ({protocol})" } : monitor;

        return (path, device["fd"], host) switch
        {
            ({ } name, null, null) when name.Contains('\0', StringComparison.Ordinal) => monitor,
            ({ } name, null, null) => monitor with
            {
                // For an empty name QEMU makes one up.
                Path = name.Length == 0 ? null : name,
                Kind = isAbstract ? MonitorKind.Abstract : MonitorKind.Unix,
            },
            (null, { } number, null) when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int fd) =>
                monitor with { Kind = MonitorKind.PassedDescriptor, Descriptor = fd },
            (null, null, not null) => monitor with { Kind = MonitorKind.Tcp },
            _ => monitor, // QEMU refuses several at a time.
        };
    }

    private static string Join(string? kind, string? place) => string.IsNullOrEmpty(place) ? kind ?? "" : $"{kind}:{place}";
}
