using Ballast.Rpc;
using Ballast.Rpc.Messages;

namespace Ballast.Drivers.Remote;

internal sealed partial class RemoteDriver
{
    public ValueTask<DomainIdentity> DefineDomainAsync(string xml, DomainDefineFlags flags, CancellationToken cancellationToken) =>
        flags == DomainDefineFlags.None
            ? MakeAsync(RemoteProcedure.DomainDefineXml, new XmlArgs { Xml = xml }, cancellationToken)
            : MakeAsync(RemoteProcedure.DomainDefineXmlFlags, new XmlFlagsArgs { Xml = xml, Flags = (uint)flags }, cancellationToken);

    public ValueTask<DomainIdentity> CreateDomainAsync(string xml, DomainCreateFlags flags, CancellationToken cancellationToken) =>
        MakeAsync(RemoteProcedure.DomainCreateXml, new XmlFlagsArgs { Xml = xml, Flags = (uint)flags }, cancellationToken);

    /// <summary>Only the newer procedure answers the new id.</summary>
    public async ValueTask<DomainIdentity> StartAsync(DomainIdentity domain, DomainCreateFlags flags, CancellationToken cancellationToken)
    {
        if (flags != DomainCreateFlags.None)
            return await MakeAsync(RemoteProcedure.DomainCreateWithFlags, WithFlags(domain, (uint)flags), cancellationToken).ConfigureAwait(false);
        await ChangeAsync(RemoteProcedure.DomainCreate, Of(domain), cancellationToken).ConfigureAwait(false);
        return await LookupByUuidAsync(domain.Uuid, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask UndefineAsync(DomainIdentity domain, DomainUndefineFlags flags, CancellationToken cancellationToken) =>
        flags == DomainUndefineFlags.None
            ? ChangeAsync(RemoteProcedure.DomainUndefine, Of(domain), cancellationToken)
            : ChangeAsync(RemoteProcedure.DomainUndefineFlags, WithFlags(domain, (uint)flags), cancellationToken);

    public async ValueTask RenameAsync(DomainIdentity domain, string name, CancellationToken cancellationToken) =>
        _ = await ChangeAsync<RenameArgs, NumberReply>(
            RemoteProcedure.DomainRename, new() { Dom = ToRemote(domain), NewName = name }, cancellationToken).ConfigureAwait(false);

    public ValueTask<bool> IsUpdatedAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        TruthAsync(RemoteProcedure.DomainIsUpdated, Of(domain), cancellationToken);

    public ValueTask SetAutostartAsync(DomainIdentity domain, bool starts, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainSetAutostart, new AutostartArgs { Dom = ToRemote(domain), Autostart = starts ? 1 : 0 }, cancellationToken);

    public ValueTask ManagedSaveAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainManagedSave, WithFlags(domain), cancellationToken);

    public ValueTask RemoveManagedSaveAsync(DomainIdentity domain, CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainManagedSaveRemove, WithFlags(domain), cancellationToken);

    public ValueTask SetMetadataAsync(
        DomainIdentity domain, DomainMetadataType type, string? text, string? prefix, string? uri, DomainModificationImpact impact,
        CancellationToken cancellationToken) =>
        ChangeAsync(RemoteProcedure.DomainSetMetadata,
            new SetMetadataArgs { Dom = ToRemote(domain), Type = (int)type, Metadata = text, Key = prefix, Uri = uri, Flags = (uint)impact },
            cancellationToken);

    public ValueTask SetVirtualCpuCountAsync(
        DomainIdentity domain, int count, bool isMaximum, DomainModificationImpact impact, CancellationToken cancellationToken)
    {
        VirtualCpuCountFlags which = isMaximum ? VirtualCpuCountFlags.Maximum : VirtualCpuCountFlags.None;
        return ChangeAsync(RemoteProcedure.DomainSetVcpusFlags,
            new VcpuCountFlagsArgs { Dom = ToRemote(domain), Nvcpus = (uint)count, Flags = (uint)impact | (uint)which }, cancellationToken);
    }

    private async ValueTask<DomainIdentity> MakeAsync<TArgs>(RemoteProcedure procedure, TArgs arguments, CancellationToken cancellationToken)
        where TArgs : struct, IXdrMessage<TArgs> =>
        FromRemote((await ChangeAsync<TArgs, DomainReply>(procedure, arguments, cancellationToken).ConfigureAwait(false)).Dom);
}
