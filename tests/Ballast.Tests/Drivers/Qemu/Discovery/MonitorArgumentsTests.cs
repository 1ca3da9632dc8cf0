using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public class MonitorArgumentsTests
{
    public static TheoryData<string[], string?> Forms { get; } = new()
    {
        { ["-qmp", "unix:/run/a.sock,server=on,wait=off"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server,nowait"], "/run/a.sock" },
        { ["--qmp", "unix:/run/a.sock,server=yes"], "/run/a.sock" },
        { ["-qmp-pretty", "unix:rel.sock,server=on"], "/home/vm/rel.sock" },
        { ["-qmp", "unix:/run/a,,b.sock,server=on"], "/run/a,b.sock" },
        { ["-chardev", "socket,id=m,path=/run/a.sock,server=on,wait=off", "-mon", "chardev=m,mode=control"], "/run/a.sock" },
        { ["-mon", "m,mode=control,pretty=on", "-chardev", "socket,path=rel.sock,server,id=m"], "/home/vm/rel.sock" },
        { ["-mon", """{"chardev":"m","mode":"control"}""", "-chardev", "socket,id=m,path=/run/a.sock,server=on"], "/run/a.sock" },
        {
            ["-chardev", """{"id":"m","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"/run/a.sock"}},"server":true}}}""",
                "-mon", "chardev=m,mode=control"],
            "/run/a.sock"
        },
        { ["-chardev", "socket,id=m,path=/run/a.sock,server=on", "-qmp", "chardev:m"], "/run/a.sock" },
        { ["-qmp", "unix:/run/client.sock"], null },
        { ["-qmp", "tcp:127.0.0.1:4444,server=on"], null },
        { ["-chardev", "socket,id=m,path=/run/a.sock,server=on", "-mon", "chardev=m"], null },
        { ["-chardev", "socket,id=m,path=/run/a.sock,server=on", "-mon", "chardev=other,mode=control"], null },
        { ["-chardev", "socket,id=m,path=x,abstract=on,server=on", "-mon", "chardev=m,mode=control"], null },
        { ["-chardev", "{broken", "-mon", "chardev=m,mode=control"], null },
        { ["-monitor", "unix:/run/human.sock,server=on"], null },
        { ["-qmp"], null },
        { [], null },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Each_form_of_a_monitor_is_read(string[] arguments, string? path)
    {
        IReadOnlyList<MonitorSocket> found = MonitorArguments.Find(["qemu-system-x86_64", .. arguments], "/home/vm");
        Assert.Equal(path, found is [var monitor] ? monitor.Path : null);
        Assert.Equal(path is null ? 0 : 1, found.Count);
    }

    [Fact]
    public void Libvirts_passed_descriptor_is_a_monitor_without_a_path_and_managed()
    {
        MonitorSocket monitor = Assert.Single(MonitorArguments.Find(
            ["qemu-system-x86_64", "-chardev", "socket,id=charmonitor,fd=25,server=on,wait=off", "-mon", "chardev=charmonitor,id=monitor,mode=control"],
            "/"));
        Assert.Null(monitor.Path);
        Assert.Equal("libvirt", MonitorManager.Of(monitor));
    }

    [Theory]
    [InlineData("/var/lib/libvirt/qemu/domain-1-x/monitor.sock", "libvirt")]
    [InlineData("/run/user/1000/libvirt/qemu/run/x/monitor.sock", "libvirt")]
    [InlineData("/home/u/.config/libvirt/qemu/lib/domain-1-x/monitor.sock", "libvirt")]
    [InlineData("/var/run/qemu-server/100.qmp", "Proxmox VE")]
    [InlineData("/run/incus/c1/qemu.monitor", "Incus")]
    [InlineData("/var/snap/lxd/common/lxd/logs/v1/qemu.monitor", "LXD")]
    [InlineData("/run/vm1.sock", null)]
    public void A_managers_directory_tells_whose_a_monitor_is(string path, string? manager) =>
        Assert.Equal(manager, MonitorManager.Of(new MonitorSocket(path, null)));
}
