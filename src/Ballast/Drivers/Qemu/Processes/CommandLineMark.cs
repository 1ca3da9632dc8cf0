using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>What a command line is known again by, without keeping it: its length and a hash.</summary>
/// <param name="Length">In bytes, as far as it was looked at.</param>
/// <param name="Hash">Of so much.</param>
/// <param name="MaxBytes">How much of it is looked at.</param>
internal readonly record struct CommandLineMark(int Length, ulong Hash, int MaxBytes)
{
    /// <summary>So much is looked at of a process that is not believed, in bytes.</summary>
    public const int StrangersBytes = 4096;

    // FNV-1a: whoever makes two that are the same deceives only about itself.
    private const ulong Offset = 0xCBF29CE484222325, Prime = 0x100000001B3;

    public static CommandLineMark Of(ReadOnlySpan<byte> text, int maxBytes) => new(text.Length, Go(Offset, text), maxBytes);

    /// <summary>Whether a process says the same now; null where this user may not know, or it ended.</summary>
    public bool? IsThatOf(int pid)
    {
        int length = 0;
        ulong hash = Offset;

        // One byte more than it has shows that another is longer.
        if (!LinuxFiles.ReadPieces(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"), Math.Min(MaxBytes, Length + 1), piece =>
            {
                length += piece.Length;
                hash = Go(hash, piece);
            }) || length == 0)
        {
            return null;
        }

        return length == Length && hash == Hash;
    }

    private static ulong Go(ulong hash, ReadOnlySpan<byte> text)
    {
        foreach (byte b in text)
            hash = unchecked((hash ^ b) * Prime);
        return hash;
    }
}
