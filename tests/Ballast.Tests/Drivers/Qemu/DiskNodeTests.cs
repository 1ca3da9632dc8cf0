using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>The nodes of a disk's; a line break separates arguments, and the disk uses the node <c>n</c>.</summary>
public sealed class DiskNodeTests
{
    [Theory]
    [InlineData("", "qcow2", "qcow2", null)]
    [InlineData("", "file", "raw", null)]
    [InlineData("", "host_device", "raw", null)]
    [InlineData("", "nbd", "raw", null)]
    [InlineData("", "luks", "raw", null)]
    [InlineData("", "vhdx", null, null)]
    [InlineData("", "throttle", null, null)]
    [InlineData("-blockdev\ndriver=file,node-name=n,filename=/a,aio=threads", "file", "raw", "threads")]
    [InlineData("-blockdev\nfile,node-name=s,filename=/a,aio=native\n-blockdev\nqcow2,node-name=n,file=s", "qcow2", "qcow2", "native")]
    [InlineData("-blockdev\n{\"driver\":\"qcow2\",\"node-name\":\"n\",\"file\":{\"driver\":\"file\",\"filename\":\"/a\",\"aio\":\"threads\"}}", "qcow2", "qcow2", "threads")]
    [InlineData("-blockdev\nfile,node-name=s,filename=/a,aio=threads\n-blockdev\nthrottle,node-name=n,file=s,throttle-group=g", "throttle", "raw", "threads")]
    [InlineData("-blockdev\nfile,node-name=s,filename=/a,aio=threads\n-blockdev\nqcow2,node-name=f,file=s\n-blockdev\ncopy-on-read,node-name=n,file=f", "copy-on-read", "qcow2", "threads")]
    [InlineData("-blockdev\nthrottle,node-name=n,file=n", "throttle", null, null)]
    public void The_format_and_the_storage_are_found(string arguments, string driver, string? format, string? io)
    {
        DiskNode node = DiskNode.Of(new QemuCommandLine(["qemu-system-x86_64", .. arguments.Split('\n')], null).Machine, "n");

        Assert.Equal((format, io), (node.Format(driver), node.Storage?["aio"]));
    }
}
