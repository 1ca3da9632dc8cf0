using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Reads the replies about processors and memory, by the rules of <see cref="QmpReplies"/>: one of another shape than its question's
/// is an <see cref="InvalidDataException"/>, and a number that cannot be true is not known.
/// </summary>
internal static class MachineReplies
{
    public static QmpCpu[] ReadCpus(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader reader = QmpMembers.Open(body, JsonTokenType.StartArray, "its reply to query-cpus-fast is not an array");
        List<QmpCpu> cpus = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            if (cpus.Count == QmpLimits.MaxElements)
                throw new InvalidDataException($"it reports more than {QmpLimits.MaxElements} processors");
            (int index, int thread) = (cpus.Count, 0);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isIndex = reader.TextIs("cpu-index"u8), isThread = reader.TextIs("thread-id"u8);
                _ = reader.Read();
                if (isIndex)
                    index = ReadCount(ref reader) ?? index;
                else if (isThread)
                    thread = ReadCount(ref reader) ?? 0;
                else
                    reader.Skip();
            }

            cpus.Add(new QmpCpu(index, thread));
        }

        return [.. cpus];
    }

    public static bool TryCountCpuSlots(ReadOnlySpan<byte> body, out int slots)
    {
        Utf8JsonReader reader = QmpMembers.Open(body, JsonTokenType.StartArray, "its reply to query-hotpluggable-cpus is not an array");
        long count = 0;
        bool isKnown = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isCount = reader.TextIs("vcpus-count"u8);
                _ = reader.Read();
                if (!isCount)
                    reader.Skip();
                else if (ReadCount(ref reader) is { } more)
                    count += more;
                else
                    isKnown = false;
            }
        }

        slots = isKnown ? (int)Math.Min(count, int.MaxValue) : 0;
        return isKnown;
    }

    private static int? ReadCount(ref Utf8JsonReader reader) =>
        QmpMembers.ReadNumber(ref reader) is <= int.MaxValue and var count ? (int)count : null;

    public static bool TryReadMemorySize(ReadOnlySpan<byte> body, out ulong basic, out ulong plugged)
    {
        ulong? start = QmpMembers.ReadNumber(body, "base-memory"u8, "query-memory-size-summary"), more = 0;
        Utf8JsonReader reader = QmpMembers.Open(body, JsonTokenType.StartObject, "");
        if (QmpMembers.Find(ref reader, "plugged-memory"u8))
            more = QmpMembers.ReadNumber(ref reader);
        bool isKnown = Sum(start, more) is not null;
        (basic, plugged) = isKnown ? (start ?? 0, more ?? 0) : (0, 0);
        return isKnown;
    }

    public static bool TryReadMemoryDevices(ReadOnlySpan<byte> body, out MemoryDeviceSizes sizes)
    {
        const string command = "query-memory-devices";
        Utf8JsonReader reader = QmpMembers.Open(body, JsonTokenType.StartArray, $"its reply to {command} is not an array");
        ulong? dimms = 0, virtioMem = 0, virtioMemMost = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            Utf8JsonReader kind = reader, data = reader;
            if (!QmpMembers.Find(ref kind, "type"u8) || !QmpMembers.Find(ref data, "data"u8) || data.TokenType != JsonTokenType.StartObject)
                throw new InvalidDataException($"its reply to {command} has another shape");
            if (kind.TokenType == JsonTokenType.String && kind.TextIs("dimm"u8))
                dimms = Sum(dimms, Size(data, "size"u8));
            else if (kind.TokenType == JsonTokenType.String && kind.TextIs("virtio-mem"u8))
                (virtioMem, virtioMemMost) = (Sum(virtioMem, Size(data, "size"u8)), Sum(virtioMemMost, Size(data, "max-size"u8)));
            reader.Skip();
        }

        // Half of them would be another size.
        bool isKnown = dimms is not null && virtioMem is not null && virtioMemMost is not null;
        sizes = isKnown ? new MemoryDeviceSizes(dimms ?? 0, virtioMem ?? 0, virtioMemMost ?? 0) : default;
        return isKnown;

        static ulong? Size(Utf8JsonReader data, ReadOnlySpan<byte> name) =>
            QmpMembers.Find(ref data, name) ? QmpMembers.ReadNumber(ref data) : null;
    }

    // Null where it is not known, or no machine has that much.
    private static ulong? Sum(ulong? one, ulong? other) =>
        one < MemoryStatTable.ImpossibleBytes && other < MemoryStatTable.ImpossibleBytes - one ? one + other : null;
}
