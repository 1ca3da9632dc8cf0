using System.Globalization;
using System.Xml.Linq;

namespace Ballast.Guests;

/// <summary>Domains for a real libvirtd.</summary>
public static class DomainXml
{
    /// <summary>
    /// The real Linux guest, without a disk and without its command channel; with a second monitor, beside libvirt's
    /// own, where a path is given.
    /// </summary>
    public static string ForLinuxGuest(
        string name, LinuxGuestImage image, int periodSeconds, Guid? uuid = null, int memoryMib = 256, string? monitorPath = null) =>
        Domain(
            name,
            uuid,
            memoryMib,
            monitorPath,
            new XElement("memballoon", new XAttribute("model", "virtio"), Stats(periodSeconds)),
            new XElement("kernel", image.Kernel),
            new XElement("initrd", image.InitialRamDisk),
            new XElement("cmdline", "console=ttyS0 panic=-1"));

    /// <summary>
    /// A machine that has nothing to boot; <paramref name="balloonModel"/> <c>none</c> takes its balloon too. The BIOS of
    /// such a machine starts over each minute; another firmware, such as <see cref="HaltFirmware"/>, takes its place.
    /// </summary>
    public static string WithoutGuest(
        string name, string balloonModel = "virtio", Guid? uuid = null, int memoryMib = 64, string? firmware = null) =>
        Domain(
            name,
            uuid,
            memoryMib,
            monitorPath: null,
            new XElement("memballoon", new XAttribute("model", balloonModel)),
            firmware is null ? [] : [new XElement("loader", new XAttribute("type", "rom"), firmware)]);

    /// <summary>A machine of 256 MiB with nothing to boot, into which memory can be plugged.</summary>
    public static string WithMemorySlots(string name, string firmware, IEnumerable<string> monitorPaths) =>
        new XElement(
            "domain",
            new XAttribute("type", "qemu"),
            new XElement("name", name),
            new XElement("maxMemory", new XAttribute("slots", 8), new XAttribute("unit", "MiB"), 2048),
            new XElement("memory", new XAttribute("unit", "MiB"), 256),
            new XElement("vcpu", 1),
            new XElement(
                "os",
                new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "pc"), "hvm"),
                new XElement("loader", new XAttribute("type", "rom"), firmware)),
            new XElement("features", new XElement("acpi")),
            new XElement("cpu", new XElement("numa", new XElement(
                "cell", new XAttribute("id", 0), new XAttribute("cpus", 0), new XAttribute("memory", 256), new XAttribute("unit", "MiB")))),
            new XElement(
                "devices",
                new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none")),
                new XElement("memballoon", new XAttribute("model", "virtio"))),
            ExtraArguments([.. monitorPaths.SelectMany(path => (string[])["-qmp", $"unix:{path},server=on,wait=off"])])).ToString();

    /// <summary>A DIMM, or virtio-mem that asks its guest to take half of it.</summary>
    public static string MemoryDevice(bool isDimm, int mib) =>
        new XElement(
            "memory",
            new XAttribute("model", isDimm ? "dimm" : "virtio-mem"),
            new XElement(
                "target",
                new XElement("size", new XAttribute("unit", "MiB"), mib),
                new XElement("node", 0),
                isDimm ? null : new XElement("block", new XAttribute("unit", "MiB"), 2),
                isDimm ? null : new XElement("requested", new XAttribute("unit", "MiB"), mib / 2))).ToString();

    /// <summary>
    /// A machine that can panic, sleep and be stopped by its watchdog, as a program on the qtest socket makes it; with monitors
    /// beside libvirt's own.
    /// </summary>
    public static string ForRunStates(string name, string? firmware, IEnumerable<string> monitorPaths, string qtestPath, params string[] moreArguments)
    {
        var os = new XElement("os", new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "pc"), "hvm"));
        if (firmware is not null)
            os.Add(new XElement("loader", new XAttribute("type", "rom"), firmware));
        return new XElement(
            "domain",
            new XAttribute("type", "qemu"),
            new XElement("name", name),
            new XElement("memory", new XAttribute("unit", "MiB"), 64),
            new XElement("vcpu", 1),
            os,
            new XElement("features", new XElement("acpi")),
            new XElement("on_crash", "preserve"),
            new XElement("pm", new XElement("suspend-to-mem", new XAttribute("enabled", "yes"))),
            new XElement(
                "devices",
                new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none")),
                new XElement("panic", new XAttribute("model", "isa")),
                new XElement("watchdog", new XAttribute("model", "ib700"), new XAttribute("action", "pause")),
                new XElement("memballoon", new XAttribute("model", "virtio"))),
            ExtraArguments(
            [
                .. monitorPaths.SelectMany(path => (string[])["-qmp", $"unix:{path},server=on,wait=off"]),
                "-qtest", $"unix:{qtestPath},server=on,wait=off", "-qtest-log", "/dev/null", .. moreArguments,
            ])).ToString();
    }

    private static string Domain(
        string name, Guid? uuid, int memoryMib, string? monitorPath, XElement balloon, params XElement[] boot) =>
        new XElement(
            "domain",
            new XAttribute("type", "qemu"), // Emulated: the test machines have no usable KVM.
            new XElement("name", name),
            uuid is null ? null : new XElement("uuid", uuid),
            new XElement("memory", new XAttribute("unit", "MiB"), memoryMib),
            new XElement("vcpu", 1),
            new XElement("os", new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "q35"), "hvm"), boot),
            new XElement("features", new XElement("acpi")),
            new XElement(
                "devices",
                new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none")),
                new XElement("serial", new XAttribute("type", "null")),
                balloon),
            monitorPath is null ? null : ExtraArguments("-qmp", $"unix:{monitorPath},server=on,wait=off")).ToString();

    private static XElement ExtraArguments(params string[] arguments)
    {
        XNamespace qemu = "http://libvirt.org/schemas/domain/qemu/1.0";
        return new XElement(
            qemu + "commandline",
            arguments.Select(argument => new XElement(qemu + "arg", new XAttribute("value", argument))));
    }

    private static XElement? Stats(int periodSeconds) => periodSeconds == 0
        ? null
        : new XElement("stats", new XAttribute("period", periodSeconds.ToString(CultureInfo.InvariantCulture)));
}
