using Ballast.Rpc;
using Ballast.Rpc.Messages;
using static Ballast.Server.Dispatch.RemoteProgram;

namespace Ballast.Server.Dispatch;

/// <summary>Definitions of domains: what makes them, changes them and removes them.</summary>
internal static class DefinitionHandlers
{
    private const uint MaximumVcpus = (uint)VirtualCpuCountFlags.Maximum;

    public static (RemoteProcedure Procedure, Handler Handler)[] All { get; } =
    [
        OnMade<XmlArgs>(RemoteProcedure.DomainDefineXml, "define", (session, arguments, token) =>
            session.Connection.DefineDomainAsync(arguments.Xml, cancellationToken: token)),
        OnMade<XmlFlagsArgs>(RemoteProcedure.DomainDefineXmlFlags, "define", (session, arguments, token) =>
        {
            session.RefuseReadOnly("virDomainDefineXMLFlags");
            return session.Connection.DefineDomainAsync(arguments.Xml, (DomainDefineFlags)arguments.Flags, token);
        }),
        OnMade<XmlFlagsArgs>(RemoteProcedure.DomainCreateXml, "create", (session, arguments, token) =>
            session.Connection.CreateDomainAsync(arguments.Xml, (DomainCreateFlags)arguments.Flags, token)),
        OnMade<DomainFlagsArgs>(RemoteProcedure.DomainCreateWithFlags, "start", async (session, arguments, token) =>
        {
            session.RefuseReadOnly("virDomainCreateWithFlags");
            Domain domain = session.Domain(arguments.Dom);
            await domain.StartAsync((DomainCreateFlags)arguments.Flags, token).ConfigureAwait(false);
            return domain;
        }),
        OnChange<DomainArgs>(RemoteProcedure.DomainCreate, arguments => ("start", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).StartAsync(cancellationToken: token)),
        OnChange<DomainArgs>(RemoteProcedure.DomainUndefine, arguments => ("undefine", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).UndefineAsync(cancellationToken: token)),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainUndefineFlags, arguments => ("undefine", arguments.Dom), (session, arguments, token) =>
        {
            session.RefuseReadOnly("virDomainUndefineFlags");
            return session.Domain(arguments.Dom).UndefineAsync((DomainUndefineFlags)arguments.Flags, token);
        }),
        On<RenameArgs, NumberReply>(RemoteProcedure.DomainRename, async (session, arguments, token) =>
        {
            const string function = "virDomainRename";
            string name = arguments.NewName
                ?? throw LibvirtError.InvalidArgument($"new_name in {function} must not be NULL", function, "new_name", ErrorOrigin.Domain);
            if (name.Length > 0 && !session.Connection.IsReadOnly)
                RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainRename", session.DriverOrigin);
            await ChangeAsync(session, ("rename", arguments.Dom), () => session.Domain(arguments.Dom).RenameAsync(name, token)).ConfigureAwait(false);
            return default;
        }),
        OnChange<AutostartArgs>(RemoteProcedure.DomainSetAutostart, arguments => ("autostart", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).SetAutostartAsync(arguments.Autostart != 0, token)),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainManagedSave, arguments => ("managed save", arguments.Dom), (session, arguments, token) =>
        {
            const uint known = 7;
            session.RefuseReadOnly("virDomainManagedSave");
            RefuseFlags(arguments.Flags & ~known, $"{session.DriverPrefix}DomainManagedSave", session.DriverOrigin);
            return session.Domain(arguments.Dom).ManagedSaveAsync(token);
        }),
        OnChange<DomainFlagsArgs>(RemoteProcedure.DomainManagedSaveRemove, arguments => ("managed save removal", arguments.Dom), (session, arguments, token) =>
        {
            session.RefuseReadOnly("virDomainManagedSaveRemove");
            RefuseFlags(arguments.Flags, $"{session.DriverPrefix}DomainManagedSaveRemove", session.DriverOrigin);
            return session.Domain(arguments.Dom).RemoveManagedSaveAsync(token);
        }),
        OnChange<SetMetadataArgs>(RemoteProcedure.DomainSetMetadata, arguments => ("metadata", arguments.Dom), (session, arguments, token) =>
            session.Domain(arguments.Dom).SetMetadataAsync(
                (DomainMetadataType)arguments.Type, arguments.Metadata, arguments.Key, arguments.Uri, (DomainModificationImpact)arguments.Flags, token)),
        OnChange<VcpuCountArgs>(RemoteProcedure.DomainSetVcpus, arguments => ("vcpus", arguments.Dom), (session, arguments, token) =>
        {
            const string function = "virDomainSetVcpus";
            session.RefuseReadOnly(function);
            if (arguments.Nvcpus == 0)
                throw LibvirtError.InvalidArgument($"nvcpus in {function} must not be zero", function, "nvcpus", ErrorOrigin.Domain);
            return session.Domain(arguments.Dom).SetVirtualCpuCountAsync((int)arguments.Nvcpus, cancellationToken: token);
        }),
        OnChange<VcpuCountFlagsArgs>(RemoteProcedure.DomainSetVcpusFlags, arguments => ("vcpus", arguments.Dom), (session, arguments, token) =>
        {
            DomainModificationImpact impact = (DomainModificationImpact)(arguments.Flags & ~MaximumVcpus);
            Domain domain = session.Domain(arguments.Dom);
            return (arguments.Flags & MaximumVcpus) != 0
                ? domain.SetMaxVirtualCpuCountAsync((int)arguments.Nvcpus, impact, token)
                : domain.SetVirtualCpuCountAsync((int)arguments.Nvcpus, impact, token);
        }),
    ];

    /// <summary>A procedure that answers the domain that it made or started.</summary>
    private static (RemoteProcedure Procedure, Handler Handler) OnMade<TArgs>(
        RemoteProcedure procedure, string what, Func<RemoteSession, TArgs, CancellationToken, ValueTask<Domain>> make)
        where TArgs : struct, IXdrMessage<TArgs> =>
        On<TArgs, DomainReply>(procedure, async (session, arguments, token) =>
        {
            RemoteDomain made = LookupHandlers.ToRemote(await make(session, arguments, token).ConfigureAwait(false));
            Tell(session, (what, made), isSure: true);
            return new() { Dom = made };
        });
}
