using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>A network card, with what it is connected to.</summary>
internal static class InterfaceXml
{
    // How a socket is used says what libvirt calls the kind.
    private static readonly (string Member, string Kind)[] SocketKinds = [("listen", "server"), ("connect", "client"), ("mcast", "mcast"), ("udp", "udp")];

    public static void Add(XmlText xml, QemuXml guest, MachineInterface card)
    {
        OptionMembers? backend = card.Netdev is not null ? guest.Options?.Netdevs.GetValueOrDefault(card.Netdev) : null;
        OptionMembers? device = guest.Device(card.Alias)?.Said;
        string? said = card.Netdev is not null ? guest.NetworkKinds.GetValueOrDefault(card.Netdev) : null;
        string kind = Kind(said, backend);
        xml.Open("interface", ("type", kind));
        xml.Element("mac", null, ("address", card.Mac));
        AddSource(xml, guest, kind, backend);
        if (backend?["ifname"] is { } name)
            xml.Element("target", null, ("dev", name));
        xml.Element("model", null, ("type", DevicesXml.VirtioModel(card.Model, "virtio-net")));
        (string, string?)[] queues = [("queues", OptionNumber.Decimal(backend?["queues"])), ("rx_queue_size", OptionNumber.Decimal(device?["rx_queue_size"])), ("tx_queue_size", OptionNumber.Decimal(device?["tx_queue_size"]))];
        if (queues.Any(one => one.Item2 is not null))
            xml.Element("driver", null, queues);
        if (device?["host_mtu"] is { } size)
            xml.Element("mtu", null, ("size", OptionNumber.Decimal(size)));
        guest.AddAlias(xml, card.Alias);
        xml.Close();
    }

    private static string Kind(string? said, OptionMembers? backend) => said switch
    {
        "user" or "bridge" => said,
        "vhost-user" => "vhostuser",
        "vhost-vdpa" => "vdpa",
        "socket" when backend is not null => SocketKinds.FirstOrDefault(one => backend[one.Member] is not null).Kind ?? "ethernet",
        _ => "ethernet",
    };

    private static void AddSource(XmlText xml, QemuXml guest, string kind, OptionMembers? backend)
    {
        switch (kind)
        {
            case "bridge":
                xml.Element("source", null, ("bridge", Said("br") ?? "br0"));
                break;
            case "vdpa" when Said("vhostdev") is { } device:
                xml.Element("source", null, ("dev", device));
                break;
            case "vhostuser":
                CharacterSource.Of(guest, Said("chardev")).AddAs(xml, "unix", ("server", "client"));
                break;
            case "udp" when Split(Said("udp")) is var (address, port) && Split(Said("localaddr")) is var (localAddress, localPort):
                xml.Open("source", ("address", address), ("port", port));
                xml.Element("local", null, ("address", localAddress), ("port", localPort));
                xml.Close();
                break;
            case "server" or "client" or "mcast" or "udp" when Split(Said(SocketKinds.First(one => one.Kind == kind).Member)) is var (address, port):
                xml.Element("source", null, ("address", address.Length > 0 ? address : null), ("port", port));
                break;
            default:
                break;
        }

        string? Said(string member) => backend?[member];
    }

    private static (string Address, string Port)? Split(string? place)
    {
        int colon = place?.LastIndexOf(':') ?? -1;
        return colon < 0 ? null : (place![..colon], place[(colon + 1)..]);
    }
}
