using System.Text.Json;
using Ballast.Guests;

namespace Ballast.Tests.Drivers;

/// <summary>Definitions with one mistake each, good ones among them: the test driver says of them what libvirt's says.</summary>
[Trait("needs", "virsh")]
[Trait("oracle", "libvirt 9.0")]
[Collection(TestDriverTests.Shared)]
public sealed class TestDeviceRulesTests
{
    // Reads definitions as an array of JSON, and says of each what libvirt's test driver says.
    private const string Oracle =
        """
        import json, libvirt, sys
        libvirt.registerErrorHandler(lambda *ignored: None, None)
        connection = libvirt.open("test:///default")
        said = []
        for xml in json.load(sys.stdin):
            try:
                connection.defineXML(xml).undefine()
                said.append("defined")
            except libvirt.libvirtError as e:
                said.append("%d %d %s" % (e.get_error_code(), e.get_error_domain(), e.get_error_message()))
        print(json.dumps(said))
        """;

    private static readonly string[] Characters =
        ["null", "vc", "pty", "stdio", "x", ""];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IEnumerable<string> Lists =>
    [
        "0-3", "", "x", "0-", "-1", "3-1", "0,0", "0-3,^2", "^2", "99999", "0 1", "0x", "4096", "16383", "16384", "0-99999", " 0 ", "0,,1", "all", "0-3,", "^0", "0,^0", ",0", "0-3,^1-2",
        "1-2-3", "0 ,1", "0, 1", "^", "0-0",
    ];

    private static IEnumerable<string> Devices =>
    [
        .. Kinds("disk", "type", "file", "volume", "x", ""), .. Disks(),
        .. Kinds("controller", "type", "ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa", "x", ""),
        "<controller type='ide' index='0'/><controller type='ide' index='0'/>", "<controller type='ide' index='0'/><controller type='ide' index='1'/>",
        "<controller type='ide' index='0'/><controller type='fdc' index='0'/>", "<controller type='ide' index='x'/>", "<controller type='ide' index=''/>",
        .. Kinds("interface", "type", "user", "ethernet", "null", "network", "bridge", "direct", "internal", "server", "client", "mcast", "udp", "vhostuser", "vdpa", "x", ""),
        "<interface type='network'><source network='default'/></interface>", "<interface type='bridge'><source bridge='br0'/></interface>",
        .. from address in (string[])["zz", "52:54:00:00:00:01", "01:00:00:00:00:01", "52:54:00:00:00", "52:54:00:00:00:01:02", "5:4:0:0:0:1", "52-54-00-00-00-01", "ff:ff:ff:ff:ff:ff"]
           select $"<interface type='user'><mac address='{address}'/></interface>",
        .. Kinds("graphics", "type", "sdl", "vnc", "rdp", "desktop", "spice", "egl-headless", "dbus", "x", ""), .. Kinds("filesystem", "type", "x", ""), .. Kinds("audio", "type", "x"),
        .. Kinds("sound", "model", "sb16", "es1370", "pcspk", "ac97", "ich6", "ich7", "ich9", "usb", "x", ""),
        .. Kinds("memballoon", "model", "virtio", "virtio-transitional", "virtio-non-transitional", "xen", "none", "x", ""),
        .. from more in (string[])["autodeflate='on'", "autodeflate='x'", "freePageReporting='off'", "freePageReporting='x'", "freePageReporting=''"]
           select $"<memballoon model='virtio' {more}/>",
        .. from period in (string[])["5", "-1", "x", "", "1.5"] select $"<memballoon model='virtio'><stats period='{period}'/></memballoon>",
        .. Kinds("iommu", "model", "intel", "x", ""), .. Kinds("vsock", "model", "virtio", "x"), .. Kinds("memory", "model", "x", ""), .. Kinds("tpm", "model", "x", ""),
        .. Kinds("watchdog", "model", "i6300esb", "ib700", "diag288", "x", ""), "<watchdog model='ib700'/><watchdog model='ib700'/>",
        .. Kinds("rng", "model", "x", ""), .. Kinds("panic", "model", "isa", "hyperv", "x", ""), .. Kinds("input", "type", "mouse", "tablet", "keyboard", "x", ""),
        .. Kinds("hostdev", "type", "x", ""), .. Kinds("redirdev", "type", "x", ""),
        .. Kinds("serial", "type", Characters), .. Kinds("parallel", "type", Characters), .. Kinds("console", "type", Characters), .. Kinds("channel", "type", "x", ""),
    ];

