using System.Runtime.InteropServices;

namespace Ballast.Native;

/// <summary>One call of a function of the program's, which the C shim makes. Laid out as in Shim/calls.c.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct HostCall
{
    public HostCallKind Kind;

    /// <summary>The watch or timer, or the event's first number.</summary>
    public int Number;

    public int First;
    public int Second;
    public nint Function;
    public nint Opaque;
    public nint Connection;
    public nint Domain;
    public ulong Size;
    public nint Text;
}

internal enum HostCallKind
{
    Free,
    Handle,
    Timer,
    Lifecycle,
    Reboot,
    BalloonChange,
    MetadataChange,
    Closed,
}
