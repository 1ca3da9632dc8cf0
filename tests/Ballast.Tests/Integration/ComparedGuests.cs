namespace Ballast.Tests.Integration;

/// <summary>Guests of many kinds, as libvirt's XML, whose descriptions are compared. DIR stands for a directory of files.</summary>
internal static class ComparedGuests
{
    private const string Memory = "<memory unit='MiB'>64</memory><vcpu>1</vcpu>";
    private const string Acpi = "<features><acpi/></features>";
    private const string NoUsb = "<controller type='usb' model='none'/>";
    private const string OneNode = "<cpu><numa><cell id='0' cpus='0-1' memory='64' unit='MiB'/></numa></cpu>";
    private const string Slots = "<maxMemory slots='4' unit='MiB'>1024</maxMemory>";

    /// <summary>Name, machine, what stands before <c>os</c>, in it, behind it, and the devices.</summary>
    private static readonly (string Name, string Machine, string Head, string Os, string Middle, string Devices)[] Guests =
    [
        ("plain", "pc", Memory, "", "", ""),
        ("bare", "q35", Memory, "", Acpi, NoUsb + "<memballoon model='none'/>"),
        ("disks", "q35", "<memory unit='MiB'>64</memory><currentMemory unit='MiB'>48</currentMemory><vcpu current='2'>4</vcpu>",
            "<boot dev='hd'/><boot dev='cdrom'/><bootmenu enable='yes' timeout='3000'/>",
            "<features><acpi/><apic/><pae/></features><clock offset='localtime'/>",
            Disk("vda", "virtio") + Disk("sda", "sata", "cdrom") + Disk("sdb", "sata") + Disk("fda", "fdc", "floppy")
            + "<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>"),
        ("buses", "pc", Memory, "<boot dev='cdrom'/><boot dev='network'/>", Acpi,
            Disk("hda", "ide") + Disk("hdc", "ide", "cdrom") + Disk("sda", "scsi") + Disk("sdb", "usb") + Disk("vdc", "virtio", more: "<readonly/><serial>a1</serial>")
            + "<controller type='scsi' index='0' model='virtio-scsi'/><controller type='usb' index='0' model='qemu-xhci'/>"
            + Card("34", "e1000")),
        ("lsi", "pc", Memory, "", "", Disk("sda", "scsi") + "<controller type='scsi' index='0' model='lsilogic'/>"),
        ("ordered", "q35", Memory, "", Acpi, Disk("vda", "virtio", more: "<boot order='2'/>") + Card("35", "virtio", "<boot order='1'/>")),
        ("cards", "pc", Memory, "", "", Card("36", "virtio") + Card("37", "rtl8139") + Card("38", "ne2k_pci")),
        ("balloon", "q35", Memory, "", Acpi,
            NoUsb + "<memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='5'/></memballoon>"),
        ("oldballoon", "q35", Memory, "", "", "<memballoon model='virtio-transitional'/>"),
        ("kernel", "q35", Memory.Replace(">1<", ">2<", StringComparison.Ordinal),
            "<kernel>DIR/kernel</kernel><cmdline>console=ttyS0, a=&quot;b&quot; &lt;x&gt;</cmdline>",
            Acpi + "<cpu mode='custom' match='exact'><model>Nehalem</model><topology sockets='2' dies='1' cores='1' threads='1'/>"
            + "<feature policy='require' name='aes'/><feature policy='disable' name='vme'/></cpu>", "<serial type='null'/>"),
        ("firmware", "pc", Memory, "<loader type='rom'>DIR/firmware</loader>", "<on_reboot>destroy</on_reboot><on_crash>preserve</on_crash>", ""),
        ("maximum", "q35", Memory, "", Acpi + "<cpu mode='maximum' migratable='off'/><clock offset='absolute' start='1000000000'/>",
            "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"),
        ("variable", "pc", Memory, "", "<clock offset='variable' adjustment='3600' basis='utc'/>", ""),
        ("timers", "q35", Memory, "",
            "<clock offset='timezone' timezone='Europe/Berlin'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>"
            + "<timer name='hpet' present='no'/></clock><pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='yes'/></pm>",
            "<watchdog model='i6300esb' action='pause'/>"),
        ("switches", "q35", Memory, "", "<features><acpi/><vmport state='off'/><smm state='off'/></features>", "<panic model='isa'/>"),
        ("cells", "q35", "<memory unit='MiB'>128</memory><vcpu>6</vcpu>", "",
            "<cpu><topology sockets='1' dies='1' cores='3' threads='2'/><numa><cell id='0' cpus='0,2-3' memory='64' unit='MiB'/>"
            + "<cell id='1' cpus='1,4-5' memory='64' unit='MiB'/></numa></cpu>", NoUsb),
        ("distances", "q35", "<memory unit='MiB'>128</memory><vcpu>2</vcpu><numatune><memory mode='strict' nodeset='0'/></numatune>", "",
            "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB' memAccess='shared'><distances><sibling id='0' value='10'/>"
            + "<sibling id='1' value='21'/></distances></cell><cell id='1' cpus='1' memory='64' unit='MiB'/></numa></cpu>", NoUsb),
        ("file", "q35", "<memory unit='MiB'>64</memory><memoryBacking><source type='file'/><access mode='shared'/><allocation mode='immediate'/></memoryBacking><vcpu>1</vcpu>",
            "", "", NoUsb),
        ("memfd", "pc", "<memory unit='MiB'>64</memory><memoryBacking><nosharepages/><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu>1</vcpu>",
            "", "", NoUsb),
        ("discard", "pc", "<memory unit='MiB'>64</memory><memoryBacking><nosharepages/><discard/></memoryBacking><vcpu>1</vcpu>", "", "", NoUsb),
        ("dimms", "q35", Slots + "<memory unit='MiB'>320</memory><vcpu>2</vcpu>", "", Acpi + OneNode,
            NoUsb + "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
            + "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block><requested unit='MiB'>64</requested></target></memory>"),
        ("shareddimm", "pc", Slots + "<memory unit='MiB'>192</memory><vcpu>2</vcpu>", "", Acpi + OneNode,
            "<memory model='dimm' access='shared' discard='yes'><target><size unit='MiB'>128</size><node>0</node></target></memory>"),
        ("nvdimm", "pc", Slots + "<memory unit='MiB'>80</memory><vcpu>2</vcpu>", "", Acpi + OneNode,
            "<memory model='nvdimm'><source><path>DIR/nvdimm</path></source><target><size unit='MiB'>16</size><node>0</node></target></memory>"),
        ("ports", "pc", Memory, "", "",
            "<serial type='file'><source path='DIR/serial.log'/></serial><serial type='unix'><source mode='bind' path='DIR/serial.sock'/></serial>"
            + "<serial type='pty'/><parallel type='null'/><console type='pty'><target type='virtio'/></console>"
            + "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"),
        ("platform", "q35", "<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>" + Memory
            + "<sysinfo type='smbios'><bios><entry name='vendor'>Ballast</entry></bios><system><entry name='serial'>32dfcb37</entry></system></sysinfo>",
            "<smbios mode='sysinfo'/>",
            "<features><acpi/><hyperv mode='custom'><relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/></hyperv>"
            + "<kvm><hidden state='on'/></kvm><pmu state='off'/><ioapic driver='qemu'/><vmcoreinfo state='on'/></features>",
            NoUsb + "<panic model='hyperv'/><iommu model='intel'><driver intremap='on' caching_mode='on' eim='off' iotlb='on'/></iommu>"),
        ("assigned", "q35", Memory, "", "",
            "<filesystem type='mount' accessmode='passthrough'><source dir='DIR'/><target dir='one'/></filesystem>"
            + "<filesystem type='mount' accessmode='mapped' fmode='644' dmode='755'><source dir='/tmp'/><target dir='two'/><readonly/></filesystem>"
            + "<smartcard mode='passthrough' type='unix'><source mode='bind' path='DIR/card.sock'/></smartcard>"
            + "<redirdev bus='usb' type='unix'><source mode='bind' path='DIR/usb.sock'/></redirdev><hub type='usb'/>"
            + "<rng model='virtio'><rate bytes='1234' period='2000'/><backend model='builtin'/></rng>"
            + "<rng model='virtio-non-transitional'><backend model='egd' type='unix'><source mode='bind' path='DIR/rng.sock'/></backend></rng>"
            + "<shmem name='ballast'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"),
        ("heads", "q35", Memory, "", Acpi,
            NoUsb + "<iommu model='virtio'/><graphics type='vnc' socket='DIR/vnc.sock'/><video><model type='virtio' heads='2'/></video>"
            + "<video><model type='virtio' heads='1'/></video>"
            + "<interface type='udp'><mac address='52:54:00:11:22:39'/><source address='127.0.0.1' port='45398'><local address='127.0.0.1' port='45397'/></source>"
            + "<model type='virtio'/><driver rx_queue_size='512'/></interface>"),
        ("threads", "pc", Memory + "<iothreads>2</iothreads>", "", Acpi,
            Disk("vda", "virtio").Replace("type='raw'", "type='raw' cache='none' io='threads' discard='unmap' error_policy='enospace' iothread='2'", StringComparison.Ordinal)
            + Disk("sda", "scsi", more: "<shareable/><wwn>5000c50015ea71ad</wwn><vendor>ABC</vendor><product>DEF</product>")
                .Replace("type='raw'", "type='raw' cache='writeback' error_policy='stop' rerror_policy='report'", StringComparison.Ordinal)
            + "<controller type='scsi' index='0' model='virtio-scsi'/><sound model='ac97'/>"
            + "<sound model='ich6'><codec type='duplex'/><codec type='micro'/></sound><watchdog model='ib700' action='poweroff'/>"),
        ("overlay", "q35", Memory, "", "", NoUsb + Disk("vda.qcow2", "virtio").Replace("type='raw'", "type='qcow2'", StringComparison.Ordinal).Replace("dev='vda.qcow2'", "dev='vda'", StringComparison.Ordinal)),
        ("screen", "q35", Memory, "", "",
            "<graphics type='vnc' port='-1'/><video><model type='vga'/></video><sound model='ich9'/><input type='tablet' bus='usb'/>"),
    ];

    /// <summary>Whole definitions, each with a monitor of ours beside libvirt's.</summary>
    public static IEnumerable<(string Name, string Monitor, string Xml)> In(string directory)
    {
        foreach ((string name, string machine, string head, string os, string middle, string devices) in Guests)
        {
            string monitor = Path.Join(directory, name + ".sock");
            string xml = $"""
                <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
                <name>{name}</name>{head}
                <os><type arch='x86_64' machine='{machine}'>hvm</type>{os}</os>{middle}
                <devices>{devices}</devices>
                <qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{monitor},server=on,wait=off'/></qemu:commandline>
                </domain>
                """;
            yield return (name, monitor, xml.Replace("DIR", directory, StringComparison.Ordinal).Replace("IMAGE", $"{directory}/{name}", StringComparison.Ordinal));
        }
    }

    private static string Disk(string target, string bus, string device = "disk", string more = "") =>
        $"<disk type='file' device='{device}'><driver name='qemu' type='raw'/><source file='IMAGE-{target}'/><target dev='{target}' bus='{bus}'/>{more}</disk>";

    private static string Card(string number, string model, string more = "") =>
        $"<interface type='user'><mac address='52:54:00:11:22:{number}'/><model type='{model}'/>{more}</interface>";
}
