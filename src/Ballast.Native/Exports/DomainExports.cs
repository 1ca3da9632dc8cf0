using System.Runtime.InteropServices;

namespace Ballast.Native.Exports;

/// <summary>What a domain is: <c>virDomainGet…</c>, <c>virDomainIs…</c>.</summary>
internal static unsafe class DomainExports
{
    private const int UuidLength = 16, UuidTextLength = 36, LabelLength = 4097;

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainRef")]
    private static int AddReference(nint domain) => OfHandle(domain, "virDomainRef", -1, handle =>
    {
        handle.AddReference();
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainFree")]
    private static int Free(nint domain) => OfHandle(domain, "virDomainFree", -1, handle =>
    {
        // Somebody else may free it at the same time.
        return handle.Release() ? 0 : throw CallException.NoDomain("virDomainFree");
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetConnect")]
    private static nint GetConnection(nint domain) => OfHandle(domain, "virDomainGetConnect", (nint)0, handle => handle.Owner.Handle);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetName")]
    private static nint GetName(nint domain) => OfHandle(domain, "virDomainGetName", (nint)0, handle => handle.Name);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetID")]
    private static uint GetId(nint domain) => OfHandle(domain, "virDomainGetID", uint.MaxValue, handle => handle.Id);

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetUUID")]
    private static int GetUuid(nint domain, byte* uuid) => OfHandle(domain, "virDomainGetUUID", -1, handle =>
    {
        if (uuid == null)
            throw CallException.Null("uuid", "virDomainGetUUID");
        _ = handle.Domain.Uuid.TryWriteBytes(new Span<byte>(uuid, UuidLength), bigEndian: true, out _);
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetUUIDString")]
    private static int GetUuidText(nint domain, byte* text) => OfHandle(domain, "virDomainGetUUIDString", -1, handle =>
    {
        if (text == null)
            throw CallException.Null("buf", "virDomainGetUUIDString");
        NativeText.Fill(new Span<byte>(text, UuidTextLength + 1), handle.Domain.Uuid.ToString());
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetOSType")]
    private static nint GetOSType(nint domain) =>
        Call.TextOfDomain(domain, "virDomainGetOSType", (handle, token) => handle.Domain.GetOSTypeAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetXMLDesc")]
    private static nint GetXml(nint domain, uint flags) =>
        Call.TextOfDomain(domain, "virDomainGetXMLDesc", (handle, token) => handle.Domain.GetXmlAsync((DomainXmlFlags)flags, token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetInfo")]
    private static int GetInfo(nint domain, NativeDomainInfo* info)
    {
        const int nanosecondsOfTick = 100;
        const string function = "virDomainGetInfo";
        return Call.OfDomain(domain, function, (handle, token) => info == null ? throw CallException.Null("info", function) : handle.Domain.GetInfoAsync(token), found =>
        {
            *info = new NativeDomainInfo
            {
                State = (byte)found.State,
                MaxMemory = (nuint)found.MaxMemoryKiB,
                Memory = (nuint)found.MemoryKiB,
                VirtualCpus = (ushort)found.VirtualCpus,
                CpuTime = (ulong)found.CpuTime.Ticks * nanosecondsOfTick,
            };
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetState")]
    private static int GetState(nint domain, int* state, int* reason, uint flags)
    {
        const string function = "virDomainGetState";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            if (state == null)
                throw CallException.Null("state", function);
            handle.Owner.RefuseFlags(flags, "DomainGetState");
            return handle.Domain.GetStateAsync(token);
        }, found =>
        {
            *state = (int)found.State;
            if (reason != null)
                *reason = found.Reason;
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMaxMemory")]
    private static nuint GetMaxMemory(nint domain)
    {
        try
        {
            return (nuint)Blocking.Wait(Handles.Domain(domain, "virDomainGetMaxMemory").Domain.GetMaxMemoryAsync(Blocking.Token));
        }
        catch (Exception e)
        {
            Failure.Raise(e, domain);
            return 0;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainIsActive")]
    private static int IsActive(nint domain) => Bit(domain, "virDomainIsActive", (handle, token) => handle.Domain.IsActiveAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainIsPersistent")]
    private static int IsPersistent(nint domain) => Bit(domain, "virDomainIsPersistent", (handle, token) => handle.Domain.IsPersistentAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainIsUpdated")]
    private static int IsUpdated(nint domain) => Bit(domain, "virDomainIsUpdated", (handle, token) => handle.Domain.IsUpdatedAsync(token));

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetAutostart")]
    private static int GetAutostart(nint domain, int* autostart)
    {
        const string function = "virDomainGetAutostart";
        return Call.OfDomain(domain, function, (handle, token) =>
            autostart == null ? throw CallException.Null("autostart", function) : handle.Domain.GetAutostartAsync(token), starts =>
        {
            *autostart = starts ? 1 : 0;
            return 0;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainHasManagedSaveImage")]
    private static int HasManagedSaveImage(nint domain, uint flags) => Bit(domain, "virDomainHasManagedSaveImage", (handle, token) =>
    {
        handle.Owner.RefuseFlags(flags, "DomainHasManagedSaveImage");
        return handle.Domain.HasManagedSaveImageAsync(token);
    });

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetMessages")]
    private static int GetMessages(nint domain, nint** messages, uint flags)
    {
        const string function = "virDomainGetMessages";
        return Call.OfDomain(domain, function, (handle, token) =>
        {
            const uint known = 3;
            handle.Owner.RefuseFlags(flags, "DomainGetMessages", known);
            return messages == null ? throw CallException.Null("msgs", function) : handle.Domain.GetMessagesAsync((DomainMessageKinds)flags, token);
        }, found =>
        {
            *messages = NativeText.List(found);
            return found.Count;
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virDomainGetSecurityLabel")]
    private static int GetSecurityLabel(nint domain, byte* label)
    {
        const int enforcingOffset = (LabelLength + sizeof(int) - 1) / sizeof(int) * sizeof(int);
        const string function = "virDomainGetSecurityLabel";
        return Call.OfDomain(domain, function, (handle, token) =>
            label == null ? throw CallException.Null("seclabel", function) : handle.Domain.GetSecurityLabelAsync(token), found =>
        {
            NativeText.Fill(new Span<byte>(label, LabelLength), found.Label);
            *(int*)(label + enforcingOffset) = found.IsEnforcing ? 1 : 0;
            return 0;
        });
    }

    private static int Bit(nint domain, string function, Func<DomainHandle, CancellationToken, ValueTask<bool>> ask) =>
        Call.OfDomain(domain, function, ask, answer => answer ? 1 : 0);

    private static T OfHandle<T>(nint domain, string function, T failure, Func<DomainHandle, T> answer)
    {
        try
        {
            return answer(Handles.Domain(domain, function));
        }
        catch (Exception e)
        {
            Failure.Raise(e, domain);
            return failure;
        }
    }
}
