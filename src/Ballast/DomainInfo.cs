namespace Ballast;

/// <summary>Basic information about a domain: libvirt's <c>virDomainInfo</c>.</summary>
/// <param name="State">The state.</param>
/// <param name="MaxMemoryKiB">The maximum memory, in KiB. Source: the hypervisor.</param>
/// <param name="MemoryKiB">The current memory (the balloon's size), in KiB. Source: the hypervisor.</param>
/// <param name="VirtualCpus">The number of virtual CPUs. Source: the hypervisor.</param>
/// <param name="CpuTime">The CPU time that the hypervisor's process has used. Source: the host.</param>
public readonly record struct DomainInfo(
    DomainState State, ulong MaxMemoryKiB, ulong MemoryKiB, int VirtualCpus, TimeSpan CpuTime);

/// <summary>The name of a host's security driver and its domain of interpretation.</summary>
/// <param name="Model">The driver's name (<c>apparmor</c>), <c>none</c> if there is none, or empty.</param>
/// <param name="DomainOfInterpretation">The domain of interpretation.</param>
public readonly record struct SecurityModel(string Model, string DomainOfInterpretation);

/// <summary>A domain's security label.</summary>
/// <param name="Label">The label; empty if the domain has none.</param>
/// <param name="IsEnforcing">Whether it is enforced.</param>
public readonly record struct SecurityLabel(string Label, bool IsEnforcing);
