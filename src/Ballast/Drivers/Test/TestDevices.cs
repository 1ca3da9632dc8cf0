using System.Globalization;
using System.Xml.Linq;

namespace Ballast.Drivers.Test;

/// <summary>A domain's devices, with what libvirt adds to disks and interfaces, and what its balloon tells.</summary>
internal sealed class TestDevices
{
    private const string AddedInterface = "testnet";

    // The bus that a disk's name means.
    private static readonly (string Prefix, string Bus)[] Buses =
        [("fd", "fdc"), ("hd", "ide"), ("sd", "scsi"), ("vd", "virtio"), ("xvd", "xen"), ("ubd", "uml")];

    private TestDevices(XElement element)
    {
        Element = element;
        XElement[] balloons = [.. element.Elements("memballoon")];
        if (balloons.Length > 1)
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, "only a single memory balloon device is supported");
        if (balloons is not [var balloon])
            return;
        HasBalloon = balloon.Attribute("model") is { } model
            ? model.Value.StartsWith("virtio", StringComparison.Ordinal)
            : throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, "Missing required attribute 'model' in element 'memballoon'");
        XElement? stats = balloon.Element("stats");
        PeriodSeconds = int.TryParse((string?)stats?.Attribute("period"), NumberStyles.None, CultureInfo.InvariantCulture, out int period) ? period : 0;
        stats?.Remove();
    }

    /// <summary>Without the period, which is a value of its own.</summary>
    public XElement Element { get; }

    public bool HasBalloon { get; }

    public int PeriodSeconds { get; }

    public static TestDevices Read(XElement? given)
    {
        XElement devices = given is null ? new XElement("devices") : new XElement(given);
        foreach (XElement disk in devices.Elements("disk"))
            CompleteDisk(disk);
        int next = 0;
        foreach (XElement device in devices.Elements("interface"))
        {
            if (device.Element("mac") is null)
                device.Add(new XElement("mac", new XAttribute("address", NewAddress())));
            if (device.Element("target") is not null)
                continue;
            while (devices.Elements("interface").Any(other => (string?)other.Element("target")?.Attribute("dev") == Interface(next)))
                next++;
            device.Add(new XElement("target", new XAttribute("dev", Interface(next))));
        }

        return new TestDevices(devices);
    }

    private static void CompleteDisk(XElement disk)
    {
        disk.ReplaceAttributes(
            new XAttribute("type", (string?)disk.Attribute("type") ?? "file"),
            new XAttribute("device", (string?)disk.Attribute("device") ?? "disk"),
            disk.Attributes().Where(attribute => attribute.Name != "type" && attribute.Name != "device"));
        if (disk.Element("target") is not { } target || target.Attribute("bus") is not null)
            return;
        string name = (string?)target.Attribute("dev") ?? "";
        if (Buses.FirstOrDefault(bus => name.StartsWith(bus.Prefix, StringComparison.Ordinal)).Bus is { } bus)
            target.Add(new XAttribute("bus", bus));
    }

    private static string Interface(int number) => string.Create(CultureInfo.InvariantCulture, $"{AddedInterface}{number}");

    // QEMU's range, of which libvirt takes any.
    private static string NewAddress()
    {
        ReadOnlySpan<byte> random = Guid.NewGuid().ToByteArray().AsSpan(^3..);
        return $"52:54:00:{random[0]:x2}:{random[1]:x2}:{random[2]:x2}";
    }
}
