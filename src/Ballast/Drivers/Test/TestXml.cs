using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>The test driver's domain and host, as libvirt's XML tells of them.</summary>
internal static class TestXml
{
    public const string Architecture = "i686";
    public const ulong FirstCellKiB = 2097152, SecondCellKiB = 4194304;

    private const int CpusOfCell = 8;
    private const ulong HugePageKiB = 2048, GiganticPageKiB = 1048576;

    public static string Domain(DomainIdentity identity, TestDefinition definition)
    {
        XmlText xml = new();
        xml.Open("domain", ("type", "test"), ("id", identity.Id is { } id ? Number(id) : null));
        xml.Element("name", identity.Name);
        xml.Element("uuid", identity.Uuid.ToString());
        xml.Element("memory", Number(definition.MaxMemoryKiB), ("unit", "KiB"));
        xml.Element("currentMemory", Number(definition.MemoryKiB), ("unit", "KiB"));
        xml.Element("vcpu", Number(TestDomain.VirtualCpus), ("placement", "static"));
        xml.Open("os");
        xml.Element("type", "hvm", ("arch", Architecture));
        xml.Element("boot", null, ("dev", "hd"));
        xml.Close();
        xml.Element("clock", null, ("offset", "utc"));
        xml.Element("on_poweroff", "destroy");
        xml.Element("on_reboot", "restart");
        xml.Element("on_crash", "destroy");
        xml.Open("devices");
        AddDisk(xml);
        AddInterface(xml);
        AddBalloon(xml, definition.PeriodSeconds);
        xml.Close();
        xml.Close();
        return xml.ToString();
    }

    public static string Capabilities()
    {
        XmlText xml = new();
        xml.Open("capabilities");
        xml.Gap();
        AddHost(xml);
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

    private static void AddDisk(XmlText xml)
    {
        xml.Open("disk", ("type", "file"), ("device", "disk"));
        xml.Element("source", null, ("file", "/guest/diskimage1"));
        xml.Element("target", null, ("dev", "vda"), ("bus", "virtio"));
        AddAddress(xml, "0x01", "0x00");
        xml.Close();
    }

    private static void AddInterface(XmlText xml)
    {
        xml.Open("interface", ("type", "network"));
        xml.Element("mac", null, ("address", "aa:bb:cc:dd:ee:ff"));
        xml.Element("source", null, ("network", "default"));
        xml.Element("target", null, ("dev", "testnet0"));
        AddAddress(xml, "0x00", "0x01");
        xml.Close();
    }

    private static void AddBalloon(XmlText xml, int periodSeconds)
    {
        xml.Open("memballoon", ("model", "virtio"));
        if (periodSeconds > 0)
            xml.Element("stats", null, ("period", Number(periodSeconds)));
        AddAddress(xml, "0x00", "0x02");
        xml.Close();
    }

    private static void AddAddress(XmlText xml, string bus, string slot) => xml.Element(
        "address", null, ("type", "pci"), ("domain", "0x0000"), ("bus", bus), ("slot", slot), ("function", "0x0"));

    private static void AddHost(XmlText xml)
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
        xml.Open("cells", ("num", "2"));
        AddCell(xml, 0, FirstCellKiB, pageKiB: 4);
        AddCell(xml, 1, SecondCellKiB, pageKiB: 8);
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
