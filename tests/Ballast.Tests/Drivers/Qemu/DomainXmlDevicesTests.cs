using System.Xml.Linq;
using System.Xml.XPath;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Devices that a host needs hardware or programs for, from a command line alone; a line break separates arguments.</summary>
public sealed class DomainXmlDevicesTests
{
    [Theory]
    // The host's devices.
    [InlineData("-device\n{\"driver\":\"vfio-pci\",\"host\":\"0000:3b:00.1\",\"id\":\"hostdev0\"}",
        "concat(devices/hostdev/@type, ' ', devices/hostdev/driver/@name, ' ', devices/hostdev/source/address/@domain, devices/hostdev/source/address/@bus, "
        + "devices/hostdev/source/address/@slot, devices/hostdev/source/address/@function, ' ', devices/hostdev/alias/@name)", "pci vfio 0x00000x3b0x000x1 hostdev0")]
    [InlineData("-device\nvfio-pci,host=01:1f.7", "concat(devices/hostdev/source/address/@domain, devices/hostdev/source/address/@slot)", "0x00000x1f")]
    [InlineData("-device\nvfio-pci,host=nothing", "concat(count(devices/hostdev), count(devices/hostdev/source/address))", "10")]
    [InlineData("-device\nvfio-pci,sysfsdev=/sys/bus/mdev/devices/53764d0e-85a0-42b4-af5c-2046b460b1dc,id=m",
        "concat(devices/hostdev/@type, devices/hostdev/@model, ' ', devices/hostdev/source/address/@uuid)", "mdevvfio-pci 53764d0e-85a0-42b4-af5c-2046b460b1dc")]
    [InlineData("-device\nvfio-pci,sysfsdev=/sys/bus/mdev/devices/53764d0e-85a0-42b4-af5c-2046b460b1dc/", "string(devices/hostdev/source/address/@uuid)", "53764d0e-85a0-42b4-af5c-2046b460b1dc")]
    [InlineData("-device\nvfio-pci,sysfsdev=/sys/bus/pci/devices/0000:3b:00.1/",
        "concat(devices/hostdev/@type, devices/hostdev/source/address/@bus, devices/hostdev/source/address/@function, count(devices/hostdev/@model))", "pci0x3b0x10")]
    [InlineData("-device\n{\"driver\":\"usb-host\",\"hostdevice\":\"/dev/bus/usb/001/013\",\"id\":\"hostdev1\"}",
        "concat(devices/hostdev/@type, devices/hostdev/source/address/@bus, ' ', devices/hostdev/source/address/@device)", "usb1 13")]
    [InlineData("-device\nusb-host,vendorid=0x46d,productid=49297",
        "concat(devices/hostdev/source/vendor/@id, devices/hostdev/source/product/@id, count(devices/hostdev/source/address))", "0x046d0xc0910")]
    [InlineData("-device\nusb-host,hostbus=0x2,hostaddr=013", "concat(devices/hostdev/source/address/@bus, ' ', devices/hostdev/source/address/@device)", "2 11")]
    // Directories.
    [InlineData("-chardev\nsocket,id=c,path=/run/fs.sock\n-device\nvhost-user-fs-pci,chardev=c,tag=home,queue-size=1024,id=fs0",
        "concat(devices/filesystem/driver/@type, devices/filesystem/driver/@queue, devices/filesystem/source/@socket, ' ', devices/filesystem/target/@dir)",
        "virtiofs1024/run/fs.sock home")]
    [InlineData("-virtfs\nlocal,path=/srv,mount_tag=share,security_model=none,readonly=on",
        "concat(devices/filesystem/@accessmode, devices/filesystem/source/@dir, devices/filesystem/target/@dir, count(devices/filesystem/readonly))", "squash/srvshare1")]
    [InlineData("-device\nvirtio-9p-pci,fsdev=nobody,mount_tag=t", "concat(count(devices/filesystem/source), devices/filesystem/target/@dir)", "0t")]
    [InlineData("-fsdev\nlocal,id=f,path=/srv,security_model=mapped,fmode=0640,dmode=488\n-device\nvirtio-9p-pci,fsdev=f,mount_tag=t",
        "concat(devices/filesystem/@fmode, ' ', devices/filesystem/@dmode)", "0640 0750")]
    // Security.
    [InlineData("-chardev\nsocket,id=c,path=/tpm\n-tpmdev\nemulator,id=t,chardev=c\n-device\ntpm-crb,tpmdev=t,id=tpm0",
        "concat(devices/tpm/@model, ' ', devices/tpm/backend/@type, ' ', devices/tpm/alias/@name)", "tpm-crb emulator tpm0")]
    [InlineData("-tpmdev\npassthrough,id=t,path=/dev/tpm1,cancel-path=/c\n-device\ntpm-tis,tpmdev=t",
        "concat(devices/tpm/backend/@type, devices/tpm/backend/device/@path)", "passthrough/dev/tpm1")]
    [InlineData("-device\ntpm-tis,tpmdev=nobody", "concat(devices/tpm/@model, count(devices/tpm/backend))", "tpm-tis0")]
    [InlineData("-device\nccid-card-emulated,backend=certificates,cert1=a,cert2=b,cert3=c,db=/etc/pki",
        "concat(devices/smartcard/@mode, devices/smartcard/certificate[3], devices/smartcard/database)", "host-certificatesc/etc/pki")]
    [InlineData("-device\nccid-card-emulated,backend=nss-emulated,id=smartcard0", "string(devices/smartcard/@mode)", "host")]
    [InlineData("-object\ncryptodev-backend-builtin,id=o,queues=2\n-device\nvirtio-crypto-pci,cryptodev=o,id=crypto0",
        "concat(devices/crypto/@model, devices/crypto/backend/@model, devices/crypto/backend/@queues)", "virtiobuiltin2")]
    [InlineData("-object\nrng-random,id=o\n-device\nvirtio-rng-pci-transitional,rng=o",
        "concat(devices/rng/@model, devices/rng/backend)", "virtio-transitional/dev/urandom")]
    [InlineData("-device\nvirtio-rng-pci,max-bytes=0x400,period=010", "concat(devices/rng/rate/@bytes, ' ', devices/rng/rate/@period)", "1024 8")]
    // Sockets, memory of several guests, displays.
    [InlineData("-device\nvhost-vsock-pci,guest-cid=77,id=vsock0", "concat(devices/vsock/@model, devices/vsock/cid/@address)", "virtio77")]
    [InlineData("-device\nvhost-vsock-pci,guest-cid=0x10", "string(devices/vsock/cid/@address)", "16")]
    [InlineData("-chardev\nsocket,id=c,path=/run/shm-sock\n-device\nivshmem-doorbell,chardev=c,vectors=16,ioeventfd=on,id=shmem0",
        "concat(devices/shmem/@name, devices/shmem/server/@path, devices/shmem/msi/@vectors, devices/shmem/msi/@ioeventfd)", "shm-sock/run/shm-sock16on")]
    [InlineData("-machine\nvirt,iommu=smmuv3", "string(devices/iommu/@model)", "smmuv3")]
    [InlineData("-device\nintel-iommu,aw-bits=48", "concat(devices/iommu/@model, devices/iommu/driver/@aw_bits)", "intel48")]
    [InlineData("-spice\nport=5900,tls-port=5901,addr=127.0.0.1,disable-ticketing=on",
        "concat(devices/graphics/@type, devices/graphics/@port, devices/graphics/@tlsPort, devices/graphics/listen/@address)", "spice59005901127.0.0.1")]
    [InlineData("-spice\nunix=on,addr=/run/spice.sock", "string(devices/graphics/listen/@socket)", "/run/spice.sock")]
    [InlineData("-vnc\nvnc=127.0.0.1:77,audiodev=audio1", "concat(devices/graphics/@port, devices/graphics/@listen)", "5977127.0.0.1")]
    [InlineData("-vnc\nnone", "count(devices/graphics)", "0")]
    // Features.
    [InlineData("-cpu\nhost,hv_relaxed,hv_spinlocks=0x1fff,hv-stimer,hv_stimer_direct=on,hv-vendor-id=abc,hv-vapic=off",
        "concat(features/hyperv/@mode, count(features/hyperv/*), features/hyperv/spinlocks/@retries, features/hyperv/stimer/direct/@state, features/hyperv/vendor_id/@value)",
        "custom48191onabc")]
    [InlineData("-cpu\nhost,hv-passthrough", "string(features/hyperv/@mode)", "passthrough")]
    [InlineData("-cpu\nqemu64,hv-relaxed=on,hv-relaxed=off", "count(features/hyperv)", "0")]
    [InlineData("-cpu\nqemu64,pmu=off,kvm-hint-dedicated=on", "concat(features/pmu/@state, features/kvm/hint-dedicated/@state, count(cpu/feature))", "offon0")]
    [InlineData("-machine\nq35,kernel-irqchip=on", "string(features/ioapic/@driver)", "kvm")]
    [InlineData("-machine\nq35,kernel_irqchip=off", "count(features/ioapic)", "0")]
    [InlineData("-machine\nq35\n-cpu\nqemu64,hv_crash", "string(devices/panic/@model)", "hyperv")]
    // The firmware's tables.
    [InlineData("-smbios\ntype=1,product=A,,B,sku=c\n-smbios\ntype=3,serial=d",
        "concat(sysinfo/system/entry[@name='product'], sysinfo/chassis/entry, os/smbios/@mode)", "A,Bdsysinfo")]
    [InlineData("-smbios\ntype=1,uuid=34ab20df-2f46-41e9-8e8e-6279e3080a52", "count(sysinfo) + count(os/smbios)", "0")]
    [InlineData("-smbios\ntype=1,product=A,serial=b\n-smbios\ntype=0x1,product=C\n-smbios\ntype=01,sku=d",
        "concat(count(sysinfo/system), sysinfo/system/entry[@name='product'], sysinfo/system/entry[@name='serial'], sysinfo/system/entry[@name='sku'])", "1Cbd")]
    // Sound.
    [InlineData("-audiodev\nnone,id=aud0\n-audiodev\nalsa,id=audio1\n-audiodev\npa,id=7\n-audiodev\noss,id=audio0",
        "concat(devices/audio[1]/@id, devices/audio[2]/@id, devices/audio[3]/@id, devices/audio[4]/@id)", "2134")]
    [InlineData("-device\nvmgenid,guid=43dc0cf8-809b-4adb-9bea-a9abb5f3d90e", "string(genid)", "43dc0cf8-809b-4adb-9bea-a9abb5f3d90e")]
    [InlineData("-device\nvmgenid,guid=auto", "count(genid)", "0")]
    [InlineData("-object\niothread,id=iothread1\n-object\n{\"qom-type\":\"iothread\",\"id\":\"b\"}", "string(iothreads)", "2")]
    public void A_device_is_described(string arguments, string path, string expected)
    {
        XElement xml = XElement.Parse(DomainXmlTests.Describe(new QemuCommandLine(["qemu-system-x86_64", .. arguments.Split('\n')], null).Machine));

        Assert.Equal(expected, $"{xml.XPathEvaluate(path)}");
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("/a.img", "/a.img")]
    [InlineData("nbd://host/export", "nbd://host/export")]
    [InlineData("""json:{"backing": {"driver": "qcow2", "file": {"driver": "file", "filename": "/base"}}, "driver": "qcow2", "file": {"driver": "file", "filename": "/top"}}""", "/top")]
    [InlineData("""json:{"driver":"throttle","file":{"driver":"raw","file":{"driver":"host_device","filename":"/dev/sda"}}}""", "/dev/sda")]
    [InlineData("""json:{"driver":"qcow2","file.driver":"file","file.filename":"/dotted"}""", "/dotted")]
    [InlineData("""json:{"driver":"qcow2","file":{"driver":"nbd","server":{"host":"h"}}}""", """json:{"driver":"qcow2","file":{"driver":"nbd","server":{"host":"h"}}}""")]
    [InlineData("json:{broken", "json:{broken")]
    [InlineData("json:[1]", "json:[1]")]
    [InlineData("""json:{"filename":"\ud800"}""", """json:{"filename":"\ud800"}""")]
    public void The_path_of_a_disk_is_found_in_what_QEMU_says(string? said, string? path) => Assert.Equal(path, BlockFile.PathOf(said));
}
