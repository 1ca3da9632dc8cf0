using System.Security.Cryptography;
using System.Text;

namespace Ballast.Drivers.Qemu;

/// <summary>UUIDs (version 8) for QEMUs that have none: the same as long as the process lives, and no longer.</summary>
internal static class DerivedUuid
{
    private static readonly Lazy<string> BootId = new(static () => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());

    /// <param name="process">What tells the process from all others since the host booted.</param>
    public static Guid From(string process)
    {
        Span<byte> hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{BootId.Value}/{process}")).AsSpan(0, 16);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash, bigEndian: true);
    }
}
