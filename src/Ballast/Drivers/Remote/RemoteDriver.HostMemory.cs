using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

/// <content>The host's side of memory, which libvirt's protocol has few words for.</content>
internal sealed partial class RemoteDriver
{
    public async ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup, CancellationToken cancellationToken)
    {
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        return await link.TryAskAsync<HostMemoryArgs, HostMemoryReply>(
            BallastProcedure.HostMemory, new() { Group = controlGroup }, cancellationToken).ConfigureAwait(false) is { } reply
            ? HostMemoryFacts.ToHost(reply.Facts)
            : await DeriveHostMemoryAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<DriverProcessMemory>> GetProcessMemoryAsync(
        IReadOnlyList<DomainIdentity> domains, CancellationToken cancellationToken)
    {
        RemoteLink link = await LinkAsync(cancellationToken).ConfigureAwait(false);
        List<DriverProcessMemory> found = new(domains.Count);
        foreach (DomainIdentity[] some in domains.Chunk(RpcLimits.MaxDomains))
        {
            ProcessMemoryArgs arguments = new() { Doms = [.. some.Select(ToRemote)] };
            ProcessMemoryReply? reply = await link.TryAskAsync<ProcessMemoryArgs, ProcessMemoryReply>(
                BallastProcedure.ProcessMemory, arguments, cancellationToken).ConfigureAwait(false);
            found.AddRange(reply is { } told
                ? told.Processes.Select(one => new DriverProcessMemory(FromRemote(one.Dom), HostMemoryFacts.ToProcess(one.Facts, one.Group)))
                : some.Select(domain => new DriverProcessMemory(domain, new ProcessMemory { Reason = MemoryStatsReason.UnsupportedByDaemon })));
        }

        return found;
    }

    /// <summary>What libvirt's protocol tells; caches of files could be had, buffers too.</summary>
    private async ValueTask<HostMemory> DeriveHostMemoryAsync(CancellationToken cancellationToken)
    {
        const int all = -1;
        IReadOnlyList<NodeStat> stats;
        try
        {
            stats = await GetNodeMemoryStatsAsync(all, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            stats = [];
        }

        return new HostMemory
        {
            Reason = MemoryStatsReason.UnsupportedByDaemon,
            TotalKiB = Find("total"),
            FreeKiB = Find("free"),
            AvailableKiB = Find("free") + (Find("buffers") ?? 0) + (Find("cached") ?? 0),
        };

        ulong? Find(string name)
        {
            foreach (NodeStat stat in stats)
            {
                if (stat.Name == name)
                    return stat.Value;
            }

            return null;
        }
    }
}
