using System.Buffers.Text;
using System.Text.Json;
using Ballast.Virtio;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>The last report of a guest as QEMU keeps it.</summary>
internal struct GuestStats
{
    private BalloonReport _report;

    /// <summary>What the guest reported.</summary>
    public readonly BalloonReport Report => _report;

    /// <summary>Seconds of Unix time by the host's clock; 0: never; null: QEMU did not say.</summary>
    public ulong? LastUpdate { get; private set; }

    /// <summary>There was a last update, and it was no time.</summary>
    public bool IsLastUpdateRejected { get; private set; }

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
                Number kind = ReadNumber(ref reader, out ulong seconds);
                (result.LastUpdate, result.IsLastUpdateRejected) = (kind == Number.Valid ? seconds : null, kind == Number.Invalid);
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
            MemoryStatRow? row = reader.ValueIsEscaped ? null : MemoryStatTable.FindQmp(reader.ValueSpan);
            _ = reader.Read();
            if (row is null)
            {
                reader.Skip();
                continue;
            }

            switch (ReadNumber(ref reader, out ulong value))
            {
                case Number.Valid:
                    _report.Add(row, value);
                    break;
                case Number.NotReported:
                    break;
                default:
                    _report.Reject(row);
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
        return value == BalloonReport.NotReported ? Number.NotReported : Number.Valid;
    }
}
