namespace Ballast;

/// <content>Processors, and what the host allows the domain.</content>
public sealed partial class Domain
{
    /// <summary>The virtual CPUs that are plugged in, by number. Source: the hypervisor; times and host CPUs: the host.</summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.OperationTimeout"/>: the monitor did not answer in time.</exception>
    public async ValueTask<IReadOnlyList<VirtualCpu>> GetVirtualCpusAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetVirtualCpusAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Returns the host CPU affinity of each virtual CPU, including those that can still be plugged in. Source: the host.
    /// </summary>
    /// <param name="impact">The running domain, or its definition.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: both at once. <see cref="ErrorCode.OperationInvalid"/>: the domain has no definition.
    /// </exception>
    public async ValueTask<IReadOnlyList<CpuSet>> GetVirtualCpuAffinitiesAsync(
        DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default)
    {
        RefuseBoth(impact, "virDomainGetVcpuPinInfo");
        return await Connection.Driver.GetVirtualCpuAffinitiesAsync(Identity, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns the type of the host's scheduler: <c>posix</c> for processes.</summary>
    public async ValueTask<string> GetSchedulerTypeAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetSchedulerTypeAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>Returns the host's memory limits for the domain's process. Source: the process's control groups.</summary>
    /// <param name="impact">The running domain, or its definition.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationInvalid"/>: the host has no such control groups, or this process cannot see them, or the
    /// domain has no definition. <see cref="ErrorCode.InvalidArgument"/>: both at once.
    /// </exception>
    public async ValueTask<DomainMemoryLimits> GetMemoryLimitsAsync(
        DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default)
    {
        RefuseBoth(impact, "virDomainGetMemoryParameters");
        return await Connection.Driver.GetMemoryLimitsAsync(Identity, impact, cancellationToken).ConfigureAwait(false);
    }

    internal static void RefuseBoth(DomainModificationImpact impact, string function)
    {
        const DomainModificationImpact both = DomainModificationImpact.Live | DomainModificationImpact.Config;
        if ((impact & both) == both)
        {
            throw LibvirtError.InvalidArgument(
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive", function, "ctl", ErrorOrigin.Domain);
        }
    }
}
