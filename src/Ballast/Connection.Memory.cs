using Ballast.Drivers;

namespace Ballast;

/// <content>The host's memory and that of QEMU processes, for decisions about balloons.</content>
public sealed partial class Connection
{
    /// <summary>
    /// Returns the host's memory, swap and memory pressure, and the limits of a memory control group. Source: the host's kernel. libvirt's
    /// daemon reports little of this, and no control group: <see cref="HostMemory.Reason"/> says so.
    /// </summary>
    /// <param name="controlGroup">
    /// The path of a control group, relative to the directory where control groups are mounted (<c>machine.slice</c>); null for none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public async ValueTask<HostMemory> GetHostMemoryAsync(string? controlGroup = null, CancellationToken cancellationToken = default) =>
        await Driver.GetHostMemoryAsync(controlGroup, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Returns what the host's kernel reports about the processes of the given domains. Domains that end in the meantime are left out.
    /// </summary>
    /// <param name="domains">Domains of this connection, without duplicates.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="LibvirtException">The connection to the daemon was lost.</exception>
    public async ValueTask<IReadOnlyList<DomainProcessMemory>> GetProcessMemoryAsync(
        IEnumerable<Domain> domains, CancellationToken cancellationToken = default)
    {
        List<DomainIdentity> identities = Identities(domains);
        if (identities.Count == 0)
            return [];
        IReadOnlyList<DriverProcessMemory> found = await Driver.GetProcessMemoryAsync(identities, cancellationToken).ConfigureAwait(false);
        return [.. found.Select(one => new DomainProcessMemory(new Domain(this, one.Domain), one.Memory))];
    }
}
