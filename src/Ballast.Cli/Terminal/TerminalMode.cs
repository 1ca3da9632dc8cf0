using System.Runtime.InteropServices;

namespace Ballast.Cli.Terminal;

/// <summary>How a terminal hands over what is typed, and how it did before.</summary>
internal sealed class TerminalMode
{
    // Linux's struct termios: four words of flags, a byte, and the special characters. It is 60 bytes long.
    private const int Size = 128, LocalFlags = 12, Characters = 17, MinimumRead = 6, ReadTime = 5;
    private const uint WholeLines = 0x2, Echo = 0x8;
    private const int AfterOutput = 1;

    private readonly int _descriptor;
    private readonly byte[] _before;

    private TerminalMode(int descriptor, byte[] before) => (_descriptor, _before) = (descriptor, before);

    /// <summary>Reads it; null where the descriptor is not a terminal.</summary>
    public static TerminalMode? TryRead(int descriptor)
    {
        byte[] mode = new byte[Size];
        return Libc.TcGetAttr(descriptor, ref mode[0]) == 0 ? new TerminalMode(descriptor, mode) : null;
    }

    /// <summary>Keys one by one, and not shown.</summary>
    public void SetForKeys()
    {
        byte[] mode = [.. _before];
        uint flags = MemoryMarshal.Read<uint>(mode.AsSpan(LocalFlags)) & ~(WholeLines | Echo);
        MemoryMarshal.Write(mode.AsSpan(LocalFlags), flags);
        mode[Characters + MinimumRead] = 1;
        mode[Characters + ReadTime] = 0;
        _ = Libc.TcSetAttr(_descriptor, AfterOutput, in mode[0]);
    }

    public void Restore() => _ = Libc.TcSetAttr(_descriptor, AfterOutput, in _before[0]);
}
