using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>Paths, ids and names as they stand in real command lines; docs/access.md says whose.</summary>
public class MonitorManagersTests
{
    [Theory]
    [InlineData("/var/lib/libvirt/qemu/domain-1-vm/monitor.sock", "charmonitor", null, "libvirt")]
    [InlineData(null, "charmonitor", null, "libvirt")]
    [InlineData("/somewhere/else/monitor.sock", "charmonitor", null, "libvirt")]
    [InlineData("/var/run/libvirt/qemu/vm.sock", null, null, "libvirt")]
    [InlineData("/run/user/1000/libvirt/qemu/run/domain-1-vm/monitor.sock", null, null, "libvirt")]
    [InlineData("/home/u/.config/libvirt/qemu/lib/domain-1-vm/monitor.sock", null, null, "libvirt")]
    [InlineData("/home/u/.var/app/org.gnome.Boxes/config/libvirt/qemu/lib/domain-1-vm/monitor.sock", null, null, "libvirt")]
    [InlineData("/var/run/qemu-server/100.qmp", "qmp", "vm", "Proxmox VE")]
    [InlineData("/run/qemu-server/100.qmp", "qmp", "vm", "Proxmox VE")]
    [InlineData("//var//run/qemu-server/./100.qmp", "qmp", "vm", "Proxmox VE")]
    [InlineData("/run/incus/default_vm/qemu.monitor", "monitor", "vm", "Incus")]
    [InlineData("/var/log/incus/vm/qemu.monitor", "monitor", "vm", "Incus")]
    [InlineData("/var/snap/lxd/common/lxd/logs/vm/qemu.monitor", "monitor", "vm", "LXD")]
    [InlineData("/var/log/lxd/vm/qemu.monitor", "monitor", "vm", "LXD")]
    [InlineData("/srv/incus/logs/vm/qemu.monitor", "monitor", "vm", "Incus or LXD")]
    [InlineData("/var/run/ganeti/kvm-hypervisor/ctrl/instance1.example.org.qmp", null, "instance1.example.org", "Ganeti")]
    [InlineData("/run/ganeti/kvm-hypervisor/ctrl/instance1.example.org.kvmd", null, "instance1.example.org", "Ganeti")]
    [InlineData("/run/vc/vm/aed7737ccc2f/qmp.sock", null, "sandbox-aed7737ccc2f", "Kata Containers")]
    [InlineData("/run/user/1000/run/vc/vm/aed7737ccc2f/qmp.sock", null, "sandbox-aed7737ccc2f", "Kata Containers")]
    [InlineData(null, null, "sandbox-aed7737ccc2f", "Kata Containers")]
    [InlineData("/home/u/.lima/default/qmp.sock", "char-qmp", "lima-default", "lima")]
    [InlineData("/home/u/.colima/_lima/colima/qmp.sock", "char-qmp", "lima-colima", "lima")]
    [InlineData("/home/u/.local/share/rancher-desktop/lima/0/qmp.sock", "char-qmp", "lima-0", "lima")]
    [InlineData("/run/user/1000/podman/qmp_podman-machine-default.sock", null, null, "podman machine")]
    [InlineData("/tmp/podman/qmp_mine.sock", null, null, "podman machine")]
    [InlineData("/home/u/.minikube/machines/minikube/monitor", null, null, "minikube")]
    [InlineData("/run/shm/qemu-qmp-ballooning.sock", null, "qemu", "the qemus/qemu container")]
    [InlineData("/dev/shm/qemu-qmp-ballooning.sock", null, "windows", "the qemus/qemu container")]
    public void Whose_a_monitor_is(string? path, string? chardevId, string? guest, string manager) =>
        Assert.Equal(manager, MonitorManagers.Known.Of(path, chardevId, guest));

    [Theory]
    [InlineData("/run/vm1.sock", null, "vm1")]
    [InlineData("/run/libvirtual/vm1.sock", null, "vm1")]
    [InlineData("/run/ballast-qmp/vm1.sock", null, "vm1")]
    [InlineData("/run/qemu-server.sock", "qmp", "vm1")]
    [InlineData("/run/ganeti/vm1.sock", null, "vm1")]
    [InlineData("/home/u/vms/qmp.sock", "char-qmp", "vm1")]
    [InlineData("/home/u/.lima/default/mine.sock", "mine", "lima-default")]
    [InlineData("/home/u/podman/vm1.sock", null, "vm1")]
    [InlineData("/home/u/qmp_vm1.sock", null, "vm1")]
    [InlineData("/home/u/monitor", "monitor", "vm1")]
    [InlineData("/run/vc/vm/aed7737ccc2f/extra-monitor.sock", null, "sandbox-aed7737ccc2f")]
    [InlineData("/home/u/sandbox.sock", null, "sandbox-aed7737ccc2f")]
    [InlineData("/run/shm/qmp.sock", null, "qemu")]
    [InlineData("relative/libvirtd.sock", null, null)]
    [InlineData("/run/a\0b", null, null)]
    [InlineData("", "", "")]
    [InlineData(null, "mon0", "vm1")]
    [InlineData(null, null, null)]
    public void Nobody_is_known_for_others(string? path, string? chardevId, string? guest) =>
        Assert.Null(MonitorManagers.Known.Of(path, chardevId, guest));

    [Theory]
    [InlineData("/run/mine/vm1.sock", "mine")]
    [InlineData("/var/run/mine/deeper/vm1.sock", "mine")]
    [InlineData("/run/mine2/vm1.sock", null)]
    [InlineData("/run/mine", null)]
    [InlineData("/srv/vms/vm1.sock", "theirs")]
    [InlineData("/run/qemu-server/own/vm1.sock", "a plugin")]
    [InlineData("/run/qemu-server/100.qmp", "Proxmox VE")]
    public void Options_add_directories_and_outrank_the_table(string path, string? manager)
    {
        ConnectionOptions options = new()
        {
            ManagedDirectories = new Dictionary<string, string>
            {
                ["/run/mine"] = "mine",
                ["/srv//vms/"] = "theirs",
                ["/run/qemu-server/own"] = "a plugin",
            },
        };
        Assert.Equal(manager, MonitorManagers.Of(options).Of(path, null));
    }

    [Fact]
    public void Without_options_there_is_one_table() => Assert.Same(MonitorManagers.Known, MonitorManagers.Of(ConnectionOptions.Default));

    [Theory]
    [InlineData("run/mine", "mine")]
    [InlineData("", "mine")]
    [InlineData("/run/mine", " ")]
    public void A_wrong_directory_or_an_empty_name_is_refused_at_once(string directory, string manager) =>
        Assert.Throws<ArgumentException>(() => new ConnectionOptions { ManagedDirectories = new Dictionary<string, string> { [directory] = manager } });
}
