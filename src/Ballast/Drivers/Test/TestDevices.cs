using System.Globalization;

namespace Ballast.Drivers.Test;

/// <summary>A domain's devices, with what libvirt adds to disks and interfaces, and what its balloon tells.</summary>
internal sealed class TestDevices
{
    private const string AddedInterface = "testnet";

    // The bus that a disk's name means.
    private static readonly (string Prefix, string Bus)[] Buses =
        [("fd", "fdc"), ("hd", "ide"), ("sd", "scsi"), ("vd", "virtio"), ("xvd", "xen"), ("ubd", "uml")];

    private TestDevices(XmlElement element)
    {
        Element = element;
        XmlElement[] balloons = [.. element.Children("memballoon")];
        if (balloons.Length > 1)
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Domain, "only a single memory balloon device is supported");
        if (balloons is not [var balloon])
            return;
        HasBalloon = balloon["model"] is { } model
            ? model.StartsWith("virtio", StringComparison.Ordinal)
            : throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, "Missing required attribute 'model' in element 'memballoon'");
        if (balloon.Child("stats") is not { } stats)
            return;
        PeriodSeconds = int.TryParse(stats["period"], NumberStyles.None, CultureInfo.InvariantCulture, out int period) ? period : 0;
        balloon.Remove(stats);
    }

    /// <summary>Without the period, which is a value of its own.</summary>
    public XmlElement Element { get; }

    public bool HasBalloon { get; }

    public int PeriodSeconds { get; }

    public static TestDevices Read(XmlElement? given)
    {
        XmlElement devices = given?.Copy() ?? new XmlElement("devices");
        TestDeviceRules.Check(devices);
        foreach (XmlElement disk in devices.Children("disk"))
            CompleteDisk(disk);
        HashSet<string?> taken = [.. devices.Children("interface").Select(device => device.Child("target")?["dev"])];
        int next = 0;
        foreach (XmlElement device in devices.Children("interface"))
        {
            if (device.Child("mac") is null)
                _ = device.With(new XmlElement("mac").With("address", NewAddress()));
            if (device.Child("target") is not null)
                continue;
            while (!taken.Add(Interface(next)))
                next++;
            _ = device.With(new XmlElement("target").With("dev", Interface(next)));
        }

        return new TestDevices(devices);
    }

    private static void CompleteDisk(XmlElement disk)
    {
        XmlAttribute[] others = [.. disk.Attributes.Where(attribute => attribute.Name is not ("type" or "device"))];
        (string type, string device) = (disk["type"] ?? "file", disk["device"] ?? "disk");
        disk.Attributes.Clear();
        disk.With("type", type).With("device", device).Attributes.AddRange(others);
        if (disk.Child("target") is not { } target || target["bus"] is not null)
            return;
        string name = target["dev"] ?? "";
        _ = target.With("bus", Buses.FirstOrDefault(bus => name.StartsWith(bus.Prefix, StringComparison.Ordinal)).Bus);
    }

    private static string Interface(int number) => string.Create(CultureInfo.InvariantCulture, $"{AddedInterface}{number}");

    // QEMU's range, of which libvirt takes any.
    private static string NewAddress()
    {
        ReadOnlySpan<byte> random = Guid.NewGuid().ToByteArray().AsSpan(^3..);
        return $"52:54:00:{random[0]:x2}:{random[1]:x2}:{random[2]:x2}";
    }
}
