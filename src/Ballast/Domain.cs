using System.Runtime.CompilerServices;

namespace Ballast;

/// <summary>
/// A handle on a domain (a guest and its hypervisor). It names the domain by UUID and stays valid, though calls fail with
/// <see cref="ErrorCode.NoDomain"/>, when the domain is gone.
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
    /// The id of an active domain (for a local QEMU its process id); null for an inactive one. As it was when the handle
    /// was made, but for a domain that was ended through this handle.
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

    /// <summary>The most memory the domain can have, in KiB. Source: the hypervisor.</summary>
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
    /// disk_caches, hugetlb_pgalloc, hugetlb_pgfail, rss. A statistic that nobody knows is left out. Nothing is allocated
    /// where the driver answers at once.
    /// </summary>
    /// <param name="stats">The buffer. An empty one gets 0 without asking anybody.</param>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Forgets the call; the query that other callers share goes on.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.OperationTimeout"/>: the monitor did not answer in time, or is known not to answer.
    /// <see cref="ErrorCode.ResourceBusy"/>: another program holds it. <see cref="ErrorCode.SystemError"/>: it cannot be
    /// reached. <see cref="ErrorCode.OperationInvalid"/>: the domain does not run. <see cref="ErrorCode.NoDomain"/>: it is gone.
    /// </exception>
    public ValueTask<int> FillMemoryStatsAsync(
        Memory<MemoryStat> stats, MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default) =>
        stats.IsEmpty
            ? new ValueTask<int>(0)
            : Connection.Driver.GetMemoryStatsAsync(Identity, stats, options, cancellationToken);

    /// <summary>
    /// One sample: the same statistics as typed optional values, with their age, their freshness, and a reason for what is
    /// missing. A monitor that does not answer, is held by another program or may not be used is a reason in the sample,
    /// beside what the host knows, not an error.
    /// </summary>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Forgets the call; the query that other callers share goes on.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.NoDomain"/>: the domain is gone. <see cref="ErrorCode.SystemError"/>: the connection to its
    /// monitor was lost. <see cref="ErrorCode.OperationInvalid"/>: the domain does not run.
    /// </exception>
    public async ValueTask<MemoryStats> GetMemoryStatsAsync(
        MemoryStatsOptions options = MemoryStatsOptions.None, CancellationToken cancellationToken = default) =>
        await Connection.Driver.SampleMemoryAsync(Identity, options, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// One sample of a report that the guest makes now, whatever the collection period: it takes milliseconds. The period
    /// is afterwards as it was, also when the call is cancelled. Callers at the same time share one report, which is at
    /// most some 50 ms older than their asking. A guest that cannot be asked (paused, no driver, a monitor that is held)
    /// gives the sample of <see cref="GetMemoryStatsAsync(MemoryStatsOptions, CancellationToken)"/>, one that does not
    /// answer in time its old numbers, as <see cref="Freshness.Stale"/>.
    /// </summary>
    /// <param name="options">Statistics beyond libvirt's.</param>
    /// <param name="cancellationToken">Forgets the call; the report that other callers share is awaited for them.</param>
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

    /// <summary>How often the hypervisor asks the guest for statistics, in whole seconds; zero where it does not. Source: the hypervisor.</summary>
    public async ValueTask<TimeSpan> GetMemoryStatsPeriodAsync(CancellationToken cancellationToken = default) =>
        TimeSpan.FromSeconds(await Connection.Driver.GetMemoryStatsPeriodAsync(Identity, cancellationToken).ConfigureAwait(false));

    /// <summary>Sets how often the hypervisor asks the guest for statistics. It asks at once when this was off before.</summary>
    /// <param name="period">
    /// From report to report, in whole seconds, at most <see cref="int.MaxValue"/> of them; zero turns collection off, and
    /// what was reported stays. A day, which a refresh uses for a moment, counts as off.
    /// </param>
    /// <param name="impact">What to change.</param>
    /// <param name="cancellationToken">Forgets the call; what was sent may still take effect.</param>
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
    /// Sees to it that the guest's statistics are collected: sets a period where none is set, and leaves one that somebody
    /// else set alone. It is set again when the domain, known by its UUID, comes back in a new process, and given back
    /// (set to 0, if it is still ours) when the last of the connection's leases on it is disposed. A connection of its own
    /// counts as somebody else.
    /// </summary>
    /// <param name="period">The longest period wanted, in whole seconds, at least one; of several leases, the shortest counts.</param>
    /// <param name="cancellationToken">Forgets the call; what was sent may still take effect.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not whole seconds, none, or too many.</exception>
    /// <exception cref="LibvirtException">As <see cref="SetMemoryStatsPeriodAsync"/>.</exception>
    public async ValueTask<MemoryStatsPeriodLease> EnsureMemoryStatsPeriodAsync(TimeSpan period, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        _ = WholeSeconds(period);
        RefuseReadOnly("virDomainSetMemoryStatsPeriod");
        return await Connection.PeriodLeases.AddAsync(this, period, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Asks for another balloon size. The guest's driver moves towards it in its own time, or not at all: watch
    /// <see cref="MemoryStats.ActualKiB"/>.
    /// </summary>
    /// <param name="kib">The memory that the guest shall have, in KiB; at most the domain's maximum.</param>
    /// <param name="impact">What to change.</param>
    /// <param name="cancellationToken">Forgets the call; what was sent may still take effect.</param>
    /// <exception cref="LibvirtException">
    /// <see cref="ErrorCode.InvalidArgument"/>: zero, or above the maximum. <see cref="ErrorCode.Overflow"/>: too large a
    /// number. <see cref="ErrorCode.OperationDenied"/>: read-only. <see cref="ErrorCode.OperationInvalid"/>: no balloon.
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
