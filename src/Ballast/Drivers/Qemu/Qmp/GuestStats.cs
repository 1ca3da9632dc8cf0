using System.Buffers.Text;
using System.Text.Json;
using Ballast.Virtio;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>The last report of a guest as QEMU keeps it.</summary>
internal struct GuestStats
{
    /// <summary>virtio's tags 0 to 15.</summary>
    public const int Count = GuestReport.Count;

    /// <summary>An amount of bytes from here on is a −1 in disguise.</summary>
    public const ulong ImpossibleBytes = GuestReport.ImpossibleBytes;

    private GuestReport _report;

    /// <summary>What the guest reported.</summary>
    public readonly GuestReport Report => _report;

    /// <summary>Seconds of Unix time by the host's clock; 0: never; null: QEMU did not say.</summary>
    public ulong? LastUpdate { get; private set; }

    public readonly bool TryGet(int virtioTag, out ulong value) => _report.TryGet(virtioTag, out value);

    public readonly bool IsRejected(int virtioTag) => _report.IsRejected(virtioTag);

    /// <summary>Whether the guest's driver reported nothing that can be used.</summary>
    public readonly bool IsEmpty => _report.IsEmpty;

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

            switch (ReadNumber(ref reader, out ulong value))
            {
                case Number.Valid:
                    _report.Add(tag, value);
                    break;
                case Number.NotReported:
                    break;
                default:
                    _report.Reject(tag);
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
        return value == GuestReport.NotReported ? Number.NotReported : Number.Valid;
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
