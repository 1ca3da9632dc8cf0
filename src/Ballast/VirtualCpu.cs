namespace Ballast;

/// <summary>What a virtual CPU does: libvirt's <c>virVcpuState</c>.</summary>
public enum VirtualCpuState
{
    /// <summary>Not plugged in.</summary>
    Offline = 0,

    /// <summary>There, whether its guest runs or is paused.</summary>
    Running = 1,

    /// <summary>Waiting for something outside.</summary>
    Blocked = 2,
}

/// <summary>A virtual CPU that is plugged in: libvirt's <c>virVcpuInfo</c>, with the host CPUs it may run on.</summary>
/// <param name="Number">Its number. Source: the hypervisor.</param>
/// <param name="State">What it does.</param>
/// <param name="CpuTime">CPU time that it has used; null where nobody knows. Source: the host.</param>
/// <param name="HostCpu">The host CPU that it ran on last; null where nobody knows. Source: the host.</param>
/// <param name="Affinity">The host CPUs that it may run on; of length 0 where nobody knows. Source: the host.</param>
public sealed record VirtualCpu(
    int Number, VirtualCpuState State, TimeSpan? CpuTime, int? HostCpu, CpuSet Affinity);
