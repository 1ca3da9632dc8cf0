using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Xml;

namespace Ballast.Drivers.Qemu;

/// <content>What single disks and network interfaces tell.</content>
internal sealed partial class QemuDriver
{
    public async ValueTask<IReadOnlyList<TypedParameter>> GetBlockStatsAsync(
        DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        IReadOnlyList<DiskStats> disks = await AskDisksAsync(domain, QmpDeviceStats.DisksAsync, cancellationToken).ConfigureAwait(false);
        DiskStats[] chosen = [.. disks.Where(known => disk.Length == 0 || IsCalled(known, disk))];
        if (chosen.Length == 0 && disk.Length > 0)
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, $"invalid path: {disk}");
        return
        [
            .. QmpDeviceStats.CounterNames.Select(counter => (counter.Name, Values: chosen
                    .SelectMany(known => known.Numbers.Where(number => number.Name == counter.Statistic).Select(number => number.Value)).ToArray()))
                .Where(sum => sum.Values.Length > 0)
                .Select(sum => TypedParameter.LLong(sum.Name, (long)Math.Min(long.MaxValue, sum.Values.Aggregate(0UL, (a, b) => a + b)))),
        ];
    }

    public async ValueTask<DomainBlockCounters> GetBlockCountersAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        IReadOnlyList<TypedParameter> counters = await GetBlockStatsAsync(domain, disk, cancellationToken).ConfigureAwait(false);
        return new DomainBlockCounters(Counter("rd_operations"), Counter("rd_bytes"), Counter("wr_operations"), Counter("wr_bytes"), Errors: null);

        // Without any disk there is nothing to add up; of one, what QEMU does not tell is unknown.
        long? Counter(string name) => counters.Count == 0
            ? 0
            : counters.Where(counter => counter.Field == name).Select(counter => (long?)(long)counter.Value).FirstOrDefault();
    }

    public async ValueTask<DomainBlockInfo> GetBlockInfoAsync(DomainIdentity domain, string disk, CancellationToken cancellationToken)
    {
        IReadOnlyList<DiskStats> disks = await AskDisksAsync(domain, QmpDeviceStats.DisksAsync, cancellationToken).ConfigureAwait(false);
        DiskStats found = disks.FirstOrDefault(known => IsCalled(known, disk))
            ?? throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, $"invalid path {disk} not assigned to domain");
        if (found.File is not { } file)
            throw LibvirtError.Report(ErrorCode.InvalidArgument, ErrorOrigin.Qemu, $"disk '{disk}' does not currently have a source assigned");
        (ulong size, ulong used) = await AskDisksAsync(
            domain, (monitor, timeout, token) => QmpDeviceStats.StorageSizeAsync(monitor, file, timeout, token), cancellationToken).ConfigureAwait(false);

        // As libvirt's: QEMU tells the highest byte that was written where no format lies between, otherwise the file system tells both.
        ulong capacity = Number("capacity"), highest = found.IsRaw ? Number("allocation") : 0;
        return highest > 0 ? new DomainBlockInfo(capacity, highest, used > 0 ? used : size) : new DomainBlockInfo(capacity, used, size);

        ulong Number(string name) => found.Numbers.Where(number => number.Name == name).Select(number => number.Value).FirstOrDefault();
    }

    /// <summary>The host counts what goes through a TAP device; QEMU's other networks, it does not see.</summary>
    public async ValueTask<DomainInterfaceStats> GetInterfaceStatsAsync(DomainIdentity domain, string device, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        DomainInterfaceStats? stats = qemu is { Process: { } process, Instance.Distrust: null }
            ? await SingleLook.RunAsync(
                () => process.ReadTap(device, cancellationToken), qemu.Identity.Name,
                failure => _log.LookFailed(QmpErrors.CannotLook(failure)), cancellationToken).ConfigureAwait(false)
            : null;
        return stats ?? throw DomainRules.NoInterface(device);
    }

    private static bool IsCalled(DiskStats known, string disk) => known.Alias == disk || DiskTarget.Of(known.Alias) == disk || known.File == disk;

    private async ValueTask<T> AskDisksAsync<T>(
        DomainIdentity domain, Func<AskedMonitor, TimeSpan, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        QemuDomain qemu = await ResolveAsync(domain, cancellationToken).ConfigureAwait(false);
        try
        {
            return await ask(qemu.Asked, _timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (IsGone(qemu, e))
        {
            throw LibvirtError.NoDomain(ErrorOrigin.Qemu, domain);
        }
    }
}
