using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>The test driver's host, as libvirt's XML tells of it.</summary>
internal static class TestXml
{
    public const string Architecture = "i686";

    private const int CpusOfCell = 8;
    private const ulong HugePageKiB = 2048, GiganticPageKiB = 1048576;

    public static string Capabilities(IReadOnlyList<ulong> cellsKiB)
    {
        XmlText xml = new();
        xml.Open("capabilities");
        xml.Gap();
        AddHost(xml, cellsKiB);
        xml.Gap();
        foreach (string type in (string[])["hvm", "xen"])
        {
            AddGuest(xml, type);
            xml.Gap();
        }

        xml.Close();
        return xml.ToString();
    }

    /// <summary>The firmware of a laptop, whatever the host: libvirt's driver carries it along.</summary>
    public static string Sysinfo()
    {
        XmlText xml = new();
        xml.Open("sysinfo", ("type", "smbios"));
        xml.Open("bios");
        xml.Element("entry", "LENOVO", ("name", "vendor"));
        xml.Element("entry", "G4ETA1WW (2.61 )", ("name", "version"));
        xml.Element("entry", "05/07/2014", ("name", "date"));
        xml.Element("entry", "2.61", ("name", "release"));
        xml.Close();
        xml.Close();
        return xml.ToString();
    }

    private static void AddHost(XmlText xml, IReadOnlyList<ulong> cellsKiB)
    {
        xml.Open("host");
        xml.Open("cpu");
        xml.Element("arch", Architecture);
        AddFeatures(xml);
        foreach (ulong size in (ulong[])[4, 8, HugePageKiB, GiganticPageKiB])
            xml.Element("pages", null, ("unit", "KiB"), ("size", Number(size)));
        xml.Close();
        xml.Element("power_management", null);
        xml.Element("iommu", null, ("support", "no"));
        xml.Open("topology");
        xml.Open("cells", ("num", Number(cellsKiB.Count)));
        for (int cell = 0; cell < cellsKiB.Count; cell++)
            AddCell(xml, cell, cellsKiB[cell], pageKiB: cell == 0 ? 4ul : 8);
        xml.Close();
        xml.Close();
        xml.Open("secmodel");
        xml.Element("model", TestDriver.Security.Model);
        xml.Element("doi", TestDriver.Security.DomainOfInterpretation);
        xml.Close();
        xml.Close();
    }

    private static void AddCell(XmlText xml, int cell, ulong memoryKiB, ulong pageKiB)
    {
        xml.Open("cell", ("id", Number(cell)));
        xml.Element("memory", Number(memoryKiB), ("unit", "KiB"));
        foreach ((ulong size, ulong count) in ((ulong, ulong)[])[(pageKiB, memoryKiB / pageKiB), (HugePageKiB, 0), (GiganticPageKiB, 0)])
            xml.Element("pages", Number(count), ("unit", "KiB"), ("size", Number(size)));
        xml.Open("cpus", ("num", Number(CpusOfCell)));
        for (int core = 0; core < CpusOfCell; core++)
        {
            string cpu = Number((cell * CpusOfCell) + core);
            xml.Element("cpu", null, ("id", cpu), ("socket_id", Number(cell)), ("die_id", "0"), ("core_id", Number(core)), ("siblings", cpu));
        }

        xml.Close();
        xml.Close();
    }

    private static void AddGuest(XmlText xml, string type)
    {
        xml.Open("guest");
        xml.Element("os_type", type);
        xml.Open("arch", ("name", Architecture));
        xml.Element("wordsize", "32");
        xml.Element("emulator", "/usr/bin/test-hv");
        xml.Element("domain", null, ("type", "test"));
        xml.Close();
        AddFeatures(xml);
        xml.Close();
    }

    private static void AddFeatures(XmlText xml)
    {
        xml.Open("features");
        xml.Element("pae", null);
        xml.Element("nonpae", null);
        xml.Close();
    }

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
