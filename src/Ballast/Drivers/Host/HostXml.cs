using System.Globalization;

namespace Ballast.Drivers.Host;

/// <summary>What is known of the host, as libvirt's XML.</summary>
internal static class HostXml
{
    private static readonly (string Section, (string Entry, string File)[] Entries)[] Sysinfo =
    [
        ("bios", [("vendor", "bios_vendor"), ("version", "bios_version"), ("date", "bios_date"), ("release", "bios_release")]),
        ("system", [("manufacturer", "sys_vendor"), ("product", "product_name"), ("version", "product_version"), ("serial", "product_serial"), ("uuid", "product_uuid"), ("sku", "product_sku"), ("family", "product_family")]),
        ("baseBoard", [("manufacturer", "board_vendor"), ("product", "board_name"), ("version", "board_version"), ("serial", "board_serial"), ("asset", "board_asset_tag")]),
    ];

    public static string Capabilities(HostNode node, IReadOnlyList<string> domainTypes, string emulator)
    {
        XmlText xml = new();
        xml.Open("capabilities");
        xml.Open("host");
        if (node.Uuid() is { } uuid)
            xml.Element("uuid", uuid.ToString());
        xml.Open("cpu");
        xml.Element("arch", HostNode.Architecture);
        NodeInfo info = node.Info();
        xml.Element("topology", null,
            ("sockets", Number(info.SocketsPerNode)), ("cores", Number(info.CoresPerSocket)), ("threads", Number(info.ThreadsPerCore)));
        foreach (uint size in node.PageSizes())
            xml.Element("pages", null, ("unit", "KiB"), ("size", Number(size)));
        xml.Close();
        xml.Open("topology");
        AddCells(xml, node);
        xml.Close();
        xml.Close();
        xml.Open("guest");
        xml.Element("os_type", "hvm");
        xml.Open("arch", ("name", HostNode.Architecture));
        xml.Element("wordsize", HostNode.Architecture is "i686" ? "32" : "64");
        xml.Element("emulator", emulator);
        foreach (string type in domainTypes)
            xml.Element("domain", null, ("type", type));
        xml.Close();
        xml.Close();
        xml.Close();
        return xml.ToString();
    }

    /// <exception cref="LibvirtException">The host's firmware tells nothing.</exception>
    public static string System(HostNode node)
    {
        XmlText xml = new();
        bool isKnown = false;
        xml.Open("sysinfo", ("type", "smbios"));
        foreach ((string section, (string Entry, string File)[] entries) in Sysinfo)
        {
            (string Entry, string Text)[] known =
                [.. entries.Select(entry => (entry.Entry, Text: node.Firmware(entry.File))).Where(entry => entry.Text is not null).Select(entry => (entry.Entry, entry.Text!))];
            if (known.Length == 0)
                continue;
            isKnown = true;
            xml.Open(section);
            foreach ((string entry, string text) in known)
                xml.Element("entry", text, ("name", entry));
            xml.Close();
        }

        xml.Close();
        return isKnown
            ? xml.ToString()
            : throw LibvirtError.Report(ErrorCode.ConfigurationUnsupported, ErrorOrigin.Qemu, "Host SMBIOS information is not available");
    }

    private static void AddCells(XmlText xml, HostNode node)
    {
        IReadOnlyList<int> cells = node.Cells();
        xml.Open("cells", ("num", Number(cells.Count)));
        foreach (int cell in cells)
        {
            int[] cpus = node.CpusOfCell(cell) is { Length: > 0 } ofCell ? ofCell : node.OnlineCpus();
            xml.Open("cell", ("id", Number(cell)));
            xml.Element("memory", Number(node.CellMemory(cell, "MemTotal")), ("unit", "KiB"));
            foreach (uint size in node.PageSizes())
                xml.Element("pages", Number(node.Pages(cell, size)), ("unit", "KiB"), ("size", Number(size)));
            AddDistances(xml, node.Distances(cell));
            xml.Open("cpus", ("num", Number(cpus.Length)));
            foreach (int cpu in cpus)
            {
                xml.Element("cpu", null, ("id", Number(cpu)), ("socket_id", Number(node.Topology(cpu, "physical_package_id"))),
                    ("die_id", Number(node.Topology(cpu, "die_id"))), ("core_id", Number(node.Topology(cpu, "core_id"))), ("siblings", node.Siblings(cpu)));
            }

            xml.Close();
            xml.Close();
        }

        xml.Close();
    }

    private static void AddDistances(XmlText xml, IReadOnlyList<(int Cell, int Distance)> distances)
    {
        if (distances.Count == 0)
            return;
        xml.Open("distances");
        foreach ((int cell, int distance) in distances)
            xml.Element("sibling", null, ("id", Number(cell)), ("value", Number(distance)));
        xml.Close();
    }

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
