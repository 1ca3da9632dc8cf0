using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>What a guest's firmware tells it of the machine (SMBIOS).</summary>
internal static class SystemInformationXml
{
    // QEMU's tables, with its members and libvirt's names of the same.
    private static readonly (string Type, string Element, (string Member, string Name)[] Entries)[] Tables =
    [
        ("0", "bios", [("vendor", "vendor"), ("version", "version"), ("date", "date"), ("release", "release")]),
        ("1", "system",
            [("manufacturer", "manufacturer"), ("product", "product"), ("version", "version"), ("serial", "serial"), ("uuid", "uuid"), ("sku", "sku"), ("family", "family")]),
        ("2", "baseBoard",
            [("manufacturer", "manufacturer"), ("product", "product"), ("version", "version"), ("serial", "serial"), ("asset", "asset"), ("location", "location")]),
        ("3", "chassis",
            [("manufacturer", "manufacturer"), ("version", "version"), ("serial", "serial"), ("asset", "asset"), ("sku", "sku")]),
    ];

    // What the command line says of the guest's UUID alone is no table of its own.
    public static bool IsTold(MachineOptions options) =>
        Tables.Any(table => Told(options, table.Type).Any(members => table.Entries.Any(entry => entry.Member != "uuid" && members[entry.Member] is not null)));

    public static void Add(XmlText xml, MachineOptions options)
    {
        if (!IsTold(options))
            return;
        xml.Open("sysinfo", ("type", "smbios"));
        foreach ((string type, string element, (string Member, string Name)[] entries) in Tables)
        {
            OptionMembers[] told = [.. Told(options, type).Where(members => entries.Any(entry => members[entry.Member] is not null))];
            foreach (OptionMembers members in told)
            {
                xml.Open(element);
                foreach ((string member, string name) in entries)
                {
                    if (members[member] is { } value)
                        xml.Element("entry", value, ("name", name));
                }

                xml.Close();
            }
        }

        xml.Close();
    }

    private static IEnumerable<OptionMembers> Told(MachineOptions options, string type) =>
        options.SystemInformation.Where(members => members["type"] == type);
}
