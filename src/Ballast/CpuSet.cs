using System.Collections;
using System.Globalization;
using System.Text;

namespace Ballast;

/// <summary>A set of host CPUs by number: libvirt's CPU map. Two sets are equal if they have the same length and the same CPUs.</summary>
public sealed class CpuSet : IReadOnlyCollection<int>, IEquatable<CpuSet>
{
    private const int BitsPerByte = 8;

    private readonly byte[] _bits;

    /// <summary>Creates a set.</summary>
    /// <param name="length">The number of CPUs that the set covers: 0 to <paramref name="length"/> − 1.</param>
    /// <param name="cpus">The numbers of the CPUs in the set.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative length, or a number outside of it.</exception>
    public CpuSet(int length, IEnumerable<int> cpus)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentNullException.ThrowIfNull(cpus);
        Length = length;
        _bits = new byte[BytesFor(length)];
        foreach (int cpu in cpus)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(cpu, nameof(cpus));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(cpu, length, nameof(cpus));
            _bits[cpu / BitsPerByte] |= (byte)(1 << (cpu % BitsPerByte));
        }
    }

    /// <summary>The empty set, of length 0.</summary>
    public static CpuSet Empty { get; } = new(0, []);

    /// <summary>The number of CPUs that the set covers: 0 to <see cref="Length"/> − 1.</summary>
    public int Length { get; }

    /// <summary>The number of CPUs in the set.</summary>
    public int Count => _bits.Sum(bits => byte.PopCount(bits));

    /// <summary>Whether the CPU is in the set. False for CPUs outside the length.</summary>
    public bool Contains(int cpu) =>
        cpu >= 0 && cpu < Length && (_bits[cpu / BitsPerByte] & (1 << (cpu % BitsPerByte))) != 0;

    /// <summary>The numbers of the CPUs in the set, ascending.</summary>
    public IEnumerator<int> GetEnumerator() => Enumerable.Range(0, Length).Where(Contains).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The bits as in libvirt's C functions: CPU 0 is the lowest bit of the first byte.</summary>
    public byte[] ToBitmap() => [.. _bits];

    /// <inheritdoc/>
    public bool Equals(CpuSet? other) => other is not null && other.Length == Length && other._bits.AsSpan().SequenceEqual(_bits);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CpuSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Length);
        hash.AddBytes(_bits);
        return hash.ToHashCode();
    }

    /// <summary>The kernel's notation: <c>0-3,5</c>; empty for none.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        for (int first = 0; first < Length; first++)
        {
            if (!Contains(first))
                continue;
            int last = first;
            while (Contains(last + 1))
                last++;
            _ = text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? "," : "")}{first}{(last > first ? $"-{last}" : "")}");
            first = last;
        }

        return text.ToString();
    }

    internal static int BytesFor(int length) => (length + BitsPerByte - 1) / BitsPerByte;

    /// <summary>The map that begins at that byte; what is missing at the end counts as zeros.</summary>
    internal static CpuSet FromBitmap(ReadOnlySpan<byte> bits, int length)
    {
        byte[] kept = bits.ToArray();
        return new(length, Enumerable.Range(0, length).Where(cpu =>
            cpu / BitsPerByte < kept.Length && (kept[cpu / BitsPerByte] & (1 << (cpu % BitsPerByte))) != 0));
    }
}
