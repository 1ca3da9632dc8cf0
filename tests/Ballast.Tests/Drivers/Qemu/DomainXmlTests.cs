using System.Xml.Linq;
using System.Xml.XPath;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What is read from a command line alone; a line break separates arguments.</summary>
public sealed class DomainXmlTests
{
    [Theory]
    // Boot: the last counts, whichever option says it; commas are doubled in the machine's own members alone.
    [InlineData("-kernel\na\n-kernel\nb,c", "string(os/kernel)", "b,c")]
    [InlineData("-kernel\na\n-machine\npc,kernel=b,,c", "string(os/kernel)", "b,c")]
    [InlineData("-kernel\na\n-append\n<x> & 'y'\n-initrd\ni", "concat(os/initrd, os/cmdline)", "i<x> & 'y'")]
    [InlineData("-bios\n/a&b", "concat(os/loader, os/loader/@type)", "/a&brom")]
    [InlineData("-drive\nif=pflash,file=/f,,1,readonly\n-drive\nfile=/v,if=pflash", "concat(os/loader, os/loader/@readonly, os/nvram)", "/f,1yes/v")]
    [InlineData("-drive\nif=pflash,unit=1,file=/v\n-drive\nif=pflash,unit=0,file=/f", "concat(os/loader, os/nvram)", "/f/v")]
    [InlineData("-machine\nq35,pflash0=f\n-blockdev\n{\"driver\":\"raw\",\"node-name\":\"f\",\"read-only\":true,\"file\":{\"driver\":\"file\",\"filename\":\"/f\"}}",
        "concat(os/loader, os/loader/@readonly)", "/fyes")]
    [InlineData("-machine\nq35,pflash0=f\n-blockdev\nfile,node-name=s,filename=/f,,g\n-blockdev\ndriver=raw,node-name=f,file=s", "string(os/loader)", "/f,g")]
    [InlineData("-machine\nq35,pflash0=nobody", "count(os/loader)", "0")]
    [InlineData("", "string(os/boot/@dev)", "hd")]
    [InlineData("-boot\ndn", "concat(os/boot[1]/@dev, os/boot[2]/@dev, count(os/boot))", "cdromnetwork2")]
    [InlineData("-boot\norder=d\n-boot\nmenu=on,splash-time=5,order=c", "concat(os/boot/@dev, os/bootmenu/@enable, os/bootmenu/@timeout)", "hdyes5")]
    [InlineData("-device\nvirtio-net,bootindex=2,id=n\n-device\n{\"driver\":\"ide-cd\",\"bootindex\":1}\n-boot\nc", "concat(os/boot[1]/@dev, os/boot[2]/@dev)", "cdromnetwork")]
    // Features, clock and ends.
    [InlineData("-machine\npc", "count(features/acpi)", "1")]
    [InlineData("-machine\npc\n-no-acpi", "count(features)", "0")]
    [InlineData("-machine\npc,acpi=off\n-machine\nacpi=on", "count(features/acpi)", "1")]
    [InlineData("-machine\nvirt", "count(features)", "0")]
    [InlineData("-machine\npc,smm=off,vmport=on", "concat(features/smm/@state, features/vmport/@state)", "offon")]
    [InlineData("-machine\npc\n-cpu\nhost,kvm=off", "string(features/kvm/hidden/@state)", "on")]
    [InlineData("", "string(clock/@offset)", "utc")]
    [InlineData("-rtc\nbase=localtime\n-rtc\ndriftfix=slew", "concat(clock/@offset, clock/timer/@name, clock/timer/@tickpolicy)", "localtimertccatchup")]
    [InlineData("-rtc\nbase=1970-01-02", "concat(clock/@offset, clock/@start)", "absolute86400")]
    [InlineData("-rtc\nbase=2001-09-09T01:46:40", "string(clock/@start)", "1000000000")]
    [InlineData("-rtc\nbase=never", "string(clock/@offset)", "utc")]
    [InlineData("-no-hpet\n-global\nkvm-pit.lost_tick_policy=discard", "concat(clock/timer[1]/@tickpolicy, clock/timer[2]/@present)", "discardno")]
    [InlineData("-global\ndriver=kvm-pit,property=lost_tick_policy,value=delay", "string(clock/timer/@tickpolicy)", "delay")]
    [InlineData("", "concat(on_poweroff, on_reboot, on_crash)", "destroyrestartdestroy")]
    [InlineData("-no-reboot", "string(on_reboot)", "destroy")]
    [InlineData("-no-reboot\n-action\nreboot=reset", "string(on_reboot)", "restart")]
    [InlineData("-action\npanic=pause,reboot=shutdown", "concat(on_reboot, on_crash)", "destroypreserve")]
    [InlineData("-no-shutdown", "string(on_poweroff)", "preserve")]
    [InlineData("-no-shutdown\n-chardev\nsocket,id=charmonitor,fd=3", "string(on_poweroff)", "destroy")]
    [InlineData("-global\nPIIX4_PM.disable_s3=0\n-global\nPIIX4_PM.disable_s3=1", "string(pm/suspend-to-mem/@enabled)", "no")]
    // Processors.
    [InlineData("", "count(cpu)", "0")]
    [InlineData("-cpu\nhost", "concat(cpu/@mode, count(cpu/model))", "host-passthrough0")]
    [InlineData("-cpu\nmax,migratable=on", "concat(cpu/@mode, cpu/@migratable, count(cpu/feature))", "maximumon0")]
    [InlineData("-cpu\nqemu64,+aes,-aes,vme=off,vme,level=9,hv_relaxed=on", "concat(cpu/model, count(cpu/feature), cpu/feature[1]/@policy, cpu/feature[2]/@policy)", "qemu642disablerequire")]
    [InlineData("-cpu\na\n-cpu\nb'<", "string(cpu/model)", "b'<")]
    [InlineData("-smp\n4", "count(cpu)", "0")]
    [InlineData("-smp\n4,sockets=4,cores=1,threads=1", "count(cpu)", "0")]
    [InlineData("-smp\n4,cores=2,threads=1", "concat(cpu/topology/@sockets, cpu/topology/@dies, cpu/topology/@cores)", "212")]
    [InlineData("-smp\n2,maxcpus=8\n-smp\nsockets=2,threads=2", "string(cpu/topology/@cores)", "2")]
    [InlineData("-smp\n5,cores=2,threads=1", "count(cpu)", "0")]
    [InlineData("-smp\n8,sockets=0x2,cores=02,threads=2", "concat(cpu/topology/@sockets, cpu/topology/@cores)", "22")]
    [InlineData("-smp\ncores=0,sockets=x", "count(cpu)", "0")]
    // Nodes and what their memory is made of.
    [InlineData("-numa\nnode,cpus=3,cpus=0-1,cpus=2,mem=64", "concat(cpu/numa/cell/@id, '/', cpu/numa/cell/@cpus, '/', cpu/numa/cell/@memory)", "0/0-3/65536")]
    [InlineData("-numa\nnode,cpus=4-2", "count(cpu/numa/cell/@cpus)", "0")]
    [InlineData("-numa\nnode,nodeid=0x1,cpus=010-0x9", "concat(cpu/numa/cell/@id, '/', cpu/numa/cell/@cpus)", "1/8-9")]
    [InlineData("-numa\nnode,cpus=0-18446744073709551615", "string(cpu/numa/cell/@cpus)", "0-18446744073709551615")]
    [InlineData("-object\n{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":67108864,\"share\":true}\n-numa\nnode,memdev=m\n-numa\nnode,mem=1G",
        "concat(cpu/numa/cell[1]/@memory, cpu/numa/cell[1]/@memAccess, cpu/numa/cell[2]/@memory, count(memoryBacking))", "65536shared10485760")]
    [InlineData("-numa\nnode,nodeid=1\n-numa\ndist,src=1,dst=0,val=20,val=21", "concat(cpu/numa/cell/distances/sibling/@id, cpu/numa/cell/distances/sibling/@value)", "021")]
    [InlineData("-object\nmemory-backend-ram,id=m,size=1M,host-nodes.0=1,host-nodes.1=0,host-nodes.2=4,policy=interleave\n-machine\npc,memory-backend=m",
        "concat(numatune/memory/@mode, numatune/memory/@nodeset)", "interleave0-1,4")]
    [InlineData("-object\n{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":1,\"host-nodes\":[3,2],\"policy\":\"bind\"}\n-numa\nnode,memdev=m\n-numa\nnode",
        "concat(numatune/memnode/@cellid, numatune/memnode/@mode, numatune/memnode/@nodeset)", "0strict2-3")]
    // Backing.
    [InlineData("", "count(memoryBacking)", "0")]
    [InlineData("-machine\npc,mem-merge=off\n-overcommit\nmem-lock=on", "count(memoryBacking/nosharepages) + count(memoryBacking/locked)", "2")]
    [InlineData("-mem-path\n/dev/hugepages\n-mem-prealloc", "concat(count(memoryBacking/hugepages), count(memoryBacking/allocation))", "10")]
    [InlineData("-mem-path\n/var/ram", "string(memoryBacking/source/@type)", "file")]
    [InlineData("-object\nmemory-backend-memfd,id=m,size=1M,hugetlb=on,hugetlbsize=2M\n-machine\npc,memory-backend=m", "string(memoryBacking/hugepages/page/@size)", "2048")]
    [InlineData("-object\nmemory-backend-memfd,id=m,size=1M,share=yes,prealloc=y,discard-data\n-machine\npc,memory-backend=m",
        "concat(memoryBacking/source/@type, memoryBacking/access/@mode, memoryBacking/allocation/@mode, count(memoryBacking/discard))", "memfdsharedimmediate1")]
    [InlineData("-object\nmemory-backend-file,id=m,size=1M,share=on\n-object\nmemory-backend-ram,id=m\n-machine\npc,memory-backend=m", "string(memoryBacking/source/@type)", "file")]
    [InlineData("-machine\npc,memory-backend=nobody", "count(memoryBacking)", "0")]
    [InlineData("-m\n64,slots=2,maxmem=1G\n-m\nmaxmem=2G", "concat(maxMemory, '/', maxMemory/@slots)", "2097152/2")]
    [InlineData("-m\n64,slots=0,maxmem=1G", "count(maxMemory)", "0")]
    // Devices.
    [InlineData("-machine\nq35", "concat(devices/controller[@type='usb']/@model, devices/controller[@type='pci']/@model, count(devices/input))", "nonepcie-root2")]
    [InlineData("-machine\npc,usb=on", "count(devices/controller[@type='usb'])", "0")]
    [InlineData("-machine\nmicrovm", "count(devices/controller) + count(devices/input)", "0")]
    [InlineData("-device\n{\"driver\":\"pcie-root-port\",\"port\":16,\"chassis\":3,\"id\":\"pci.3\"}",
        "concat(devices/controller/@index, devices/controller/target/@chassis, devices/controller/target/@port)", "330x10")]
    [InlineData("-device\nisa-serial,chardev=c,id=s<\n-chardev\nsocket,id=c,path=/a,,b,server=on",
        "concat(devices/serial/@type, devices/serial/source/@mode, devices/serial/source/@path, devices/serial/alias/@name, devices/console/target/@type)", "unixbind/a,bs<serial")]
    [InlineData("-device\nvirtconsole,chardev=c\n-chardev\n{\"id\":\"c\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":\"inet\",\"data\":{\"host\":\"h\",\"port\":\"1\"}},\"server\":false}}}",
        "concat(devices/console/@type, devices/console/source/@mode, devices/console/source/@host, devices/console/source/@service)", "tcpconnecth1")]
    [InlineData("-device\nisa-serial,chardev=nobody", "string(devices/serial/@type)", "null")]
    [InlineData("-device\n{\"driver\":\n-device\nid=x", "count(devices/*)", "1")]
    [InlineData("-vnc\n[::1]:2,password=on", "concat(devices/graphics/@port, devices/graphics/@listen)", "5902::1")]
    [InlineData("-vnc\nnone", "count(devices/graphics)", "0")]
    [InlineData("-device\ni6300esb\n-action\nwatchdog=pause", "string(devices/watchdog/@action)", "pause")]
    [InlineData("-device\nvirtio-rng-pci,rng=r\n-object\nrng-random,id=r,filename=/dev/hwrng", "string(devices/rng/backend)", "/dev/hwrng")]
    public void A_command_line_is_described(string arguments, string path, string expected)
    {
        XElement xml = XElement.Parse(Describe(new QemuCommandLine(["qemu-system-x86_64", .. arguments.Split('\n')], null).Machine));

        Assert.Equal(expected, $"{xml.XPathEvaluate(path)}");
    }

