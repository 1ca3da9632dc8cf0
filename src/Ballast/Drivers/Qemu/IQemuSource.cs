namespace Ballast.Drivers.Qemu;

/// <summary>Where a connection's QEMUs come from: a named monitor, a directory of them, or the host's processes.</summary>
internal interface IQemuSource : IAsyncDisposable
{
    /// <summary>Looks who is there, and connects to whom it may. Those that cannot be asked are among them, and say why.</summary>
    ValueTask<IReadOnlyList<QemuDomain>> RefreshAsync(TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>The QEMU that is asked for, looking at no more of the others than is needed; null where there is none.</summary>
    async ValueTask<QemuDomain?> LookupAsync(
        Func<DomainIdentity, bool> isWanted, TimeSpan timeout, CancellationToken cancellationToken)
    {
        foreach (QemuDomain qemu in await RefreshAsync(timeout, cancellationToken).ConfigureAwait(false))
        {
            if (isWanted(qemu.Identity))
                return qemu;
        }

        return null;
    }

    /// <summary>The QEMU that a handle names, if nothing happened since it was last seen; asks nobody.</summary>
    QemuDomain? Find(Guid uuid);
}
