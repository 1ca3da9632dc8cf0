using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>Definitions of domains: what makes them, changes them and removes them.</summary>
internal static unsafe class DefinitionExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainDefineXML")]
    private static nint Define(nint connection, byte* xml) => FromXml(connection, "virDomainDefineXML", "xml", xml, (handle, text, token) =>
        handle.Connection.DefineDomainAsync(text, cancellationToken: token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainDefineXMLFlags")]
    private static nint DefineFlags(nint connection, byte* xml, uint flags) => FromXml(connection, "virDomainDefineXMLFlags", "xml", xml, (handle, text, token) =>
        handle.Connection.DefineDomainAsync(text, (DomainDefineFlags)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainCreateXML")]
    private static nint CreateXml(nint connection, byte* xml, uint flags) => FromXml(connection, "virDomainCreateXML", "xmlDesc", xml, (handle, text, token) =>
        handle.Connection.CreateDomainAsync(text, (DomainCreateFlags)flags, token));

    /// <summary>An old name of the same.</summary>
    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainCreateLinux")]
    private static nint CreateLinux(nint connection, byte* xml, uint flags) => FromXml(connection, "virDomainCreateXML", "xmlDesc", xml, (handle, text, token) =>
        handle.Connection.CreateDomainAsync(text, (DomainCreateFlags)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainCreate")]
    private static int Create(nint domain) => Call.Change(domain, "virDomainCreate", (handle, token) => handle.Domain.StartAsync(cancellationToken: token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainCreateWithFlags")]
    private static int CreateWithFlags(nint domain, uint flags) => Call.Change(domain, "virDomainCreateWithFlags", (handle, token) =>
    {
        ChangeExports.RefuseReadOnly(handle, "virDomainCreateWithFlags");
        return handle.Domain.StartAsync((DomainCreateFlags)flags, token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainUndefine")]
    private static int Undefine(nint domain) => Call.Change(domain, "virDomainUndefine", (handle, token) => handle.Domain.UndefineAsync(cancellationToken: token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainUndefineFlags")]
    private static int UndefineFlags(nint domain, uint flags) => Call.Change(domain, "virDomainUndefineFlags", (handle, token) =>
    {
        ChangeExports.RefuseReadOnly(handle, "virDomainUndefineFlags");
        return handle.Domain.UndefineAsync((DomainUndefineFlags)flags, token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainRename")]
    private static int Rename(nint domain, byte* name, uint flags) => Call.Change(domain, "virDomainRename", (handle, token) =>
    {
        string text = NativeText.Require(name, "new_name", "virDomainRename");
        if (text.Length == 0)
            throw CallException.Argument("string new_name in virDomainRename must not be empty", "new_name", "virDomainRename");
        ChangeExports.RefuseReadOnly(handle, "virDomainRename");
        handle.Owner.RefuseFlags(flags, "DomainRename");
        return handle.Domain.RenameAsync(text, token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetAutostart")]
    private static int SetAutostart(nint domain, int autostart) => Call.Change(domain, "virDomainSetAutostart", (handle, token) =>
        handle.Domain.SetAutostartAsync(autostart != 0, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainManagedSave")]
    private static int ManagedSave(nint domain, uint flags) => Call.Change(domain, "virDomainManagedSave", (handle, token) =>
    {
        const string function = "virDomainManagedSave";
        const uint running = 2, paused = 4, known = 7;
        ChangeExports.RefuseReadOnly(handle, function);
        if ((flags & running) != 0 && (flags & paused) != 0)
            throw CallException.Argument("Flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' are mutually exclusive", "ctl", function);
        handle.Owner.RefuseFlags(flags, "DomainManagedSave", known);
        return handle.Domain.ManagedSaveAsync(token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainManagedSaveRemove")]
    private static int ManagedSaveRemove(nint domain, uint flags) => Call.Change(domain, "virDomainManagedSaveRemove", (handle, token) =>
    {
        ChangeExports.RefuseReadOnly(handle, "virDomainManagedSaveRemove");
        handle.Owner.RefuseFlags(flags, "DomainManagedSaveRemove");
        return handle.Domain.RemoveManagedSaveAsync(token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetMetadata")]
    private static int SetMetadata(nint domain, int type, byte* metadata, byte* key, byte* uri, uint flags) =>
        Call.Change(domain, "virDomainSetMetadata", (handle, token) => handle.Domain.SetMetadataAsync(
            (DomainMetadataType)type, NativeText.Read(metadata), NativeText.Read(key), NativeText.Read(uri), (DomainModificationImpact)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetVcpus")]
    private static int SetVcpus(nint domain, uint count) => Call.Change(domain, "virDomainSetVcpus", (handle, token) =>
    {
        const string function = "virDomainSetVcpus";
        ChangeExports.RefuseReadOnly(handle, function);
        if (count == 0)
            throw CallException.Argument($"nvcpus in {function} must not be zero", "nvcpus", function);
        return handle.Domain.SetVirtualCpuCountAsync((int)count, cancellationToken: token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainSetVcpusFlags")]
    private static int SetVcpusFlags(nint domain, uint count, uint flags) => Call.Change(domain, "virDomainSetVcpusFlags", (handle, token) =>
    {
        const uint maximum = (uint)VirtualCpuCountFlags.Maximum;
        DomainModificationImpact impact = (DomainModificationImpact)(flags & ~maximum);
        return (flags & maximum) != 0
            ? handle.Domain.SetMaxVirtualCpuCountAsync((int)count, impact, token)
            : handle.Domain.SetVirtualCpuCountAsync((int)count, impact, token);
    });

    private delegate ValueTask<Domain> Making(ConnectionHandle connection, string xml, CancellationToken token);

    private static nint FromXml(nint connection, string function, string argument, byte* xml, Making make)
    {
        try
        {
            ConnectionHandle handle = Handles.Connection(connection, function);
            // As in libvirt: what makes a domain run looks at its XML first.
            if (xml == null && argument == "xmlDesc")
                throw CallException.Null(argument, function);
            if (handle.Connection.IsReadOnly)
                throw CallException.ReadOnly(function);
            string text = NativeText.Require(xml, argument, function, ErrorCode.XmlDetail);
            return new DomainHandle(handle, Blocking.Wait(make(handle, text, Blocking.Token))).Handle;
        }
        catch (Exception e)
        {
            return Failure.NullOf(e, connection);
        }
    }
}
