namespace Ballast.Tests.Integration;

/// <summary>
/// Command lines as users and their programs write them, one a line. DIR is a directory of its own, in which QEMU starts and
/// in which disk.img and the files below lie; a word with spaces or double quotes stands in single quotes.
/// </summary>
internal static class KnownCommandLines
{
    public static readonly IReadOnlyDictionary<string, string> Files = new Dictionary<string, string>
    {
        ["name.cfg"] = "[name]\n  guest = \"of-file\"\n",
        ["process.cfg"] = "[name]\n  process = \"p\"\n",
        ["bare.cfg"] = "[name]\n  guest = bare\n",
        ["odd.cfg"] = "# c\n[name] # d\r\n\tguest\t=\t\"a,b\" # e\n\n[name]\n debug-threads = \"on\"\n",
        ["memory.cfg"] = "[memory]\n  size = \"64\"\n",
        ["maxmem.cfg"] = "[memory]\n  maxmem = \"256M\"\n  slots = \"2\"\n",
        ["machine.cfg"] = "[machine]\n  type = \"none\"\n  memory.size = \"48M\"\n",
        ["smbios.cfg"] = "[smbios]\n  type = \"1\"\n  uuid = \"6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11\"\n",
        ["chardev.cfg"] = "[chardev \"m\"]\n  backend = \"socket\"\n  path = \"s\"\n  server = \"on\"\n  wait = \"off\"\n",
        ["monitor.cfg"] = "[chardev \"f\"]\n  backend = \"socket\"\n  path = \"DIR/f.sock\"\n  server = \"on\"\n  wait = \"off\"\n"
            + "[mon \"q\"]\n  chardev = \"f\"\n  mode = \"control\"\n",
        ["mon.cfg"] = "[mon]\n  chardev = \"m\"\n  mode = \"control\"\n",
        ["waiting.cfg"] = "[chardev \"m\"]\n  backend = \"socket\"\n  path = \"s\"\n  server = \"on\"\n",
        ["name2.cfg"] = "[name]\n  guest = \"second\"\n",
        ["quoted.cfg"] = "[name]\n  guest = \"a \\\"b\\\" c\"\n",
        ["two.cfg"] = "[name]\n  guest = \"one\"\n[name]\n  guest = \"two\"\n",
        ["crlf.cfg"] = "[name]\r\n  guest = \"one\"\r\n  process = \"x\"\r\n",
        ["trail.cfg"] = "[name]\n  guest = \"one\" trailing \"two\"\n",
        ["noeq.cfg"] = "[name]\n  guest \"one\"\n",
        ["tab.cfg"] = "[name]\nguest\t=\"one\"\n",
        ["objects.cfg"] = "[object \"r\"]\n  qom-type = \"memory-backend-ram\"\n  size = \"64M\"\n[machine]\n  type = \"none\"\n  memory-backend = \"r\"\n",
        ["sets.cfg"] = "[chardev \"m\"]\n  backend = \"socket\"\n  path = \"s\"\n  server = \"on\"\n  wait = \"off\"\n[mon \"q\"]\n  chardev = \"m\"\n  mode = \"control\"\n",
        ["vm.cfg"] = "[name]\n guest = \"filed\"\n[machine]\n type = \"q35\"\n[accel]\n accel = \"tcg\"\n[memory]\n size = \"32M\"\n"
            + "[drive \"d\"]\n file = \"DIR/disk.img\"\n format = \"raw\"\n if = \"none\"\n[device \"disk\"]\n driver = \"virtio-blk-pci\"\n drive = \"d\"\n",
    };

