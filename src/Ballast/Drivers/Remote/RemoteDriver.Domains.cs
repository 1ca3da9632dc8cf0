using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    public async ValueTask<IReadOnlyList<DomainIdentity>> ListDomainsAsync(DomainListFilter filter, CancellationToken cancellationToken)
    {
        ListAllDomainsReply reply = await AskAsync<ListAllArgs, ListAllDomainsReply>(
            RemoteProcedure.ConnectListAllDomains, new() { NeedResults = true, Flags = (uint)filter }, cancellationToken).ConfigureAwait(false);
        DomainIdentity[] domains = [.. reply.Domains.Select(domain => FromRemote(domain))];
        Array.Sort(domains, static (one, other) => DomainOrder.Compare(one.Id, one.Name, other.Id, other.Name));
        return domains;
    }

    public async ValueTask<DomainIdentity> LookupByIdAsync(int id, CancellationToken cancellationToken) =>
        FromRemote((await AskAsync<IdArgs, DomainReply>(RemoteProcedure.DomainLookupById, new() { Id = id }, cancellationToken).ConfigureAwait(false)).Dom);

    public async ValueTask<DomainIdentity> LookupByNameAsync(string name, CancellationToken cancellationToken) =>
        FromRemote((await AskAsync<NameArgs, DomainReply>(RemoteProcedure.DomainLookupByName, new() { Name = name }, cancellationToken).ConfigureAwait(false)).Dom);

    public async ValueTask<DomainIdentity> LookupByUuidAsync(Guid uuid, CancellationToken cancellationToken) =>
        FromRemote((await AskAsync<UuidArgs, DomainReply>(RemoteProcedure.DomainLookupByUuid, new() { Uuid = uuid }, cancellationToken).ConfigureAwait(false)).Dom);

    public async ValueTask<DomainInfo> GetInfoAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        DomainInfoReply info = await AskAsync<DomainArgs, DomainInfoReply>(
            RemoteProcedure.DomainGetInfo, Of(domain), cancellationToken).ConfigureAwait(false);
        return new DomainInfo((DomainState)info.State, info.MaxMem, info.Memory, (int)Math.Min(info.NrVirtCpu, int.MaxValue),
            TimeSpan.FromTicks((long)(info.CpuTime / (ulong)TimeSpan.NanosecondsPerTick)));
    }

    public async ValueTask<DomainStateInfo> GetStateAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        DomainStateReply state = await AskAsync<DomainFlagsArgs, DomainStateReply>(
            RemoteProcedure.DomainGetState, WithFlags(domain), cancellationToken).ConfigureAwait(false);
        return new DomainStateInfo((DomainState)state.State, state.Reason);
    }

    public async ValueTask<string> GetOSTypeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        (await AskAsync<DomainArgs, TextReply>(RemoteProcedure.DomainGetOSType, Of(domain), cancellationToken).ConfigureAwait(false)).Text;

    public ValueTask<bool> IsPersistentAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        TruthAsync(RemoteProcedure.DomainIsPersistent, Of(domain), cancellationToken);

    public ValueTask<bool> GetAutostartAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        TruthAsync(RemoteProcedure.DomainGetAutostart, Of(domain), cancellationToken);

    public ValueTask<bool> HasManagedSaveImageAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        TruthAsync(RemoteProcedure.DomainHasManagedSaveImage, WithFlags(domain), cancellationToken);

    public async ValueTask<SecurityModel> GetSecurityModelAsync(CancellationToken cancellationToken)
    {
        SecurityModelReply model = await AskAsync<Nothing, SecurityModelReply>(
            RemoteProcedure.NodeGetSecurityModel, default, cancellationToken).ConfigureAwait(false);
        return new SecurityModel(model.Model, model.Doi);
    }

    public async ValueTask<SecurityLabel> GetSecurityLabelAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        SecurityLabelReply label = await AskAsync<DomainArgs, SecurityLabelReply>(
            RemoteProcedure.DomainGetSecurityLabel, Of(domain), cancellationToken).ConfigureAwait(false);
        return new SecurityLabel(label.Label, label.Enforcing != 0);
    }

    public async ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken) =>
        (await AskAsync<DomainFlagsArgs, TextReply>(
            RemoteProcedure.DomainGetXmlDesc, WithFlags(domain, (uint)flags), cancellationToken).ConfigureAwait(false)).Text;

    public async ValueTask<IReadOnlyList<string>> GetMessagesAsync(
        DomainIdentity domain, DomainMessageKinds kinds, CancellationToken cancellationToken) =>
        [.. (await AskAsync<DomainFlagsArgs, MessagesReply>(
            RemoteProcedure.DomainGetMessages, WithFlags(domain, (uint)kinds), cancellationToken).ConfigureAwait(false)).Msgs.Select(message => message.Text)];

    public ValueTask SuspendAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainSuspend, Of(domain), cancellationToken);

    public ValueTask ResumeAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainResume, Of(domain), cancellationToken);

    public ValueTask ShutdownAsync(DomainIdentity domain, DomainShutdownFlags flags, CancellationToken cancellationToken) =>
        flags == DomainShutdownFlags.None
            ? ChangeAsync(RemoteProcedure.DomainShutdown, Of(domain), cancellationToken)
            : ChangeAsync(RemoteProcedure.DomainShutdownFlags, WithFlags(domain, (uint)flags), cancellationToken);

    public ValueTask ResetAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainReset, WithFlags(domain), cancellationToken);

    public ValueTask DestroyAsync(DomainIdentity domain, DomainDestroyFlags flags, CancellationToken cancellationToken) =>
        flags == DomainDestroyFlags.None
            ? ChangeAsync(RemoteProcedure.DomainDestroy, Of(domain), cancellationToken)
            : ChangeAsync(RemoteProcedure.DomainDestroyFlags, WithFlags(domain, (uint)flags), cancellationToken);

    private async ValueTask<bool> TruthAsync<TArgs>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs> =>
        (await AskAsync<TArgs, NumberReply>(procedure, arguments, cancellationToken).ConfigureAwait(false)).Number != 0;

    private static DomainArgs Of(DomainIdentity domain) => new() { Dom = ToRemote(domain) };

    private static DomainFlagsArgs WithFlags(DomainIdentity domain, uint flags = 0) => new() { Dom = ToRemote(domain), Flags = flags };
}
