namespace Ballast;

/// <summary>UUIDs of version 8 (RFC 9562): made of bytes of our own.</summary>
internal static class CustomUuid
{
    /// <param name="bytes">16 bytes in printed order; those six bits that say the version and the variant are set in them.</param>
    public static Guid From(Span<byte> bytes)
    {
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
