using System.Runtime.CompilerServices;

namespace Ballast;

/// <summary>
/// A handle to a domain (a guest and its hypervisor), identified by UUID. The handle stays valid when the domain is gone,
/// but calls then fail with <see cref="ErrorCode.NoDomain"/>. <see cref="Ballast.Connection"/> lists the errors that any call can have.
/// </summary>
public sealed partial class Domain
{
    // The most KiB whose bytes still fit 63 bits; libvirt's limit.
    private const ulong MaxMemoryKiB = long.MaxValue / 1024;

    internal Domain(Connection connection, DomainIdentity identity)
    {
        Connection = connection;
        Identity = identity;
    }

    internal DomainIdentity Identity { get; private set; }

    /// <summary>The connection that the handle belongs to.</summary>
    public Connection Connection { get; }

    /// <summary>
    /// The id of an active domain (for a local QEMU its process id); null for an inactive one. The value is from the time
    /// when the handle was created, unless this handle ended the domain.
    /// </summary>
    public int? Id => Identity.Id;

    /// <summary>The name.</summary>
    public string Name => Identity.Name;

    /// <summary>The UUID.</summary>
    public Guid Uuid => Identity.Uuid;

    /// <summary>State, memory and CPU of the domain. Source: the hypervisor; CPU time: the host.</summary>
    public async ValueTask<DomainInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetInfoAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>State and reason. Source: the hypervisor.</summary>
    public async ValueTask<DomainStateInfo> GetStateAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetStateAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The maximum memory of the domain, in KiB. Source: the hypervisor.</summary>
    public async ValueTask<ulong> GetMaxMemoryAsync(CancellationToken cancellationToken = default) =>
        (await GetInfoAsync(cancellationToken).ConfigureAwait(false)).MaxMemoryKiB;

