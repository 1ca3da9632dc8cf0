using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>QEMUs to measure on, each with as many monitors as there are sides to compare.</summary>
internal static class Machines
{
    private const int RootPorts = 14;

    /// <summary>What one call of the RFC's shape sends.</summary>
    public static byte[] CallBytes { get; } = QmpCommands.Query(
        MonitorParts.Balloon | MonitorParts.GuestStats, BalloonDevice.In(QmpCommands.PeripheralPath, "balloon0", isProxied: true));

    public const int CallReplies = 2;

    /// <summary>The smallest machine, with a guest that has reported.</summary>
    public static async Task<DrivenGuest> StartTinyAsync(int monitors)
    {
        DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Monitors = monitors, Name = "tiny" });
        await guest.ReportAsync(VirtioTag.Keys.Select((_, tag) => ((ushort)tag, (ulong)((tag + 1) * 1_000_003))));
        return guest;
    }

    /// <summary>A machine such as libvirt makes for an ordinary guest: its QOM tree is what counts here. It stands still.</summary>
    public static Task<QemuProcess> StartLikeLibvirtAsync(int monitors) => QemuProcess.StartPcAsync(
        [
            "-name", "guest=like-libvirt,debug-threads=on", "-smp", "2",
            "-object", "memory-backend-ram,id=pc.ram,size=67108864", "-machine", "memory-backend=pc.ram",
            .. Enumerable.Range(0, RootPorts).SelectMany(n => new[]
            {
                "-device", $"pcie-root-port,id=pci.{n + 1},bus=pcie.0,chassis={n + 1},port={16 + n},multifunction=on,addr=0x{2 + (n / 8):x}.{n % 8}",
            }),
            "-device", "qemu-xhci,p2=15,p3=15,id=usb,bus=pci.2", "-device", "virtio-serial-pci,id=virtio-serial0,bus=pci.3",
            "-device", "usb-tablet,id=input0,bus=usb.0,port=1", "-device", "VGA,id=video0,vgamem_mb=16",
            "-chardev", "null,id=charserial0", "-device", "isa-serial,chardev=charserial0,id=serial0,index=0",
            "-object", "rng-random,id=objrng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=objrng0,id=rng0,bus=pci.6",
            "-device", "virtio-balloon-pci,id=balloon0,bus=pci.5",
        ],
        monitors);
}
