namespace Ballast;

/// <summary>Versions as libvirt writes them: major × 1,000,000 + minor × 1,000 + micro.</summary>
internal static class LibvirtVersion
{
    /// <summary>The version of libvirt that everything here is compatible with.</summary>
    public const ulong Compatible = 9_000_000;
}