    /// <summary>The kind of guest: <c>hvm</c> for a full virtual machine.</summary>
    public async ValueTask<string> GetOSTypeAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetOSTypeAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>Whether the domain has a definition that outlives it.</summary>
    public async ValueTask<bool> IsPersistentAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.IsPersistentAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>Whether the domain starts with the host.</summary>
    public async ValueTask<bool> GetAutostartAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetAutostartAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>Whether the domain has a managed save image.</summary>
    public async ValueTask<bool> HasManagedSaveImageAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.HasManagedSaveImageAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>The domain's security label.</summary>
    public async ValueTask<SecurityLabel> GetSecurityLabelAsync(CancellationToken cancellationToken = default) =>
        await Connection.Driver.GetSecurityLabelAsync(Identity, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Fills a buffer with the domain's memory statistics, up to its length, and returns how many entries it filled. The
    /// order is libvirt's: actual, swap_in, swap_out, major_fault, minor_fault, unused, available, usable, last_update,
    /// disk_caches, hugetlb_pgalloc, hugetlb_pgfail, rss. Unknown statistics are left out. The call does not allocate if
    /// the driver answers at once.
    /// </summary>
    /// <param name="stats">The buffer. If it is empty, the call returns 0 without a query.</param>
    /// <param name="options">Whether to include statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Cancels the call. A query that other callers share continues.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationTimeout"/>: the monitor did not answer in time, or is known to hang.
    /// <see cref="ErrorCode.ResourceBusy"/>: another program holds it. <see cref="ErrorCode.SystemError"/>: it cannot be
    /// reached. <see cref="ErrorCode.OperationInvalid"/>: the domain is shut off. <see cref="ErrorCode.NoDomain"/>: it
    /// is gone.
    /// </exception>
    public ValueTask<int> FillMemoryStatsAsync(
        Memory<MemoryStat> stats, MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default) =>
        stats.IsEmpty
            ? new ValueTask<int>(0)
            : Connection.Driver.GetMemoryStatsAsync(Identity, stats, options, cancellationToken);

    /// <summary>
    /// Takes a sample: the same statistics as typed optional values, with their age and freshness, and a reason for each
    /// missing value. If the monitor does not answer, is held by another program or may not be used, the sample has a
    /// reason and the numbers that the host knows; this is not an error.
    /// </summary>
    /// <param name="options">Whether to include statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Cancels the call. A query that other callers share continues.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.NoDomain"/>: the domain is gone. <see cref="ErrorCode.SystemError"/>: the connection to its
    /// monitor was lost; calls for several domains report this as a reason instead. <see cref="ErrorCode.OperationInvalid"/>: the domain
    /// is shut off.
    /// </exception>
    public async ValueTask<MemoryStats> GetMemoryStatsAsync(
        MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default) =>
        await Connection.Driver.SampleMemoryAsync(Identity, options, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Makes the guest report now, within milliseconds, and returns the sample. The collection period does not change, even
    /// if the call is cancelled. Concurrent callers share one report, which is at most about 50 ms older than their call.
    /// If the guest cannot be asked (paused, no driver, monitor held), the result is that of
    /// <see cref="GetMemoryStatsAsync(MemoryStatsOptions, CancellationToken)"/>. If the guest does not answer in time, the
    /// sample has its old numbers, as <see cref="Freshness.Stale"/>.
    /// </summary>
    /// <param name="options">Whether to include statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Cancels the call. A report that other callers share continues.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationTimeout"/>: the hypervisor did not
    /// answer in time; the text says whether the period may still change. <see cref="ErrorCode.OperationInvalid"/>: it refused.
    /// <see cref="ErrorCode.NoDomain"/>: the domain is gone.
    /// </exception>
    public async ValueTask<MemoryStats> RefreshMemoryStatsAsync(
        MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default)
    {
        RefuseReadOnly("ballastDomainRefreshMemoryStats");
        return await Connection.Driver.RefreshMemoryAsync(Identity, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Returns the collection period, in whole seconds; zero if collection is off. Source: the hypervisor.
    /// </summary>
    public async ValueTask<TimeSpan> GetMemoryStatsPeriodAsync(CancellationToken cancellationToken = default) =>
        TimeSpan.FromSeconds(await Connection.Driver.GetMemoryStatsPeriodAsync(Identity, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Sets the collection period: how often the hypervisor asks the guest for statistics. If collection was off, it asks
    /// at once.
    /// </summary>
    /// <param name="period">
    /// Whole seconds, at most <see cref="int.MaxValue"/>. Zero turns collection off and keeps the last report. One day,
    /// which a refresh uses for a moment, counts as off.
    /// </param>
    /// <param name="impact">Whether to change the running domain or its definition.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not whole seconds, or too many.</exception>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: negative. <see cref="ErrorCode.OperationDenied"/>: read-only.
    /// <see cref="ErrorCode.OperationInvalid"/>: the hypervisor refused. <see cref="ErrorCode.OperationTimeout"/>: no answer
    /// in time; the text says whether the change may still take effect.
    /// </exception>
    public async ValueTask SetMemoryStatsPeriodAsync(
        TimeSpan period, DomainModificationImpact impact = DomainModificationImpact.Current, CancellationToken cancellationToken = default)
    {
        const string function = "virDomainSetMemoryStatsPeriod";
        RefuseReadOnly(function);
        if (period < TimeSpan.Zero)
        {
            throw LibvirtError.InvalidArgument(
                $"period in {function} must be zero or greater", function, "period", ErrorOrigin.Domain);
        }

        await Connection.Driver.SetMemoryStatsPeriodAsync(Identity, WholeSeconds(period), impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Takes a lease that keeps collection on. It sets a period if none is set, and leaves a period alone that another
    /// client set. If the domain (identified by UUID) returns in a new process, the period is set again. When the
    /// connection's last lease on the domain is disposed, the period is set to 0 if it has not changed. Other connections
    /// count as other clients.
    /// </summary>
    /// <param name="period">
    /// The longest acceptable period, in whole seconds, at least one. The shortest of several leases counts.
    /// </param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not whole seconds, less than one, or too many.</exception>
    /// <exception cref="LibvirtException">As <see cref="SetMemoryStatsPeriodAsync"/>.</exception>
    public async ValueTask<MemoryStatsPeriodLease> EnsureMemoryStatsPeriodAsync(TimeSpan period, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        _ = WholeSeconds(period);
        RefuseReadOnly("virDomainSetMemoryStatsPeriod");
        return await Connection.PeriodLeases.AddAsync(this, period, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Sets the target of the balloon. The guest's driver moves towards it at its own speed, or not at all.
    /// <see cref="MemoryStats.ActualKiB"/> shows the current size.
    /// </summary>
    /// <param name="kib">The new size in KiB, at most the domain's maximum.</param>
    /// <param name="impact">Whether to change the running domain or its definition.</param>
    /// <param name="cancellationToken">Cancels the call. A change that was already sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: zero, or above the maximum. <see cref="ErrorCode.Overflow"/>: the number is
    /// too large. <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationInvalid"/>: no balloon.
    /// <see cref="ErrorCode.OperationTimeout"/>: no answer in time; the text says whether the change may still take effect.
    /// </exception>
    public async ValueTask SetMemoryAsync(
        ulong kib, DomainModificationImpact impact = DomainModificationImpact.Live, CancellationToken cancellationToken = default)
    {
        CheckMemory(kib, "virDomainSetMemoryFlags");
        await Connection.Driver.SetMemoryAsync(Identity, kib, impact, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Name and UUID.</summary>
    public override string ToString() => $"{Name} ({Uuid})";

    private static int WholeSeconds(TimeSpan period, [CallerArgumentExpression(nameof(period))] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(period, TimeSpan.FromSeconds(int.MaxValue), name);
        return period.Ticks % TimeSpan.TicksPerSecond == 0
            ? (int)period.TotalSeconds
            : throw new ArgumentOutOfRangeException(name, period, "A collection period is in whole seconds.");
    }

    private void RefuseReadOnly(string function)
    {
        if (Connection.IsReadOnly)
            throw LibvirtError.ReadOnly(function);
    }
}
