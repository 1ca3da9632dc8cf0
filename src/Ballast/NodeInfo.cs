namespace Ballast;

/// <summary>The host's CPUs and memory: libvirt's <c>virNodeInfo</c>. Source: the host's kernel.</summary>
/// <param name="Model">The CPU architecture (<c>x86_64</c>), at most 31 bytes.</param>
/// <param name="MemoryKiB">The host's memory, in KiB.</param>
/// <param name="Cpus">The number of CPUs that are online.</param>
/// <param name="MHz">The CPU clock, in MHz; 0 if unknown.</param>
/// <param name="Nodes">The number of NUMA cells.</param>
/// <param name="SocketsPerNode">The number of sockets per cell.</param>
/// <param name="CoresPerSocket">The number of cores per socket.</param>
/// <param name="ThreadsPerCore">The number of threads per core.</param>
public sealed record NodeInfo(
    string Model, ulong MemoryKiB, int Cpus, int MHz, int Nodes, int SocketsPerNode, int CoresPerSocket, int ThreadsPerCore);

/// <summary>One of the host's statistics.</summary>
/// <param name="Name">libvirt's name (<c>total</c>, <c>free</c>; <c>kernel</c>, <c>idle</c>).</param>
/// <param name="Value">The value: memory in KiB, time in nanoseconds since boot.</param>
public readonly record struct NodeStat(string Name, ulong Value);
