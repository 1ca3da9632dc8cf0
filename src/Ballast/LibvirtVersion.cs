namespace Ballast;

/// <summary>Versions as libvirt's protocol and C functions write them: major × 1,000,000 + minor × 1,000 + micro.</summary>
internal static class LibvirtVersion
{
    /// <summary>The version of libvirt that everything here is compatible with.</summary>
    public const ulong Compatible = 9_000_000;

    private const ulong Major = 1_000_000, Minor = 1_000;

    /// <exception cref="LibvirtException">No version has such a number.</exception>
    public static Version FromNumber(ulong number) => number / Major <= int.MaxValue
        ? new Version((int)(number / Major), (int)(number % Major / Minor), (int)(number % Minor))
        : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, $"{number} is not a version");

    public static ulong ToNumber(Version version) =>
        ((ulong)version.Major * Major) + ((ulong)version.Minor * Minor) + (ulong)Math.Max(version.Build, 0);
}
