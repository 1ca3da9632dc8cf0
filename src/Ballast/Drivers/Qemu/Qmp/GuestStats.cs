using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

[InlineArray(GuestStats.Count)]
internal struct GuestStatValues
{
    private ulong _first;
}

/// <summary>
/// The last report of a guest as QEMU keeps it, in bytes and counts, indexed by virtio tag. A value that was not reported
/// is absent; one that cannot be true is absent and counted as rejected.
/// </summary>
internal struct GuestStats
{
    /// <summary>virtio's tags 0 to 15.</summary>
    public const int Count = 16;

    /// <summary>An amount of bytes from here on is a −1 in disguise (Windows' driver: −1 pages, 0xFFFFFFFFFFFFF000).</summary>
    public const ulong ImpossibleBytes = 1UL << 63;

    private static readonly bool[] IsBytes =
        [true, true, false, false, true, true, true, true, false, false, false, false, true, true, true, true];

    private GuestStatValues _values;
    private ushort _present;
    private ushort _rejected;

    /// <summary>Seconds of Unix time by the host's clock; 0: never; null: QEMU did not say.</summary>
    public ulong? LastUpdate { get; private set; }

    public readonly bool TryGet(int virtioTag, out ulong value)
    {
        value = _values[virtioTag];
        return (_present & (1 << virtioTag)) != 0;
    }

    public readonly bool IsRejected(int virtioTag) => (_rejected & (1 << virtioTag)) != 0;

    /// <summary>Whether the guest's driver reported nothing that can be used.</summary>
    public readonly bool IsEmpty => _present == 0;

    /// <exception cref="InvalidDataException">It is no reply to <c>guest-stats</c>.</exception>
    public static GuestStats Parse(ReadOnlySpan<byte> body)
    {
        GuestStats result = default;
        bool found = false, hasStats = false;
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        _ = reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new InvalidDataException("its reply to guest-stats is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.TextIs("stats"u8))
            {
                found = true;
                _ = reader.Read();
                hasStats |= reader.TokenType == JsonTokenType.StartObject;
                result.ReadValues(ref reader);
            }
            else if (reader.TextIs("last-update"u8))
            {
                found = true;
                _ = reader.Read();
                result.LastUpdate = ReadNumber(ref reader, out ulong seconds) == Number.Valid ? seconds : null;
            }
            else
            {
                _ = reader.Read();
                reader.Skip();
            }
        }

        if (!found)
            throw new InvalidDataException("its reply to guest-stats has no statistics");
        return hasStats ? result : default; // As libvirt: a last update of nothing does not count.
    }

    private void ReadValues(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int tag = VirtioTag(ref reader);
            _ = reader.Read();
            if (tag < 0)
            {
                reader.Skip();
                continue;
            }

            ushort bit = (ushort)(1 << tag);
            switch (ReadNumber(ref reader, out ulong value))
            {
                case Number.Valid when !IsBytes[tag] || value < ImpossibleBytes:
                    _values[tag] = value;
                    _present |= bit;
                    break;
                case Number.NotReported:
                    break;
                default:
                    _rejected |= bit;
                    break;
            }
        }
    }

    private enum Number
    {
        Valid,

        /// <summary>2^64 − 1, which QEMU before 2.10 printed as −1.</summary>
        NotReported,
        Invalid,
    }

    private static Number ReadNumber(ref Utf8JsonReader reader, out ulong value)
    {
        value = 0;
        if (reader.TokenType != JsonTokenType.Number)
        {
            reader.Skip();
            return Number.Invalid;
        }

        ReadOnlySpan<byte> digits = reader.ValueSpan;
        if (digits.SequenceEqual("-1"u8))
            return Number.NotReported;
        if (!Utf8Parser.TryParse(digits, out value, out int length) || length != digits.Length)
            return Number.Invalid;
        return value == ulong.MaxValue ? Number.NotReported : Number.Valid;
    }

    private static int VirtioTag(ref Utf8JsonReader reader)
    {
        ReadOnlySpan<byte> name = reader.ValueSpan;
        return reader.ValueIsEscaped || !name.StartsWith("stat-"u8) ? -1 : name[5..] switch
        {
            var n when n.SequenceEqual("swap-in"u8) => 0,
            var n when n.SequenceEqual("swap-out"u8) => 1,
            var n when n.SequenceEqual("major-faults"u8) => 2,
            var n when n.SequenceEqual("minor-faults"u8) => 3,
            var n when n.SequenceEqual("free-memory"u8) => 4,
            var n when n.SequenceEqual("total-memory"u8) => 5,
            var n when n.SequenceEqual("available-memory"u8) => 6,
            var n when n.SequenceEqual("disk-caches"u8) => 7,
            var n when n.SequenceEqual("htlb-pgalloc"u8) => 8,
            var n when n.SequenceEqual("htlb-pgfail"u8) => 9,
            var n when n.SequenceEqual("oom-kills"u8) => 10,
            var n when n.SequenceEqual("alloc-stalls"u8) => 11,
            var n when n.SequenceEqual("async-scans"u8) => 12,
            var n when n.SequenceEqual("direct-scans"u8) => 13,
            var n when n.SequenceEqual("async-reclaims"u8) => 14,
            var n when n.SequenceEqual("direct-reclaims"u8) => 15,
            _ => -1,
        };
    }
}
