using System.Buffers.Binary;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

/// <summary>UUIDs (version 8) for QEMUs that have none: the same as long as the process lives, and no longer.</summary>
internal static class DerivedUuid
{
    private static readonly UInt128 FnvOffset = new(0x6C62272E07BB0142, 0x62B821756295C58D);
    private static readonly UInt128 FnvPrime = new(0x0000000001000000, 0x000000000000013B);

    private static readonly Remembered<string> BootId = new(static () =>
        LinuxFiles.ReadAll("/proc/sys/kernel/random/boot_id", 64) is { } id ? Encoding.ASCII.GetString(id.Span).Trim() : "");

    /// <param name="process">What tells the process from all others since the host booted.</param>
    public static Guid From(string process)
    {
        // FNV-1a: nobody attacks it, and the runtime's cryptography would load OpenSSL, which takes longer than all else.
        UInt128 hash = FnvOffset;
        foreach (byte b in Encoding.UTF8.GetBytes($"{BootId.Value}/{process}"))
            hash = unchecked((hash ^ b) * FnvPrime);

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, hash);
        return CustomUuid.From(bytes);
    }
}
