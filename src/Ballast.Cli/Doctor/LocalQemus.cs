namespace Ballast.Cli.Doctor;

/// <summary>
/// Which processes of this host are a connection's domains, as the library proves it. A daemon's ids are those of its own PID namespace,
/// or numbers of its own: they count only where the library finds the same domain under the same id here.
/// </summary>
internal sealed class LocalQemus
{
    private readonly ProcFiles _proc;
    private readonly HashSet<(int Id, Guid Uuid)> _here;

    private LocalQemus(ProcFiles proc, HashSet<(int Id, Guid Uuid)> here) => (_proc, _here) = (proc, here);

    public static async ValueTask<LocalQemus> FindAsync(CommandInvocation invocation, ProcFiles proc, IEnumerable<Domain> domains)
    {
        HashSet<(int, Guid)> here = [];
        if (ProcFiles.IsAbout(invocation.Connection) && domains.Any())
        {
            if (!invocation.Connection.IsRemote)
                Add(here, domains);
            else
                await AddOfHostAsync(invocation, here);
        }

        return new LocalQemus(proc, here);
    }

    /// <summary>A domain's QEMU; null where it runs on another host, or nobody can tell which one it is.</summary>
    public LocalQemu? Of(Domain domain) => domain.Id is { } id && _here.Contains((id, domain.Uuid)) ? LocalQemu.At(_proc, id) : null;

    private static async ValueTask AddOfHostAsync(CommandInvocation invocation, HashSet<(int, Guid)> here)
    {
        try
        {
            await using Connection host = await invocation.Session.OpenThisHostAsync(invocation.CancellationToken);
            Add(here, await host.ListDomainsAsync(cancellationToken: invocation.CancellationToken));
        }
        catch (LibvirtException)
        {
            // What the daemon tells does without.
        }
    }

    private static void Add(HashSet<(int, Guid)> here, IEnumerable<Domain> domains) =>
        here.UnionWith(domains.Where(domain => domain.Id > 0).Select(domain => (domain.Id!.Value, domain.Uuid)));
}
