using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>The sizes of a QEMU's memory in KiB.</summary>
/// <param name="MaximumKiB">The most that it can have, as libvirt counts it: of virtio-mem all that the guest could have.</param>
/// <param name="WithoutBalloonKiB">What it has when its balloon is empty, as the balloon counts it: the memory at the start and the DIMMs.</param>
/// <param name="VirtioMemKiB">What the guest has of virtio-mem.</param>
internal readonly record struct MemorySizes(ulong MaximumKiB, ulong WithoutBalloonKiB, ulong VirtioMemKiB)
{
    public static MemorySizes Of(in MonitorValues values) => new(
        values.MaximumBytes / 1024, values.WithoutBalloonBytes / 1024, values.MemoryDevices.VirtioMemBytes / 1024);
}
