using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public class MonitorArgumentsTests
{
    private const string Device = "socket,id=m,path=/run/a.sock,server=on,wait=off";

    public static TheoryData<string[], string?> Forms { get; } = new()
    {
        { ["-qmp", "unix:/run/a.sock,server=on,wait=off"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server,nowait"], "/run/a.sock" },
        { ["--qmp", "unix:/run/a.sock,server=yes"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server=y"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server=true"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server=off,server=on"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,noserver,server"], "/run/a.sock" },
        { ["-qmp", "unix:x,path=/run/a.sock,server"], "/run/a.sock" },
        { ["-qmp", "unix:path=/run/a.sock,server"], "/run/a.sock" },
        { ["-qmp", "mon:unix:/run/a.sock,server"], "/run/a.sock" },
        { ["-qmp-pretty", "unix:rel.sock,server=on"], "rel.sock" },
        { ["-qmp", "unix:/run/a,,b.sock,server=on"], "/run/a,b.sock" },
        { ["-qmp", "unix:/run/a,,b=c,server=on"], "/run/a,b=c" },
        { ["-chardev", Device, "-mon", "chardev=m,mode=control"], "/run/a.sock" },
        { ["-chardev", Device, "-mon", "m,mode=control"], "/run/a.sock" },
        { ["-chardev", Device, "-mon", "x,chardev=m,mode=readline,mode=control"], "/run/a.sock" },
        { ["-mon", "m,mode=control,pretty=on", "-chardev", "socket,path=rel.sock,server,id=m"], "rel.sock" },
        { ["-chardev", "id=m,backend=socket,path=x,path=rel.sock,server=on", "-mon", "m,mode=control"], "rel.sock" },
        { ["-chardev", "socket,id=m,id=n,path=rel.sock,server=on", "-mon", "m,mode=control"], "rel.sock" },
        { ["-mon", """{"chardev":"m","mode":"control"}""", "-chardev", Device], "/run/a.sock" },
        {
            ["-chardev", """{"id":"m","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"/run/a.sock"}},"server":true}}}""",
                "-mon", "chardev=m,mode=control"],
            "/run/a.sock"
        },
        { ["-chardev", Device, "-qmp", "chardev:m"], "/run/a.sock" },
        { ["-qmp", "chardev:m", "-chardev", Device], "/run/a.sock" },
        { ["-chardev", "socket,id=m,path=/run/a.sock", "-set", "chardev.m.server=on", "-qmp", "chardev:m"], "/run/a.sock" },
        { ["-chardev", Device, "-set", "chardev.m.path=/run/b,c", "-qmp", "chardev:m"], "/run/b,c" },
        { ["-set", "chardev.m.path=/run/b", "-chardev", Device, "-qmp", "chardev:m"], "/run/a.sock" },
        { ["-chardev", Device, "-mon", "m,id=q", "-set", "mon.q.mode=control"], "/run/a.sock" },
        { ["-monitor", "unix:/run/a.sock,server,mux=on", "-mon", "compat_monitor0,mode=control"], "/run/a.sock" },
        { ["-monitor", "none", "-mon", "compat_monitor0,mode=control", "-monitor", "mon:unix:/run/a.sock,server"], "/run/a.sock" },
        { ["-chardev", Device, "-monitor", "chardev:m", "-monitor", "unix:b,server,mux=on", "-mon", "compat_monitor1,mode=control"], "b" },
        { ["-monitor", "unix:/run/a.sock,server", "-set", "mon.compat_monitor0.mode=control"], "/run/a.sock" },
        { ["-qmp", "unix:x,server", "-set", "chardev.compat_monitor0.path=/run/a.sock"], "/run/a.sock" },
        { ["-monitor", "unix:/run/a.sock,server", "-qmp", "unix:/run/a.sock,server"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server", "-qmp", "unix:/run/a.sock,server"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server", "-monitor", "unix:/run/a.sock"], "/run/a.sock" },
        { ["-qmp", "unix:/run/a.sock,server", "-monitor", "unix:/run/a.sock,server"], null },
        { ["-qmp", "unix:/run/a.sock,server", "-chardev", Device], null },
        { ["-serial", "unix:/run/a.sock,server", "-qmp", "unix:/run/a.sock,server"], null },
        { ["-chardev", Device, "-monitor", "unix:b,server,mux=on", "-mon", "compat_monitor1,mode=control"], null },
        { ["-chardev", Device, "-mon", "chardev=m"], null },
        { ["-chardev", Device, "-mon", "chardev=m,mode=control,mode=readline"], null },
        { ["-chardev", Device, "-mon", "chardev=other,mode=control"], null },
        { ["-chardev", Device, "-mon", "mode=control"], null },
        { ["-chardev", Device, "-monitor", "chardev:m"], null },
        { ["-chardev", "{broken", "-mon", "chardev=m,mode=control"], null },
        { ["-monitor", "unix:/run/human.sock,server=on"], null },
        { ["-serial", "mon:unix:/run/human.sock,server=on"], null },
        { ["-qmp", "none"], null },
        { ["-qmp", "UNIX:/run/a.sock,server"], null },
        { ["-append", "-qmp", "unix:/run/a.sock,server"], null },
        { ["-qmp"], null },
        { [], null },
    };

    public static TheoryData<string, string, string> Kinds { get; } = new()
    {
        { "unix:s,server,nowait", nameof(MonitorKind.Unix), "unix:s" },
        { "unix:s,server,nowait,tight=off", nameof(MonitorKind.Unix), "unix:s" },
        { "unix:,server,nowait", nameof(MonitorKind.Unix), "unix" },
        { "unix:s,server,nowait,abstract=on", nameof(MonitorKind.Abstract), "abstract:s" },
        { "unix:s,server,nowait,abstract", nameof(MonitorKind.Abstract), "abstract:s" },
        { "unix:s,server,nowait,websocket=on", nameof(MonitorKind.Other), "unix:s (websocket)" },
        { "unix:s", nameof(MonitorKind.Other), "unix:s (as a client)" },
        { "unix:s,server=off", nameof(MonitorKind.Other), "unix:s (as a client)" },
        { "unix:s,server,noserver,reconnect=1", nameof(MonitorKind.Other), "unix:s (as a client)" },
        { "unix:s,server=1", nameof(MonitorKind.Other), "unix:s (as a client)" },
        { "unix:s,server,nowait,fd=3", nameof(MonitorKind.Other), "unix:s" },
        { "unix:s,server,nowait,backend=pty", nameof(MonitorKind.Other), "pty:s" },
        { "tcp:127.0.0.1:4444,server,nowait", nameof(MonitorKind.Tcp), "tcp:127.0.0.1:4444" },
        { "tcp::4444,server,nowait", nameof(MonitorKind.Tcp), "tcp::4444" },
        { "tcp:127.0.0.1:4444,server,host=::1", nameof(MonitorKind.Tcp), "tcp:::1:4444" },
        { "tcp:127.0.0.1:4444", nameof(MonitorKind.Other), "tcp:127.0.0.1:4444 (as a client)" },
        { "telnet:127.0.0.1:4444,server,nowait", nameof(MonitorKind.Other), "telnet:127.0.0.1:4444" },
        { "tcp:127.0.0.1:4444,server,tls-creds=t", nameof(MonitorKind.Other), "tls:127.0.0.1:4444" },
        { "stdio", nameof(MonitorKind.Other), "stdio" },
        { "pty", nameof(MonitorKind.Other), "pty" },
        { "null", nameof(MonitorKind.Other), "null" },
        { "file:x", nameof(MonitorKind.Other), "file:x" },
        { "pipe:/run/p", nameof(MonitorKind.Other), "pipe:/run/p" },
        { "/dev/ttyS0", nameof(MonitorKind.Other), "serial:/dev/ttyS0" },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Each_form_of_a_monitor_is_read(string[] arguments, string? path)
    {
        IReadOnlyList<MonitorSocket> found = Find(arguments);
        Assert.Equal(path, found is [{ Kind: MonitorKind.Unix } monitor] ? monitor.Path : null);
        Assert.Equal(path is null ? 0 : 1, found.Count);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Each_kind_of_a_monitor_is_told_apart(string argument, string kind, string address)
    {
        MonitorSocket monitor = Assert.Single(Find("-qmp", argument));
        Assert.Equal((kind, address), (monitor.Kind.ToString(), monitor.Address));
        Assert.Equal(kind is nameof(MonitorKind.Unix) or nameof(MonitorKind.Abstract) && address != "unix", monitor.Path is not null);
    }

    [Theory]
    [InlineData("server=on", true)]
    [InlineData("server", true)]
    [InlineData("server=on,wait=on", true)]
    [InlineData("server,wait", true)]
    [InlineData("server,nowait,wait=y", true)]
    [InlineData("server=on,wait=off", false)]
    [InlineData("server,nowait", false)]
    [InlineData("server=y,wait=n", false)]
    [InlineData("server=yes,wait=no", false)]
    [InlineData("server=true,wait=false", false)]
    [InlineData("wait=on", false)] // A client's.
    public void A_guest_that_waits_for_its_controller_is_known(string members, bool waits) =>
        Assert.Equal(waits, Assert.Single(Find("-qmp", $"unix:s,{members}")).WaitsForClient);

    [Fact]
    public void Monitors_stand_in_the_order_in_which_they_are_opened() => Assert.Equal(
        ["unix:1", "unix:/run/a.sock", "unix:3", "stdio"],
        Find("-qmp", "unix:1,server", "-mon", "m,mode=control", "-monitor", "unix:h,server", "-qmp-pretty", "unix:3,server",
            "-chardev", Device, "-qmp", "stdio").Select(monitor => monitor.Address));

    [Fact]
    public void Libvirts_passed_descriptor_is_a_monitor_without_a_path_and_managed()
    {
        MonitorSocket monitor = Assert.Single(Find(
            "-chardev", "socket,id=charmonitor,fd=25,server=on,wait=off", "-mon", "chardev=charmonitor,id=monitor,mode=control"));
        Assert.Equal(new MonitorSocket(null, "charmonitor") { Kind = MonitorKind.PassedDescriptor, Descriptor = 25, Address = "fd:25" }, monitor);
        Assert.Equal("libvirt", MonitorManagers.Known.Of(monitor.Path, monitor.ChardevId));
    }

    [Theory]
    [InlineData("0x3")]
    [InlineData("/3")]
    [InlineData("-1")]
    [InlineData("99999999999")]
    public void What_is_no_descriptor_is_none(string fd)
    {
        MonitorSocket monitor = Assert.Single(Find("-chardev", $"socket,id=m,fd={fd},server=on", "-mon", "m,mode=control"));
        Assert.Equal((MonitorKind.Other, null), (monitor.Kind, monitor.Descriptor));
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
        Assert.Equal(manager, MonitorManagers.Known.Of(path, null));

    private static IReadOnlyList<MonitorSocket> Find(params string[] arguments) =>
        new QemuCommandLine(["qemu-system-x86_64", .. arguments], "/home/vm").Monitors;
}
