using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads the replies about processors and memory. One of another shape than its question's is an <see cref="InvalidDataException"/>.</summary>
internal static class MachineReplies
{
    public static QmpCpu[] ReadCpus(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader reader = QmpReplies.Open(body, JsonTokenType.StartArray, "its reply to query-cpus-fast is not an array");
        List<QmpCpu> cpus = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            (int index, int thread) = (cpus.Count, 0);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isIndex = reader.TextIs("cpu-index"u8), isThread = reader.TextIs("thread-id"u8);
                _ = reader.Read();
                if (isIndex)
                    index = ReadCount(ref reader, "query-cpus-fast");
                else if (isThread)
                    thread = ReadCount(ref reader, "query-cpus-fast");
                else
                    reader.Skip();
            }

            cpus.Add(new QmpCpu(index, thread));
        }

        return [.. cpus];
    }

    public static int CountCpuSlots(ReadOnlySpan<byte> body)
    {
        const string command = "query-hotpluggable-cpus";
        Utf8JsonReader reader = QmpReplies.Open(body, JsonTokenType.StartArray, $"its reply to {command} is not an array");
        long count = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isCount = reader.TextIs("vcpus-count"u8);
                _ = reader.Read();
                if (isCount)
                    count += ReadCount(ref reader, command);
                else
                    reader.Skip();
            }
        }

        return (int)Math.Min(count, int.MaxValue);
    }

    private static int ReadCount(ref Utf8JsonReader reader, string command) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int count) && count >= 0
            ? count
            : throw new InvalidDataException($"its reply to {command} has another shape");

    public static (ulong Basic, ulong Plugged) ReadMemorySize(ReadOnlySpan<byte> body)
    {
        const string command = "query-memory-size-summary";
        ulong basic = QmpReplies.ReadMemberUInt64(body, "base-memory"u8, command);
        Utf8JsonReader reader = QmpReplies.Open(body, JsonTokenType.StartObject, "");
        ulong plugged = 0;
        if (QmpReplies.Find(ref reader, "plugged-memory"u8) && !(reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out plugged)))
            throw new InvalidDataException($"its reply to {command} has another shape");
        return basic < MemoryStatTable.ImpossibleBytes && plugged < MemoryStatTable.ImpossibleBytes - basic
            ? (basic, plugged)
            : throw new InvalidDataException($"its reply to {command} has impossible sizes");
    }

    public static MemoryDeviceSizes ReadMemoryDevices(ReadOnlySpan<byte> body)
    {
        const string command = "query-memory-devices";
        Utf8JsonReader reader = QmpReplies.Open(body, JsonTokenType.StartArray, $"its reply to {command} is not an array");
        MemoryDeviceSizes sizes = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            Utf8JsonReader kind = reader, data = reader;
            if (!QmpReplies.Find(ref kind, "type"u8) || !QmpReplies.Find(ref data, "data"u8) || data.TokenType != JsonTokenType.StartObject)
                throw new InvalidDataException($"its reply to {command} has another shape");
            if (kind.TokenType == JsonTokenType.String && kind.TextIs("dimm"u8))
            {
                sizes = sizes with { DimmBytes = Sum(sizes.DimmBytes, Size(data, "size"u8)) };
            }
            else if (kind.TokenType == JsonTokenType.String && kind.TextIs("virtio-mem"u8))
            {
                sizes = sizes with
                {
                    VirtioMemBytes = Sum(sizes.VirtioMemBytes, Size(data, "size"u8)),
                    VirtioMemMaxBytes = Sum(sizes.VirtioMemMaxBytes, Size(data, "max-size"u8)),
                };
            }

            reader.Skip();
        }

        return sizes;

        static ulong Size(Utf8JsonReader data, ReadOnlySpan<byte> name) =>
            QmpReplies.Find(ref data, name) && data.TokenType == JsonTokenType.Number && data.TryGetUInt64(out ulong size)
                ? size
                : throw new InvalidDataException($"its reply to {command} has another shape");

        static ulong Sum(ulong one, ulong other) => one < MemoryStatTable.ImpossibleBytes && other < MemoryStatTable.ImpossibleBytes - one
            ? one + other
            : throw new InvalidDataException($"its reply to {command} has impossible sizes");
    }
}
