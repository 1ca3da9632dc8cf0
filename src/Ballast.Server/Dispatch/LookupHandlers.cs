using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>Which domains there are.</summary>
internal static class LookupHandlers
{
    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        On<IdArgs, DomainReply>(RemoteProcedure.DomainLookupById, async (session, arguments, token) =>
            new() { Dom = ToRemote(await session.Connection.LookupByIdAsync(arguments.Id, token).ConfigureAwait(false)) }),
        On<NameArgs, DomainReply>(RemoteProcedure.DomainLookupByName, async (session, arguments, token) =>
            new() { Dom = ToRemote(await session.Connection.LookupByNameAsync(arguments.Name, token).ConfigureAwait(false)) }),
        On<UuidArgs, DomainReply>(RemoteProcedure.DomainLookupByUuid, async (session, arguments, token) =>
            new() { Dom = ToRemote(await session.Connection.LookupByUuidAsync(arguments.Uuid, token).ConfigureAwait(false)) }),
        On<ListAllArgs, ListAllDomainsReply>(RemoteProcedure.ConnectListAllDomains, async (session, arguments, token) =>
        {
            IReadOnlyList<Domain> found = await session.Connection.ListDomainsAsync((DomainListFilter)arguments.Flags, token).ConfigureAwait(false);
            if (found.Count > RpcLimits.MaxDomains)
                throw RpcErrors.Internal($"Too many domains '{found.Count}' for limit '{RpcLimits.MaxDomains}'");
            return new() { Domains = arguments.NeedResults ? [.. found.Select(ToRemote)] : [], Count = (uint)found.Count };
        }),
        On<Nothing, NumberReply>(RemoteProcedure.ConnectNumOfDomains, async (session, _, token) =>
            new() { Number = Ids(await ListAsync(session, DomainListFilter.Active, token).ConfigureAwait(false)).Length }),
        On<Nothing, NumberReply>(RemoteProcedure.ConnectNumOfDefinedDomains, async (session, _, token) =>
            new() { Number = (await ListAsync(session, DomainListFilter.Inactive, token).ConfigureAwait(false)).Count }),
        On<MaximumArgs, DomainIdsReply>(RemoteProcedure.ConnectListDomains, async (session, arguments, token) =>
        {
            int maximum = Maximum(arguments.Maximum, "maxids");
            IReadOnlyList<Domain> found = await ListAsync(session, DomainListFilter.Active, token).ConfigureAwait(false);
            return new() { Ids = [.. Ids(found).Take(maximum).Select(id => new DomainId { Id = id })] };
        }),
        On<MaximumArgs, DomainNamesReply>(RemoteProcedure.ConnectListDefinedDomains, async (session, arguments, token) =>
        {
            int maximum = Maximum(arguments.Maximum, "maxnames");
            IReadOnlyList<Domain> found = await ListAsync(session, DomainListFilter.Inactive, token).ConfigureAwait(false);
            return new() { Names = [.. found.Take(maximum).Select(domain => new DomainName { Name = domain.Name })] };
        }),
    ];

    public static RemoteDomain ToRemote(Domain domain) => ToRemote(domain.Identity);

    public static RemoteDomain ToRemote(DomainIdentity domain) => new() { Name = domain.Name, Uuid = domain.Uuid, Id = domain.Id ?? -1 };

    private static ValueTask<IReadOnlyList<Domain>> ListAsync(RemoteSession session, DomainListFilter filter, CancellationToken token) =>
        session.Connection.ListDomainsAsync(filter, token);

    // Those by which a domain is found: one whose process Ballast cannot see has 0, like others of its kind.
    private static int[] Ids(IReadOnlyList<Domain> domains) => [.. domains.Select(domain => domain.Id ?? 0).Where(id => id > 0)];

    // As libvirt's daemon: too many is its own mistake, fewer than none the caller's.
    private static int Maximum(int asked, string name) => asked > RpcLimits.MaxDomains
        ? throw RpcErrors.Bare($"{name} > REMOTE_DOMAIN_LIST_MAX")
        : asked >= 0 ? asked : throw RpcErrors.Bare($"{name} must be non-negative");
}
