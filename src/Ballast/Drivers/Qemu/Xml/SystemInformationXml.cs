using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Xml;

/// <summary>What a guest's firmware tells it of the machine (SMBIOS).</summary>
internal static class SystemInformationXml
{
    // QEMU's tables, with its members and libvirt's names of the same.
    private static readonly (ulong Type, string Element, (string Member, string Name)[] Entries)[] Tables =
    [
        (0, "bios", [("vendor", "vendor"), ("version", "version"), ("date", "date"), ("release", "release")]),
        (1, "system",
            [("manufacturer", "manufacturer"), ("product", "product"), ("version", "version"), ("serial", "serial"), ("uuid", "uuid"), ("sku", "sku"), ("family", "family")]),
        (2, "baseBoard",
            [("manufacturer", "manufacturer"), ("product", "product"), ("version", "version"), ("serial", "serial"), ("asset", "asset"), ("location", "location")]),
        (3, "chassis",
            [("manufacturer", "manufacturer"), ("version", "version"), ("serial", "serial"), ("asset", "asset"), ("sku", "sku")]),
    ];

    // What the command line says of the guest's UUID alone is no table of its own.
    public static bool IsTold(MachineOptions options) =>
        Tables.Any(table => Told(options, table.Type) is var told && table.Entries.Any(entry => entry.Member != "uuid" && told[entry.Member] is not null));

    public static void Add(XmlText xml, MachineOptions options)
    {
        if (!IsTold(options))
            return;
        xml.Open("sysinfo", ("type", "smbios"));
        foreach ((ulong type, string element, (string Member, string Name)[] entries) in Tables)
        {
            OptionMembers told = Told(options, type);
            if (!entries.Any(entry => told[entry.Member] is not null))
                continue;
            xml.Open(element);
            foreach ((string member, string name) in entries)
            {
                if (told[member] is { } value)
                    xml.Element("entry", value, ("name", name));
            }

            xml.Close();
        }

        xml.Close();
    }

    // QEMU makes one table of each of these types, and of a member that is repeated takes the last.
    private static OptionMembers Told(MachineOptions options, ulong type)
    {
        OptionMembers all = new();
        foreach (OptionMembers members in options.SystemInformation.Where(members => OptionNumber.Parse(members["type"]) == type))
            all.Merge(members);
        return all;
    }
}
