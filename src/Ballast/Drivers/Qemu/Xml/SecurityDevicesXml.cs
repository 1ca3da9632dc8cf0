using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>Smart cards, TPMs, and what makes random numbers and encrypts.</summary>
internal static class SecurityDevicesXml
{
    public static void AddSmartCards(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices)
        {
            if (device.Model == "ccid-card-passthru")
            {
                CharacterSource source = CharacterSource.Of(guest, device["chardev"]);
                xml.Open("smartcard", ("mode", "passthrough"), ("type", source.Type));
                source.Add(xml, guest);
            }
            else if (device.Model == "ccid-card-emulated")
            {
                bool hasFiles = device["backend"] == "certificates";
                xml.Open("smartcard", ("mode", hasFiles ? "host-certificates" : "host"));
                foreach (string name in hasFiles ? (string[])["cert1", "cert2", "cert3"] : [])
                {
                    if (device[name] is { } certificate)
                        xml.Element("certificate", certificate);
                }

                if (hasFiles && device["db"] is { } database)
                    xml.Element("database", database);
            }
            else
            {
                continue;
            }

            guest.AddAlias(xml, device);
            xml.Close();
        }
    }

    public static void AddTpms(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model.StartsWith("tpm-", StringComparison.Ordinal)))
        {
            OptionMembers? backend = device["tpmdev"] is { } id ? guest.Options?.Tpms.GetValueOrDefault(id) : null;
            xml.Open("tpm", ("model", device.Model == "tpm-tis-device" ? "tpm-tis" : device.Model));
            if (backend?["type"] == "passthrough")
            {
                xml.Open("backend", ("type", "passthrough"));
                xml.Element("device", null, ("path", backend["path"] ?? "/dev/tpm0"));
                xml.Close();
            }
            else if (backend?["type"] is { } type)
            {
                xml.Element("backend", null, ("type", type));
            }

            guest.AddAlias(xml, device);
            xml.Close();
        }
    }

    public static void AddRandom(XmlText xml, QemuXml guest)
    {
        const string virtio = "virtio-rng";
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model.StartsWith(virtio, StringComparison.Ordinal)))
        {
            xml.Open("rng", ("model", DevicesXml.VirtioModel(device.Model, virtio)));
            if (device["max-bytes"] is { } bytes)
                xml.Element("rate", null, ("bytes", OptionNumber.Decimal(bytes)), ("period", OptionNumber.Decimal(device["period"])));
            AddRandomSource(xml, guest, device);
            guest.AddAlias(xml, device);
            xml.Close();
        }
    }

    public static void AddCrypto(XmlText xml, QemuXml guest)
    {
        foreach (GuestDevice device in guest.Devices.Where(device => device.Model.StartsWith("virtio-crypto", StringComparison.Ordinal)))
        {
            const string prefix = "cryptodev-backend-";
            OptionMembers? backend = device["cryptodev"] is { } id ? guest.Options?.Objects.GetValueOrDefault(id) : null;
            xml.Open("crypto", ("model", "virtio"), ("type", "qemu"));
            if (backend?["qom-type"] is { } type && type.StartsWith(prefix, StringComparison.Ordinal))
                xml.Element("backend", null, ("model", type[prefix.Length..]), ("queues", OptionNumber.Decimal(backend["queues"])));
            guest.AddAlias(xml, device);
            xml.Close();
        }
    }

    private static void AddRandomSource(XmlText xml, QemuXml guest, GuestDevice device)
    {
        OptionMembers? backend = device["rng"] is { } id ? guest.Options?.Objects.GetValueOrDefault(id) : null;
        switch (backend?["qom-type"])
        {
            case "rng-random":
                xml.Element("backend", backend["filename"] ?? "/dev/urandom", ("model", "random"));
                break;
            case "rng-builtin":
                xml.Element("backend", null, ("model", "builtin"));
                break;
            case "rng-egd":
                CharacterSource source = CharacterSource.Of(guest, backend["chardev"]);
                xml.Open("backend", ("model", "egd"), ("type", source.Type));
                source.Add(xml, guest);
                xml.Close();
                break;
            default:
                break;
        }
    }
}