    /// <summary>What programs that start QEMU write, with what is not installed here left out.</summary>
    public const string OfPrograms =
        """
        -name guest=web01,debug-threads=on -machine pc-q35-7.2,usb=off,vmport=off,dump-guest-core=off,memory-backend=pc.ram -accel tcg -cpu qemu64 -m size=65536k -object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":67108864}' -overcommit mem-lock=off -smp 1,sockets=1,cores=1,threads=1 -uuid 0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f11 -display none -no-user-config -nodefaults -chardev socket,id=charmonitor,path=DIR/monitor.sock,server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control -rtc base=utc,driftfix=slew -global kvm-pit.lost_tick_policy=delay -no-hpet -no-shutdown -global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1 -boot strict=on -device '{"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci.1","bus":"pcie.0","multifunction":true,"addr":"0x2"}' -blockdev '{"driver":"file","filename":"DIR/disk.img","node-name":"libvirt-1-storage","auto-read-only":true,"discard":"unmap"}' -blockdev '{"node-name":"libvirt-1-format","read-only":false,"driver":"raw","file":"libvirt-1-storage"}' -device '{"driver":"virtio-blk-pci","drive":"libvirt-1-format","id":"virtio-disk0","bootindex":1}' -netdev '{"type":"user","id":"hostnet0"}' -device '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"52:54:00:11:22:33"}' -chardev pty,id=charserial0 -device '{"driver":"isa-serial","chardev":"charserial0","id":"serial0","index":0}' -chardev socket,id=charchannel0,path=DIR/agent.sock,server=on,wait=off -device virtio-serial-pci,id=vs -device '{"driver":"virtserialport","bus":"vs.0","nr":1,"chardev":"charchannel0","id":"channel0","name":"org.qemu.guest_agent.0"}' -audiodev '{"id":"audio1","driver":"none"}' -device '{"driver":"virtio-balloon-pci","id":"balloon0"}' -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -msg timestamp=on
        -S -name guest=old-one,process=qemu:old-one,debug-threads=on -machine pc-i440fx-2.11,accel=tcg,usb=off,dump-guest-core=off -m 64 -smp 1 -uuid 0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f12 -no-user-config -nodefaults -chardev socket,id=charmonitor,path=DIR/monitor.sock,server,nowait -mon chardev=charmonitor,id=monitor,mode=control
        -S -name guest=hot,debug-threads=on -machine q35 -m size=65536k,slots=16,maxmem=1048576k -overcommit mem-lock=off -uuid 0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f13 -smbios 'type=1,manufacturer=Red Hat,product=OpenStack Compute,version=27.1.0,serial=0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f13,uuid=0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f13,family=Virtual Machine' -chardev socket,id=charmonitor,path=DIR/../web,,02.sock,server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control
        -name 'vm100,debug-threads=on' -no-shutdown -chardev socket,id=qmp,path=DIR/100.qmp,server=on,wait=off -mon chardev=qmp,mode=control -chardev socket,id=qmp-event,path=DIR/qmeventd.sock,reconnect=5 -mon chardev=qmp-event,mode=control -pidfile DIR/100.pid -smbios type=1,uuid=0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f14 -smp 1,sockets=1,cores=1,maxcpus=1 -nodefaults -boot menu=on,strict=on,reboot-timeout=1000 -vnc unix:DIR/100.vnc,password=on -cpu qemu64,enforce,+lahf_lm -m 64 -device pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e -device vmgenid,guid=9a2d0d0a-5a9c-4b6c-8f3f-0a8c1b2d3e4f -device piix3-usb-uhci,id=uhci,bus=pci.0,addr=0x1.0x2 -device usb-tablet,id=tablet,bus=uhci.0,port=1 -device virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x3,free-page-reporting=on -iscsi initiator-name=iqn.1993-08.org.debian:01:abc -drive file=DIR/disk.img,if=none,id=drive-scsi0,format=raw -machine type=pc,accel=tcg
        -name ubuntu-24.04,process=ubuntu-24.04 -machine q35,smm=off,vmport=off -accel tcg -global kvm-pit.lost_tick_policy=discard -cpu max -smp cores=1,threads=1,sockets=1 -m 64M -device virtio-balloon -pidfile DIR/ubuntu.pid -rtc base=utc,clock=host -vga none -device virtio-rng-pci,rng=rng0 -object rng-random,id=rng0,filename=/dev/urandom -device virtio-net,netdev=nic -netdev user,hostname=ubuntu-24.04,id=nic -global driver=cfi.pflash01,property=secure,value=on -drive id=SystemDisk,if=none,format=raw,file=DIR/disk.img -device virtio-blk-pci,drive=SystemDisk -monitor unix:DIR/ubuntu-monitor.socket,server,nowait -serial unix:DIR/ubuntu-serial.socket,server,nowait
        -m 64 -cpu max -machine q35,vmport=off,accel=tcg -smp 1,sockets=1,cores=1,threads=1 -boot order=c,splash-time=0,menu=on -drive file=DIR/disk.img,if=virtio,discard=on,format=raw -netdev user,id=net0,net=192.168.5.0/24,dhcpstart=192.168.5.15 -device virtio-net-pci,netdev=net0,mac=52:55:55:6a:2b:11 -device virtio-rng-pci -display none -vga none -device qemu-xhci,id=usb-bus -parallel none -chardev socket,id=char-serial,path=DIR/serial.sock,server=on,wait=off,logfile=DIR/serial.log -serial chardev:char-serial -chardev socket,id=char-qmp,path=DIR/qmp.sock,server=on,wait=off -qmp chardev:char-qmp -name lima-default -pidfile DIR/qemu.pid
        -m 64 -smp 1 -fw_cfg name=opt/com.coreos/config,string=x -qmp unix:DIR/qmp_podman-machine-default.sock,server=on,wait=off -netdev user,id=vlan -device virtio-net-pci,netdev=vlan,mac=5a:94:ef:e4:0c:ee -device virtio-serial -chardev socket,path=DIR/podman-machine-default_ready.sock,server=on,wait=off,id=apodman-machine-default_ready -device virtserialport,chardev=apodman-machine-default_ready,name=org.fedoraproject.port.0 -pidfile DIR/vm.pid -machine q35,accel=tcg:tcg -cpu max -drive if=virtio,file=DIR/disk.img,format=raw
        -name guest -machine q35 -nodefaults -no-user-config -m size=64M -qmp unix:DIR/qmp.sock,server=on,wait=off -qmp unix:DIR/extra-monitor.sock,server=on,wait=off -uuid 0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f15 -no-reboot -nographic -vga none
        -S -name sandbox-0a1b2c3d4e,debug-threads=on -uuid 0f3a63d9-4b5e-4bd2-b2b3-0e2a5c9b9f16 -machine q35,accel=tcg -cpu max -qmp unix:DIR/qmp.sock,server=on,wait=off -m 64M,slots=10,maxmem=512M -device pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,addr=2,io-reserve=4k,mem-reserve=1m,pref64-reserve=1m -device virtio-serial-pci,disable-modern=false,id=serial0 -device virtconsole,chardev=charconsole0,id=console0 -chardev socket,id=charconsole0,path=DIR/console.sock,server=on,wait=off -object memory-backend-file,id=dimm1,size=64M,mem-path=/dev/shm,share=on -numa node,memdev=dimm1 -rtc base=utc,driftfix=slew,clock=host -global kvm-pit.lost_tick_policy=discard -vga none -no-user-config -nodefaults -nographic --no-reboot -pidfile DIR/pid -smp 1,cores=1,threads=1,sockets=1,maxcpus=1
        -name 'vagrant box,, 3' -machine type=q35,accel=tcg -device virtio-net,netdev=user.0 -netdev user,id=user.0 -m 64M -boot once=d -vnc none -qmp unix:DIR/q.sock,server=y,wait=n
        -name packer-x -machine type=pc,accel=tcg -m 64M -netdev user,id=user.0,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net,netdev=user.0 -drive file=DIR/disk.img,if=virtio,cache=writeback,discard=ignore,format=raw -boot once=d -qmp unix:DIR/packer-qmp.sock,server,nowait
        -M microvm -m 64M -nodefaults -no-user-config -nographic -serial none -qmp unix:DIR/api,server=on,wait=off -name fire
        -M pc -m 64 -hda DIR/disk.img -snapshot -name hand -net none -qmp unix:./qmp-sock,server,wait=off
        -machine q35 -smp 1 -m 64 -drive file=DIR/disk.img,format=raw,if=virtio -nic user,model=virtio-net-pci,id=n0 -monitor none -serial none -qmp unix:qmp.sock,server=on,wait=off
        -readconfig vm.cfg -qmp unix:DIR/m.sock,server=on,wait=off
        """;
}
