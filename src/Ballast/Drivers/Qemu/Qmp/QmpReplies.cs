using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>
/// Reads the replies to what we ask. A reply of another shape than its question's is an <see cref="InvalidDataException"/>:
/// then nothing that the monitor sent can be trusted to answer what was asked. A number is no matter of shape: guests write
/// some of those that QEMU passes on. One that is none, or cannot be true, is not known; everything else in the reply counts.
/// </summary>
internal static class QmpReplies
{
    public static void Read(MonitorParts part, ReadOnlySpan<byte> body, ref MonitorValues values)
    {
        try
        {
            if (ReadPart(part, body, ref values))
                values.Answered |= part;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("it sent something that is not JSON", e);
        }
    }

    // False where the part is as good as not answered.
    private static bool ReadPart(MonitorParts part, ReadOnlySpan<byte> body, ref MonitorValues values)
    {
        switch (part)
        {
            case MonitorParts.Balloon:
                // There is a balloon, whatever it says.
                values.ActualBytes = ReadActual(body, "query-balloon");
                return true;
            case MonitorParts.GuestStats:
                values.GuestStats = GuestStats.Parse(body);
                return true;
            case MonitorParts.PollingInterval:
                return TryReadInterval(body, out values.PollingIntervalSeconds);
            case MonitorParts.Status:
                ReadStatus(body, out values.RunState, out values.IsRunning);
                return true;
            case MonitorParts.Cpus:
                values.CpuList = MachineReplies.ReadCpus(body);
                return true;
            case MonitorParts.CpuSlots:
                return MachineReplies.TryCountCpuSlots(body, out values.CpuSlots);
            case MonitorParts.MemorySize:
                return MachineReplies.TryReadMemorySize(body, out values.MemoryBytes, out values.PluggedBytes);
            case MonitorParts.MemoryDevices:
                return MachineReplies.TryReadMemoryDevices(body, out values.MemoryDevices);
            case MonitorParts.OffersDeflate:
                values.OffersDeflate = body.SequenceEqual("true"u8);
                return true;
            case MonitorParts.StatsQueue:
                ulong? index = QmpMembers.ReadNumber(body, "last-avail-idx"u8, "x-query-virtio-queue-status");
                values.StatsQueueIndex = unchecked((ushort)(index ?? 0));
                return index is not null;
            case MonitorParts.VirtioStatus:
                values.IsDriverBound = body.IndexOf("VIRTIO_CONFIG_S_DRIVER_OK"u8) >= 0;
                values.DeflatesOnOom = HasGuestFeature(body, "VIRTIO_BALLOON_F_DEFLATE_ON_OOM"u8);
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(part));
        }
    }

    /// <summary>The balloon's size in a reply or an event, in bytes; null where what stands there cannot be one.</summary>
    /// <remarks>A guest writes it: QEMU takes its pages off the size of the memory and prints a negative number where they are more.</remarks>
    public static ulong? ReadActual(ReadOnlySpan<byte> body, string command) =>
        QmpMembers.ReadNumber(body, "actual"u8, command) is { } actual and < MemoryStatTable.ImpossibleBytes ? actual : null;

    // What the device offers is listed beside it, under another name.
    private static bool HasGuestFeature(ReadOnlySpan<byte> status, ReadOnlySpan<byte> feature)
    {
        Utf8JsonReader reader = new(status, QmpMessage.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject || !QmpMembers.Find(ref reader, "guest-features"u8)
            || reader.TokenType != JsonTokenType.StartObject || !QmpMembers.Find(ref reader, "dev-features"u8) || reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.String)
        {
            if (reader.ValueSpan.StartsWith(feature))
                return true;
        }

        return false;
    }

    /// <summary>What is answered to a change: an empty object.</summary>
    public static void ReadNothing(QmpReply reply) => ReadNothing(reply.Body);

    public static void ReadNothing(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject || !reader.Read() || reader.TokenType != JsonTokenType.EndObject)
            throw new InvalidDataException("its reply to a change has another shape");
    }

    private static bool TryReadInterval(ReadOnlySpan<byte> body, out uint seconds)
    {
        // A list or an object would be the answer to something else.
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        _ = reader.Read();
        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            throw new InvalidDataException("its polling interval is not a number of seconds");
        ulong? number = QmpMembers.ReadNumber(ref reader);
        seconds = number is <= uint.MaxValue and var said ? (uint)said : 0;
        return number is <= uint.MaxValue;
    }

    private static void ReadStatus(ReadOnlySpan<byte> body, out RunState state, out bool isRunning)
    {
        Utf8JsonReader reader = QmpMembers.Open(body, JsonTokenType.StartObject, "its reply to query-status is not an object");
        Utf8JsonReader second = reader;
        if (!QmpMembers.Find(ref reader, "status"u8) || reader.TokenType != JsonTokenType.String
            || !QmpMembers.Find(ref second, "running"u8) || second.TokenType is not (JsonTokenType.True or JsonTokenType.False))
        {
            throw new InvalidDataException("its reply to query-status has another shape");
        }

        isRunning = second.TokenType == JsonTokenType.True;
        state = reader.ValueIsEscaped ? RunState.Unknown : reader.ValueSpan switch
        {
            var s when s.SequenceEqual("running"u8) => RunState.Running,
            var s when s.SequenceEqual("paused"u8) => RunState.Paused,
            var s when s.SequenceEqual("prelaunch"u8) => RunState.Prelaunch,
            var s when s.SequenceEqual("inmigrate"u8) => RunState.InMigrate,
            var s when s.SequenceEqual("postmigrate"u8) => RunState.PostMigrate,
            var s when s.SequenceEqual("finish-migrate"u8) => RunState.FinishMigrate,
            var s when s.SequenceEqual("save-vm"u8) => RunState.SaveVM,
            var s when s.SequenceEqual("restore-vm"u8) => RunState.RestoreVM,
            var s when s.SequenceEqual("debug"u8) => RunState.Debug,
            var s when s.SequenceEqual("internal-error"u8) => RunState.InternalError,
            var s when s.SequenceEqual("io-error"u8) => RunState.IOError,
            var s when s.SequenceEqual("watchdog"u8) => RunState.Watchdog,
            var s when s.SequenceEqual("shutdown"u8) => RunState.Shutdown,
            var s when s.SequenceEqual("guest-panicked"u8) => RunState.GuestPanicked,
            var s when s.SequenceEqual("suspended"u8) => RunState.Suspended,
            var s when s.SequenceEqual("colo"u8) => RunState.Colo,
            _ => RunState.Unknown,
        };
    }
}
