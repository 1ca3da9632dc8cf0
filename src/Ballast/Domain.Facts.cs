namespace Ballast;

/// <content>Virtual CPUs, metadata, jobs, devices and the host's parameters of a domain.</content>
public sealed partial class Domain
{
    // libvirt's bits of the running domain and of its definition, in every function's flags.
    private const uint ImpactBits = (uint)(DomainModificationImpact.Live | DomainModificationImpact.Config);

    /// <summary>The maximum number of virtual CPUs of the running domain. Source: the hypervisor.</summary>
    public async ValueTask<int> GetMaxVirtualCpusAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetMaxVirtualCpusAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The number of virtual CPUs. Source: the hypervisor.</summary>
    /// <param name="flags">Which ones to count.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: running domain and definition at once. <see cref="ErrorCode.OperationDenied"/>: the
    /// guest's, on a read-only connection. <see cref="ErrorCode.ArgumentUnsupported"/>: there is no guest agent.
    /// </exception>
    public async ValueTask<int> GetVirtualCpuCountAsync(
        VirtualCpuCountFlags flags = VirtualCpuCountFlags.None, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainGetVcpusFlags";
        if ((flags & VirtualCpuCountFlags.Guest) != 0)
            RefuseReadOnly(function);
        RefuseBoth((DomainModificationImpact)((uint)flags & ImpactBits), function);
        return await Connection.Driver.GetVirtualCpuCountAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns a description, a title or an XML element that was stored with the domain.</summary>
    /// <param name="type">What to return.</param>
    /// <param name="uri">The element's namespace; null for the others.</param>
    /// <param name="impact">The running domain, or its definition.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.NoDomainMetadata"/>: there is none. <see cref="ErrorCode.InvalidArgument"/>: an element without a
    /// namespace. <see cref="ErrorCode.OperationInvalid"/>: the domain has no definition.
    /// </exception>
    public async ValueTask<string> GetMetadataAsync(
        DomainMetadataType type, string? uri = null, DomainModificationImpact impact = DomainModificationImpact.Current,
        CancellationToken cancellationToken = default)
    {
        const string function = "virDomainGetMetadata";
        RefuseBoth(impact, function);
        if (type == DomainMetadataType.Element && uri is null)
            throw LibvirtError.InvalidArgument($"uri in {function} must not be NULL", function, "uri", ErrorOrigin.Domain);
        if (type is DomainMetadataType.Description or DomainMetadataType.Title && uri is not null)
            throw LibvirtError.InvalidArgument($"uri in {function} must be NULL", function, "uri", ErrorOrigin.Domain);
        return await Connection.Driver.GetMetadataAsync(Identity, type, uri, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The domain's background job; <see cref="DomainJobType.None"/> if there is none.</summary>
    public async ValueTask<DomainJobInfo> GetJobInfoAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetJobInfoAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The domain's background job with all its numbers.</summary>
    /// <param name="completed">Whether to return the last completed job instead of the current one.</param>
    /// <param name="keep">Whether to keep the completed job, so that a later call returns it again.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<DomainJobStats> GetJobStatsAsync(
        bool completed = false, bool keep = false, CancellationToken cancellationToken = default)
    {
        const uint completedBit = 1, keepBit = 2;
        return await Connection.Driver.GetJobStatsAsync(
            Identity, (completed ? completedBit : 0) | (keep ? keepBit : 0), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The state of the control channel to the hypervisor: for a QEMU of this host, its monitor.</summary>
    public async ValueTask<DomainControlInfo> GetControlInfoAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetControlInfoAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The parameters of the host's scheduler for the domain, by libvirt's names (<c>cpu_shares</c>); empty if there are none.</summary>
    /// <param name="impact">The running domain, or its definition.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: both at once. <see cref="ErrorCode.OperationInvalid"/>: the domain has no definition.
    /// </exception>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetSchedulerParametersAsync(
        DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default)
    {
        RefuseBoth(impact, "virDomainGetSchedulerParametersFlags");
        return await Connection.Driver.GetSchedulerParametersAsync(Identity, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The NUMA cells of the host that the domain's memory may use: <c>numa_mode</c>, <c>numa_nodeset</c>.</summary>
    /// <param name="impact">The running domain, or its definition.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">As <see cref="GetSchedulerParametersAsync"/>.</exception>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetNumaParametersAsync(
        DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetNumaParametersAsync(Identity, impact, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// The CPU time of the domain on all CPUs of the host together, in nanoseconds: <c>cpu_time</c>, <c>user_time</c>,
    /// <c>system_time</c>. Source: the host.
    /// </summary>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.OperationInvalid"/>: the host does not account for it.</exception>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetCpuTotalsAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetCpuTotalsAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The CPU time of the domain on single CPUs of the host, in nanoseconds: <c>cpu_time</c>, <c>vcpu_time</c>.</summary>
    /// <param name="first">The first CPU, from 0.</param>
    /// <param name="count">The maximum number of CPUs, from 0.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative argument.</exception>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.OperationInvalid"/>: the host does not account for it.</exception>
    public async ValueTask<IReadOnlyList<IReadOnlyList<TypedParameter>>> GetCpuStatsAsync(
        int first = 0, int count = int.MaxValue, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return await Connection.Driver.GetCpuStatsAsync(Identity, first, count, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A disk's counters by libvirt's names: requests, bytes, and nanoseconds. Source: the hypervisor.</summary>
    /// <param name="disk">The disk's name in the XML, or the file behind it; empty for all disks together.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InvalidArgument"/>: there is no such disk.</exception>
    public async ValueTask<IReadOnlyList<TypedParameter>> GetBlockStatsAsync(string disk, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return await Connection.Driver.GetBlockStatsAsync(Identity, disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A disk's counters, in the form of libvirt's older call. Source: the hypervisor.</summary>
    /// <param name="disk">The disk's name in the XML, or the file behind it; empty for all disks together, if the driver supports that.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InvalidArgument"/>: there is no such disk.</exception>
    public async ValueTask<DomainBlockCounters> GetBlockCountersAsync(string disk, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(disk);
        return await Connection.Driver.GetBlockCountersAsync(Identity, disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The sizes of a disk and its storage, in bytes. Source: the hypervisor.</summary>
    /// <param name="disk">The disk's name in the XML, or the file behind it.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: there is no such disk, or it has no medium.
    /// </exception>
    public async ValueTask<DomainBlockInfo> GetBlockInfoAsync(string disk, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainGetBlockInfo";
        ArgumentNullException.ThrowIfNull(disk);
        if (disk.Length == 0)
            throw LibvirtError.InvalidArgument($"string disk in {function} must not be empty", function, "disk", ErrorOrigin.Domain);
        return await Connection.Driver.GetBlockInfoAsync(Identity, disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The counters of a network interface, as the guest sees them. Source: the host.</summary>
    /// <param name="device">The interface's name on the host, as the XML has it; with libvirt also its MAC address.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException"><see cref="ErrorCode.InvalidArgument"/>: the domain has no such interface.</exception>
    public async ValueTask<DomainInterfaceStats> GetInterfaceStatsAsync(string device, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(device);
        return await Connection.Driver.GetInterfaceStatsAsync(Identity, device, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks the guest to reboot. The guest may take a while, or ignore it.</summary>
    /// <param name="flags">How to ask.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// Same as <see cref="SuspendAsync"/>. <see cref="ErrorCode.OperationUnsupported"/>: the hypervisor has no way to do it.
    /// </exception>
    public async ValueTask RebootAsync(DomainRebootFlags flags = DomainRebootFlags.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainReboot");
        await Connection.Driver.RebootAsync(Identity, flags, cancellationToken).ConfigureAwait(false);
        if (Connection.Driver.ShutsDownAtOnce)
            await LearnIdAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Wakes a guest that suspended itself to memory.</summary>
    /// <exception cref="LibvirtException">
    /// Same as <see cref="SuspendAsync"/>. <see cref="ErrorCode.OperationInvalid"/>: the guest is not suspended.
    /// </exception>
    public async ValueTask WakeUpAsync(CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainPMWakeup");
        await Connection.Driver.WakeUpAsync(Identity, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes the hypervisor measure how fast the guest writes to its memory. The call returns at once. When the time has passed, the
    /// result is in the <c>dirtyrate</c> group of bulk statistics.
    /// </summary>
    /// <param name="period">How long to measure: 1 to 60 seconds, in whole seconds.</param>
    /// <param name="mode">How to measure.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not whole seconds, or too many.</exception>
    /// <exception cref="LibvirtException">
    /// Same as <see cref="SuspendAsync"/>. <see cref="ErrorCode.ConfigurationUnsupported"/>: not 1 to 60 seconds.
    /// <see cref="ErrorCode.OperationUnsupported"/>: the mode needs KVM, which this QEMU does not use.
    /// </exception>
    public async ValueTask StartDirtyRateAsync(
        TimeSpan period, DirtyRateMode mode = DirtyRateMode.PageSampling, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("virDomainStartDirtyRateCalc");
        await Connection.Driver.StartDirtyRateAsync(Identity, WholeSeconds(period), mode, cancellationToken).ConfigureAwait(false);
    }
}
