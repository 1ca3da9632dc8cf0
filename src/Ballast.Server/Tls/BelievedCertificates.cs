using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Ballast.Transports;

namespace Ballast.Server.Tls;

/// <summary>
/// Certificates that were judged good, by the authorities and lists of one reading of the files: to judge one takes as long as the
/// rest of a handshake. That the client has the key is proved in each handshake; only what the bytes say is not looked at again.
/// </summary>
internal sealed class BelievedCertificates
{
    // More clients than a server has; what a certificate needs is a hundred bytes.
    private const int Most = 1024;

    private readonly ConcurrentDictionary<Key, Entry> _entries = [];

    /// <summary>The name of a client that showed the same before; null: it has to be judged.</summary>
    /// <param name="shown">All that it showed.</param>
    /// <param name="now">The time.</param>
    public CertificateName? Find(IReadOnlyList<byte[]> shown, DateTimeOffset now) =>
        _entries.TryGetValue(Key.Of(shown), out Entry? entry) && entry.From <= now && now < entry.Until ? entry.Name : null;

    /// <param name="shown">All that the client showed.</param>
    /// <param name="name">Its name.</param>
    /// <param name="validity">From when until when that is good.</param>
    public void Add(IReadOnlyList<byte[]> shown, CertificateName name, (DateTimeOffset From, DateTimeOffset Until) validity)
    {
        if (_entries.Count >= Most)
            _entries.Clear();
        _entries[Key.Of(shown)] = new Entry(name, validity.From, validity.Until);
    }

    private sealed record Entry(CertificateName Name, DateTimeOffset From, DateTimeOffset Until);

    /// <summary>A SHA-256 of certificates.</summary>
    private readonly record struct Key(UInt128 High, UInt128 Low)
    {
        public static Key Of(IReadOnlyList<byte[]> certificates)
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
            foreach (byte[] certificate in certificates)
            {
                // Where one ends belongs to it.
                BinaryPrimitives.WriteInt32BigEndian(bytes, certificate.Length);
                hash.AppendData(bytes[..sizeof(int)]);
                hash.AppendData(certificate);
            }

            _ = hash.GetHashAndReset(bytes);
            return new Key(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[(bytes.Length / 2)..]));
        }
    }
}
