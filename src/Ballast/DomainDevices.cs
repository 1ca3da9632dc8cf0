namespace Ballast;

/// <summary>How large a disk is, in bytes: libvirt's <c>virDomainBlockInfo</c>.</summary>
/// <param name="CapacityBytes">As the guest sees it.</param>
/// <param name="AllocationBytes">
/// How much room its storage takes up; of a raw disk to which something was written since QEMU started, the end of what was written.
/// </param>
/// <param name="PhysicalBytes">
/// How large its storage is, from a QEMU without libvirt in whole sectors of 512; of a raw file to which something was written since QEMU
/// started, how much room it takes up. Both are as libvirt tells them.
/// </param>
public readonly record struct DomainBlockInfo(ulong CapacityBytes, ulong AllocationBytes, ulong PhysicalBytes);

/// <summary>What a disk has done: libvirt's <c>virDomainBlockStats</c>. Null is unknown.</summary>
/// <param name="ReadRequests">Requests to read.</param>
/// <param name="ReadBytes">Bytes read.</param>
/// <param name="WriteRequests">Requests to write.</param>
/// <param name="WriteBytes">Bytes written.</param>
/// <param name="Errors">Errors; most hypervisors do not count them.</param>
public readonly record struct DomainBlockCounters(long? ReadRequests, long? ReadBytes, long? WriteRequests, long? WriteBytes, long? Errors);

/// <summary>One direction of a network interface, as the guest sees it. Null is unknown.</summary>
/// <param name="Bytes">Bytes.</param>
/// <param name="Packets">Packets.</param>
/// <param name="Errors">Packets with errors.</param>
/// <param name="Drops">Packets that were dropped.</param>
public readonly record struct InterfaceTraffic(long? Bytes, long? Packets, long? Errors, long? Drops);

/// <summary>What a network interface has done: libvirt's <c>virDomainInterfaceStats</c>.</summary>
/// <param name="Received">What the guest received.</param>
/// <param name="Sent">What the guest sent.</param>
public readonly record struct DomainInterfaceStats(InterfaceTraffic Received, InterfaceTraffic Sent);
