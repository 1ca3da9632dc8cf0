using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>A function that a program registered for an event.</summary>
internal sealed unsafe class EventCallback(int id, int eventId, Guid? domain, nint function, nint opaque, delegate* unmanaged<nint, void> free, bool isOld)
{
    private readonly delegate* unmanaged<nint, void> _free = free;

    public int Id => id;

    public int EventId => eventId;

    /// <summary>The one domain that matters; null: all of them.</summary>
    public Guid? Domain => domain;

    public nint Function => function;

    /// <summary>Registered in the way that has no number.</summary>
    public bool IsOld => isOld;

    public bool IsGone { get; set; }

    /// <summary>How often it is being called right now.</summary>
    public int Running { get; set; }

    public void Lifecycle(nint connection, nint domainHandle, int change, int detail) =>
        _ = ((delegate* unmanaged<nint, nint, int, int, nint, int>)function)(connection, domainHandle, change, detail, opaque);

    public void Reboot(nint connection, nint domainHandle) =>
        ((delegate* unmanaged<nint, nint, nint, void>)function)(connection, domainHandle, opaque);

    public void BalloonChange(nint connection, nint domainHandle, ulong kib) =>
        ((delegate* unmanaged<nint, nint, ulong, nint, void>)function)(connection, domainHandle, kib, opaque);

    public void MetadataChange(nint connection, nint domainHandle, int type, string? uri)
    {
        nint text = Marshal.StringToCoTaskMemUTF8(uri);
        ((delegate* unmanaged<nint, nint, int, nint, nint, void>)function)(connection, domainHandle, type, text, opaque);
        Marshal.FreeCoTaskMem(text);
    }

    public void Closed(nint connection, int reason) =>
        ((delegate* unmanaged<nint, int, nint, void>)function)(connection, reason, opaque);

    public void Free()
    {
        if (_free != null)
            _free(opaque);
    }
}
