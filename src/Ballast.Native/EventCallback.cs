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

    public HostCall Lifecycle(nint connection, nint domainHandle, int change, int detail) =>
        Call(HostCallKind.Lifecycle, connection, domainHandle) with { Number = change, First = detail };

    public HostCall Reboot(nint connection, nint domainHandle) => Call(HostCallKind.Reboot, connection, domainHandle);

    public HostCall BalloonChange(nint connection, nint domainHandle, ulong kib) =>
        Call(HostCallKind.BalloonChange, connection, domainHandle) with { Size = kib };

    /// <summary>Its text is to be freed, with <see cref="Marshal.FreeCoTaskMem"/>.</summary>
    public HostCall MetadataChange(nint connection, nint domainHandle, int type, string? uri) =>
        Call(HostCallKind.MetadataChange, connection, domainHandle) with { Number = type, Text = Marshal.StringToCoTaskMemUTF8(uri) };

    public HostCall Closed(nint connection, int reason) => Call(HostCallKind.Closed, connection, 0) with { Number = reason };

    public void Free()
    {
        if (_free != null && Shim.CallbacksAreEnded() == 0)
            _free(opaque);
    }

    private HostCall Call(HostCallKind kind, nint connection, nint domainHandle) =>
        new() { Kind = kind, Function = function, Opaque = opaque, Connection = connection, Domain = domainHandle };
}
