using System.Buffers.Binary;
using System.Text;
using Ballast.Rpc.Messages;

namespace Ballast.Server;

/// <summary>
/// Domains that a client named, kept while its question waits: in few bytes, as a client may name thousands in each of many questions.
/// Equal where the same are named in the same order.
/// </summary>
internal sealed class NamedDomains : IEquatable<NamedDomains>
{
    private const int UuidBytes = 16;

    // Of each its UUID, its id and its name behind the name's length.
    private readonly byte[] _packed;

    public NamedDomains(IReadOnlyList<RemoteDomain> domains)
    {
        Count = domains.Count;
        _packed = new byte[domains.Sum(static domain => UuidBytes + (2 * sizeof(int)) + Encoding.UTF8.GetByteCount(domain.Name ?? ""))];
        Span<byte> rest = _packed;
        foreach (RemoteDomain domain in domains)
        {
            _ = domain.Uuid.TryWriteBytes(rest);
            BinaryPrimitives.WriteInt32LittleEndian(rest[UuidBytes..], domain.Id);
            int length = Encoding.UTF8.GetBytes(domain.Name ?? "", rest[(UuidBytes + (2 * sizeof(int)))..]);
            BinaryPrimitives.WriteInt32LittleEndian(rest[(UuidBytes + sizeof(int))..], length);
            rest = rest[(UuidBytes + (2 * sizeof(int)) + length)..];
        }
    }

    public int Count { get; }

    /// <summary>How much is kept.</summary>
    public int Bytes => _packed.Length;

    public RemoteDomain[] Unpack()
    {
        RemoteDomain[] domains = new RemoteDomain[Count];
        ReadOnlySpan<byte> rest = _packed;
        for (int i = 0; i < domains.Length; i++)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[(UuidBytes + sizeof(int))..]);
            ReadOnlySpan<byte> name = rest.Slice(UuidBytes + (2 * sizeof(int)), length);
            domains[i] = new RemoteDomain
            {
                Uuid = new Guid(rest[..UuidBytes]),
                Id = BinaryPrimitives.ReadInt32LittleEndian(rest[UuidBytes..]),
                Name = Encoding.UTF8.GetString(name),
            };
            rest = rest[(UuidBytes + (2 * sizeof(int)) + length)..];
        }

        return domains;
    }

    public bool Equals(NamedDomains? other) => other is not null && _packed.AsSpan().SequenceEqual(other._packed);

    public override bool Equals(object? obj) => Equals(obj as NamedDomains);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_packed);
        return hash.ToHashCode();
    }
}
