namespace Ballast;

/// <summary>The sizes of a disk, in bytes, as libvirt reports them: libvirt's <c>virDomainBlockInfo</c>.</summary>
/// <param name="CapacityBytes">The size that the guest sees.</param>
/// <param name="AllocationBytes">
/// The space that its storage occupies. For a raw disk that was written to since QEMU started: the end of the highest write.
/// </param>
/// <param name="PhysicalBytes">
/// The size of its storage; without libvirt, in whole sectors of 512 bytes. For a raw file that was written to since QEMU started: the
/// space that it occupies.
/// </param>
public readonly record struct DomainBlockInfo(ulong CapacityBytes, ulong AllocationBytes, ulong PhysicalBytes);

/// <summary>A disk's counters since the domain started: libvirt's <c>virDomainBlockStats</c>. Null is unknown.</summary>
/// <param name="ReadRequests">Read requests.</param>
/// <param name="ReadBytes">Bytes read.</param>
/// <param name="WriteRequests">Write requests.</param>
/// <param name="WriteBytes">Bytes written.</param>
/// <param name="Errors">Errors; most hypervisors do not count them.</param>
public readonly record struct DomainBlockCounters(long? ReadRequests, long? ReadBytes, long? WriteRequests, long? WriteBytes, long? Errors);

/// <summary>One direction of a network interface, as the guest sees it. Null is unknown.</summary>
/// <param name="Bytes">Bytes.</param>
/// <param name="Packets">Packets.</param>
/// <param name="Errors">Packets with errors.</param>
/// <param name="Drops">Packets that were dropped.</param>
public readonly record struct InterfaceTraffic(long? Bytes, long? Packets, long? Errors, long? Drops);

/// <summary>A network interface's counters: libvirt's <c>virDomainInterfaceStats</c>.</summary>
/// <param name="Received">Traffic that the guest received.</param>
/// <param name="Sent">Traffic that the guest sent.</param>
public readonly record struct DomainInterfaceStats(InterfaceTraffic Received, InterfaceTraffic Sent);
