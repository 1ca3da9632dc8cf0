namespace Ballast.Drivers.Qemu;

/// <summary>Several sources as one.</summary>
internal sealed class QemuSources(IReadOnlyList<IQemuSource> sources) : IQemuSource
{
    public async ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        IReadOnlyList<QemuDomain>[] found = await Task.WhenAll(sources.Select(
            async source => await source.RefreshAsync(timeout, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);

        // A socket that is named and lies in a directory too is one QEMU all the same.
        return [.. found.SelectMany(domains => domains).DistinctBy(domain => domain.Identity.Uuid).OrderBy(domain => domain.Identity.Id)];
    }

    public QemuDomain? Find(Guid uuid) => sources.Select(source => source.Find(uuid)).FirstOrDefault(domain => domain is not null);

    public async ValueTask DisposeAsync()
    {
        foreach (IQemuSource source in sources)
            await source.DisposeAsync().ConfigureAwait(false);
    }
}
