using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class AnonymousDevicesTests
{
    /// <summary>Devices of QEMU's, in the order in which it made them, and which of the command line's (a comma between them) each of them is.</summary>
    [Theory]
    [InlineData("a b a", "a,b,a", "0 1 2")]
    [InlineData("a,id=x a", "a", "1")]
    [InlineData("a b", "plugged,b", "- 1")]
    [InlineData("a b", "b,a", "1 -")]
    [InlineData("""{"driver":"a"} a b""", "a,b,a", "1 2 0")]
    [InlineData("""{"driver":"virtio-blk-pci"} drive""", "virtio-blk-pci,virtio-blk-pci", "- 0")]
    [InlineData("virtio-rng vhost-vsock virtio-net", "virtio-rng-ccw,vhost-vsock-device,virtio-net-pci", "0 1 2")]
    [InlineData("virtio-rng-pci", "virtio-rng-pci-transitional", "-")]
    [InlineData("pvpanic", "pvpanic-pci", "-")]
    [InlineData("ahci lsi e1000-82540em ac97 es1370", "ich9-ahci,lsi53c895a,e1000,AC97,ES1370", "0 1 2 3 4")]
    public void A_device_without_an_id_is_found(string said, string made, string places)
    {
        string[] arguments = [.. said.Split(' ').SelectMany(one => (string[])(one == "drive" ? ["-drive", "if=virtio,file=/a"] : ["-device", one]))];
        var options = new QemuCommandLine(["qemu-system-x86_64", .. arguments], null).Machine;
        AnonymousDevices devices = new(options.Devices, options.VirtioDrives);

        Assert.Equal(places, string.Join(' ', made.Split(',').Select(model => devices.FindNext(model)?.ToString(null, null) ?? "-")));
    }

    [Theory]
    [InlineData("device[0]", 0U)]
    [InlineData("device[10]", 10U)]
    [InlineData("device[x]", uint.MaxValue)]
    [InlineData("other", uint.MaxValue)]
    public void Its_number_is_in_its_name(string name, uint number) => Assert.Equal(number, AnonymousDevices.Number(name));
}
