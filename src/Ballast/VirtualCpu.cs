namespace Ballast;

/// <summary>The state of a virtual CPU: libvirt's <c>virVcpuState</c>.</summary>
public enum VirtualCpuState
{
    /// <summary>Not plugged in.</summary>
    Offline = 0,

    /// <summary>Plugged in, whether the guest is running or paused.</summary>
    Running = 1,

    /// <summary>Blocked on a resource.</summary>
    Blocked = 2,
}

/// <summary>A plugged-in virtual CPU: libvirt's <c>virVcpuInfo</c>, with its host CPU affinity.</summary>
/// <param name="Number">The number. Source: the hypervisor.</param>
/// <param name="State">The state.</param>
/// <param name="CpuTime">The CPU time used; null if unknown. Source: the host.</param>
/// <param name="HostCpu">The host CPU that it last ran on; null if unknown. Source: the host.</param>
/// <param name="Affinity">The host CPUs that it may run on; length 0 if unknown. Source: the host.</param>
public sealed record VirtualCpu(
    int Number, VirtualCpuState State, TimeSpan? CpuTime, int? HostCpu, CpuSet Affinity);
