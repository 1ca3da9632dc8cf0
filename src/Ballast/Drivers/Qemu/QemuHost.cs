using System.Collections.Frozen;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu;

/// <summary>
/// Every QEMU of this host, found among its processes. What is found is listed, whether it may be asked or not; monitors
/// that belong to a manager (libvirt, Proxmox VE, Incus, LXD) are left alone.
/// </summary>
internal sealed class QemuHost : IQemuSource
{
    private readonly SemaphoreSlim _looking = new(1);
    private readonly Dictionary<int, HostedQemu> _hosted = [];
    private readonly QemuTrust _trust;
    private readonly TimeProvider _time;
    private volatile FrozenDictionary<Guid, (QemuDomain Domain, HostedQemu Hosted)> _known =
        FrozenDictionary<Guid, (QemuDomain, HostedQemu)>.Empty;

    public QemuHost(IReadOnlyCollection<uint> trustedUsers, TimeProvider time)
    {
        _trust = new QemuTrust(trustedUsers);
        _time = time;
    }

    public async ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        await ConnectAsync(_ => true, timeout, cancellationToken).ConfigureAwait(false);

    /// <summary>Looks at command lines first, so that asking for one domain does not connect to all.</summary>
    public async ValueTask<QemuDomain?> LookupAsync(
        Func<DomainIdentity, bool> isWanted, TimeSpan timeout, CancellationToken cancellationToken)
    {
        List<QemuDomain> known = await ConnectAsync(isWanted, timeout, cancellationToken).ConfigureAwait(false);
        return known.Find(domain => isWanted(domain.Identity))
            ?? (await ConnectAsync(_ => true, timeout, cancellationToken).ConfigureAwait(false)).Find(domain => isWanted(domain.Identity));
    }

    // The connecting is not exclusive: a monitor that is silent keeps nobody waiting who asks for another.
    private async ValueTask<List<QemuDomain>> ConnectAsync(
        Func<DomainIdentity, bool> isWanted, TimeSpan timeout, CancellationToken cancellationToken)
    {
        HostedQemu[] wanted = await ExclusivelyAsync(async () =>
        {
            await ScanAsync().ConfigureAwait(false);
            return _hosted.Values.Where(hosted => isWanted(hosted.Said)).ToArray();
        }, cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(wanted.Select(hosted => hosted.ConnectAsync(timeout, cancellationToken))).ConfigureAwait(false);
        return await ExclusivelyAsync(() => new ValueTask<List<QemuDomain>>(Publish()), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<T> ExclusivelyAsync<T>(Func<ValueTask<T>> action, CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await action().ConfigureAwait(false);
        }
        finally
        {
            _looking.Release();
        }
    }

    public QemuDomain? Find(Guid uuid) =>
        _known.TryGetValue(uuid, out (QemuDomain Domain, HostedQemu Hosted) known)
        && known.Hosted.IsCurrent && (known.Domain.MonitorOrNull is not null || !known.Domain.HasExited)
            ? known.Domain
            : null;

    public async ValueTask DisposeAsync() =>
        await ExclusivelyAsync(async () =>
        {
            foreach (HostedQemu hosted in _hosted.Values)
                await hosted.ReleaseAsync().ConfigureAwait(false);
            _hosted.Clear();
            _known = FrozenDictionary<Guid, (QemuDomain, HostedQemu)>.Empty;
            return true;
        }, CancellationToken.None).ConfigureAwait(false);

    private async ValueTask ScanAsync()
    {
        foreach ((int pid, HostedQemu hosted) in _hosted.ToArray())
        {
            if (!hosted.Process.HasExited)
                continue;
            _hosted.Remove(pid);
            await hosted.ReleaseAsync().ConfigureAwait(false);
        }

        IReadOnlyDictionary<string, string>? mounts = null;
        foreach (int pid in ProcessTable.Pids())
        {
            if (_hosted.ContainsKey(pid)
                || !QemuCommandLine.TryRead(pid, out QemuCommandLine? commandLine) || !commandLine.IsQemu
                || ProcessTable.Uid(pid) is not { } uid || QemuProcess.Open(pid, commandLine) is not { } process)
            {
                continue;
            }

            mounts ??= SafeSocketPath.ReadMounts();
            _hosted[pid] = HostedQemu.Inspect(process, uid, _trust, mounts, _time);
        }
    }

    // Names and UUIDs are unique: the process that is trusted, and then the older one, keeps what two claim.
    private List<QemuDomain> Publish()
    {
        List<QemuDomain> domains = [];
        HashSet<string> names = [];
        Dictionary<Guid, (QemuDomain, HostedQemu)> known = [];
        FrozenDictionary<Guid, (QemuDomain Domain, HostedQemu Hosted)> before = _known;
        foreach (HostedQemu hosted in _hosted.Values.OrderBy(hosted => hosted.Process.StartTicks).ThenBy(hosted => hosted.Process.Pid))
        {
            DomainIdentity identity = hosted.Said;
            if (!names.Add(identity.Name))
            {
                identity = identity with { Name = $"{identity.Name}@{hosted.Process.Pid}" };
                names.Add(identity.Name);
            }

            if (known.ContainsKey(identity.Uuid))
                identity = identity with { Uuid = hosted.Process.DeriveUuid() };

            // The same object as long as it is the same domain: it remembers things between calls.
            QemuDomain domain = before.TryGetValue(identity.Uuid, out (QemuDomain Domain, HostedQemu Hosted) old)
                && old.Hosted == hosted && old.Domain.Identity == identity
                ? old.Domain
                : hosted.ToDomain(identity);
            known[identity.Uuid] = (domain, hosted);
            domains.Add(domain);
        }

        _known = known.ToFrozenDictionary();
        domains.Sort((left, right) => left.Identity.Id.GetValueOrDefault().CompareTo(right.Identity.Id.GetValueOrDefault()));
        return domains;
    }
}
