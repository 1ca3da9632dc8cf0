using System.Globalization;
using System.Xml.Linq;
using System.Xml.XPath;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The XML of a real QEMU that somebody started by hand: devices without ids, and more that libvirt writes otherwise.</summary>
[Trait("needs", "qemu")]
public sealed class NamelessDevicesXmlTests
{
    private const int Sources = 10;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_device_has_its_own_options()
    {
        using PrivateDirectory directory = new();
        await using QemuProcess qemu = await StartAsync(directory, "-drive", "if=virtio,driver=null-co,read-zeroes=on");
        XElement xml = XElement.Parse(await DescribeAsync(qemu));

        Assert.Equal("43dc0cf8-809b-4adb-9bea-a9abb5f3d90e", xml.Element("genid")?.Value);
        Assert.Equal(
            ["77", .. Enumerable.Range(0, Sources).Select(i => (1024 + i).ToString(CultureInfo.InvariantCulture))],
            xml.XPathSelectElements("devices/rng/rate").Select(rate => rate.Attribute("bytes")!.Value));
        Assert.Equal(Sources + 1, xml.XPathSelectElements("devices/rng/backend[@model='builtin']").Count());
        Assert.Equal(
            [$"A {directory.Path} 0", $"B {directory.Path} 1"],
            xml.XPathSelectElements("devices/filesystem").Select(one =>
                $"{one.XPathEvaluate("string(target/@dir)")} {one.XPathEvaluate("string(source/@dir)")} {one.XPathEvaluate("count(readonly)")}"));
        Assert.Equal("null", xml.XPathEvaluate("string(devices/serial/@type)"));
        Assert.Equal("ivshmem-plain shared", xml.XPathEvaluate("concat(devices/shmem/model/@type, ' ', devices/shmem/@name)"));
        Assert.Equal("1", xml.XPathEvaluate("string(devices/shmem/size)"));
    }

    [Fact]
    [Trait("needs", "libvirtd")]
    [Trait("needs", "virsh")]
    public async Task Libvirt_takes_it()
    {
        using PrivateDirectory directory = new();
        await File.WriteAllBytesAsync(directory.File("disk"), new byte[1 << 20], Token);
        await using QemuProcess qemu = await StartAsync(
            directory,
            "-blockdev", $"driver=file,node-name=libvirt-1-storage,aio=threads,filename={directory.File("disk")}", "-device", "virtio-scsi-pci,id=scsi0",
            "-device", "scsi-hd,drive=libvirt-1-storage,bus=scsi0.0,id=scsi0-0-0-0,wwn=0x5000c500155e5d42", "-audiodev", "none,id=aud0",
            "-smbios", "type=1,manufacturer=A,product=P", "-smbios", "type=1,manufacturer=B");
        string text = await DescribeAsync(qemu);
        XElement xml = XElement.Parse(text);

        Assert.Equal("raw threads 5000c500155e5d42", xml.XPathEvaluate("concat(devices/disk/driver/@type, ' ', devices/disk/driver/@io, ' ', devices/disk/wwn)"));
        await using LibvirtDaemon libvirt = await LibvirtDaemon.StartAsync(Token);
        await File.WriteAllTextAsync(directory.File("guest.xml"), text, Token);
        Assert.Equal("", (await libvirt.VirshAsync(["define", "--validate", directory.File("guest.xml")], Token)).Errors.Trim());
        XElement theirs = XElement.Parse((await libvirt.VirshAsync(["dumpxml", "guest"], Token)).Output);
        foreach (string path in (string[])["devices/disk/driver", "devices/disk/wwn", "devices/audio", "sysinfo"])
            Assert.Equal(xml.XPathSelectElement(path)?.ToString(), theirs.XPathSelectElement(path)?.ToString());
    }

    private static async Task<string> DescribeAsync(QemuProcess qemu)
    {
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{qemu.MonitorPaths[0]}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        return await Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token)).GetXmlAsync(DomainXmlFlags.Inactive, Token);
    }

    private static async Task<QemuProcess> StartAsync(PrivateDirectory directory, params string[] more)
    {
        HaltFirmware.WriteTo(directory.File("halt.bin"));
        return await QemuProcess.StartAsync(new QemuOptions
        {
            Arguments =
            [
                "-accel", "tcg,tb-size=1", "-M", "pc", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-name", "guest",
                "-uuid", "8a3b3b1e-0f3f-4e0c-9a63-0d6a1fb5a0d1", "-bios", directory.File("halt.bin"), "-object", "rng-builtin,id=r",
                "-fsdev", $"local,id=fa,path={directory.Path},security_model=none", "-fsdev", $"local,id=fb,path={directory.Path},security_model=none,readonly=on",
                "-chardev", "null,id=c", "-object", $"memory-backend-file,id=shm,size=1M,share=on,mem-path={directory.File("shared")}",
                "-device", """{"driver":"virtio-rng-pci","rng":"r","max-bytes":77,"period":1000}""",
                .. Enumerable.Range(0, Sources).SelectMany(i => (string[])["-device", $"virtio-rng-pci,rng=r,period=1000,max-bytes={1024 + i}"]),
                "-device", "vmgenid,guid=43dc0cf8-809b-4adb-9bea-a9abb5f3d90e", "-device", "virtio-9p-pci,fsdev=fa,mount_tag=A",
                "-device", "isa-serial,chardev=c", "-device", "virtio-9p-pci,fsdev=fb,mount_tag=B", "-device", "ivshmem-plain,memdev=shm", .. more,
            ],
        }, Token);
    }
}