    [Theory]
    [InlineData("virtio-disk0", "vda")]
    [InlineData("virtio-disk26", "vdaa")]
    [InlineData("virtio-disk702", "vdaaa")]
    [InlineData("ide0-1-0", "hdc")]
    [InlineData("sata1-0-2", "sdi")]
    [InlineData("scsi0-0-0-3", "sdd")]
    [InlineData("scsi0-0-3", "sdd")]
    [InlineData("usb-disk2", "sdc")]
    [InlineData("fdc0-0-1", "fdb")]
    [InlineData("virtio-disk", "virtio-disk")]
    [InlineData("virtio-disk99999", "virtio-disk99999")]
    [InlineData("ide0-1", "ide0-1")]
    [InlineData("sata9999-9999-9999", "sata9999-9999-9999")]
    [InlineData("disk0", "disk0")]
    [InlineData("", "")]
    public void A_disk_of_libvirts_has_libvirts_name(string alias, string target) => Assert.Equal(target, DiskTarget.Of(alias));

    internal static string Describe(MachineOptions options) => new QemuXml
    {
        Identity = new DomainIdentity("guest", Guid.Empty, 1),
        MaximumKiB = 65536,
        CurrentKiB = 65536,
        VirtualCpus = 1,
        MaxVirtualCpus = 1,
        Options = options,
    }.ToString();
}