    private static IEnumerable<string> Pins =>
    [
        "<vcpupin vcpu='0' cpuset='0'/>", "<vcpupin vcpu='0' cpuset='x'/>", "<vcpupin vcpu='0' cpuset='^0'/>", "<vcpupin vcpu='0'/>", "<vcpupin cpuset='0'/>",
        "<vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='0' cpuset='1'/>", "<vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/>", "<emulatorpin cpuset='x'/>", "<emulatorpin cpuset='0-1'/>",
    ];

    [Fact]
    public async Task What_libvirts_test_driver_refuses_is_refused_in_its_words()
    {
        string[] definitions =
        [
            .. Lists.Select(list => Domain($"<vcpu cpuset='{list}'>2</vcpu>", "", "")),
            .. from placement in (string[])["static", "auto", "x", ""] select Domain($"<vcpu placement='{placement}'>2</vcpu>", "", ""),
            .. Pins.Select(pin => Domain("<vcpu>2</vcpu>", $"<cputune>{pin}</cputune>", "")),
            .. Devices.Select(device => Domain("<vcpu>2</vcpu>", "", device)),
        ];
        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("cases"), JsonSerializer.Serialize(definitions), Token);
        CommandResult result = await ChildProcess.RunAsync(
            "sh", ["-c", "/usr/bin/python3 -c \"$1\" < \"$2\"", "sh", Oracle, directory.File("cases")], cancellationToken: Token);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        string[] theirs = JsonSerializer.Deserialize<string[]>(result.Output)!;
        Assert.Contains("defined", theirs);

        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        List<string> differences = [];
        foreach ((string xml, string expected) in definitions.Zip(theirs))
        {
            string said = await SayAsync(connection, xml);
            if (said != expected)
                differences.Add($"{xml}\n  libvirt: {expected}\n  ours: {said}");
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    private static async Task<string> SayAsync(Connection connection, string xml)
    {
        try
        {
            await (await connection.DefineDomainAsync(xml, cancellationToken: Token)).UndefineAsync(cancellationToken: Token);
            return "defined";
        }
        catch (LibvirtException e)
        {
            return $"{(int)e.Code} {(int)e.Origin} {e.Message}";
        }
    }

    private static IEnumerable<string> Kinds(string element, string attribute, params IEnumerable<string> values) =>
        values.Select(value => element == "disk" ? Disk("vda", more: $"{attribute}='{value}'") : $"<{element} {attribute}='{value}'/>");

    private static IEnumerable<string> Disks() =>
    [
        .. from device in (string[])["disk", "cdrom", "floppy", "x", ""] from target in (string[])["vda", "fda", "hda"] select Disk(target, more: $"device='{device}'"),
        .. from bus in (string[])["ide", "fdc", "scsi", "virtio", "xen", "usb", "sata", "sd", "uml", "none", "x", ""] select Disk("vda", bus),
        .. from bus in (string[])["ide", "fdc"] select Disk("fda", bus, "device='floppy'"),
        .. from target in (string[])["vda", "hda", "sda", "xvda", "ubda", "fda", "x", "", "vd", "vd1", "zzz", "sda1", "sda1b", "vdaa", "VDA"] select Disk(target),
        Disk("vda") + Disk("vda"), Disk("vda") + Disk("vdb"), Disk("vda", "virtio") + Disk("vda", "scsi"),
        Disk("sda", more: "device='cdrom'").Replace("<source file='/x'/>", "", StringComparison.Ordinal) + Disk("sda"),
    ];

    private static string Disk(string target, string? bus = null, string more = "type='file'") =>
        $"<disk {more}><source file='/x'/><target dev='{target}'{(bus is null ? "" : $" bus='{bus}'")}/></disk>";

    private static string Domain(string vcpu, string tuning, string devices) =>
        $"<domain type='test'><name>ruled</name><memory>1024</memory>{vcpu}{tuning}<os><type>hvm</type></os><devices>{devices}</devices></domain>";
}
