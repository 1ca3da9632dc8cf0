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
                ulong? index = ReadMemberNumber(body, "last-avail-idx"u8, "x-query-virtio-queue-status");
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
        ReadMemberNumber(body, "actual"u8, command) is { } actual and < MemoryStatTable.ImpossibleBytes ? actual : null;

    // What the device offers is listed beside it, under another name.
    private static bool HasGuestFeature(ReadOnlySpan<byte> status, ReadOnlySpan<byte> feature)
    {
        Utf8JsonReader reader = new(status, QmpMessage.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject || !Find(ref reader, "guest-features"u8)
            || reader.TokenType != JsonTokenType.StartObject || !Find(ref reader, "dev-features"u8) || reader.TokenType != JsonTokenType.StartArray)
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

    /// <summary>The string member of a reply, or null where it is absent or no string.</summary>
    public static string? ReadMemberText(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        Utf8JsonReader reader = Open(body, JsonTokenType.StartObject, "its reply is not an object");
        return Find(ref reader, name) && reader.TokenType == JsonTokenType.String ? QmpText.Read(ref reader) : null;
    }

    /// <summary>Which event about the life of the guest it is.</summary>
    public static MonitorEvent ReadEvent(QmpMessage message) => message.Body switch
    {
        var name when name.SequenceEqual("\"STOP\""u8) => MonitorEvent.Stop,
        var name when name.SequenceEqual("\"RESUME\""u8) => MonitorEvent.Resume,
        var name when name.SequenceEqual("\"RESET\""u8) => MonitorEvent.Reset,
        var name when name.SequenceEqual("\"SHUTDOWN\""u8) =>
            ReadMemberIsTrue(message.Data, "guest"u8) ? MonitorEvent.GuestShutdown : MonitorEvent.HostShutdown,
        var name when name.SequenceEqual("\"SUSPEND\""u8) => MonitorEvent.Suspend,
        var name when name.SequenceEqual("\"SUSPEND_DISK\""u8) => MonitorEvent.SuspendDisk,
        var name when name.SequenceEqual("\"WAKEUP\""u8) => MonitorEvent.Wakeup,
        var name when name.SequenceEqual("\"GUEST_PANICKED\""u8) =>
            ReadMemberText(message.Data, "action"u8) == "run" ? MonitorEvent.GuestPanickedAndRuns : MonitorEvent.GuestPanicked,
        var name when name.SequenceEqual("\"GUEST_CRASHLOADED\""u8) => MonitorEvent.GuestCrashLoaded,
        var name when name.SequenceEqual("\"WATCHDOG\""u8) && ReadMemberText(message.Data, "action"u8) == "pause" =>
            MonitorEvent.WatchdogPause,
        var name when name.SequenceEqual("\"BLOCK_IO_ERROR\""u8) && ReadMemberText(message.Data, "action"u8) == "stop" =>
            MonitorEvent.IOErrorStop,
        _ => MonitorEvent.None,
    };

    private static bool ReadMemberIsTrue(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return reader.Read() && reader.TokenType == JsonTokenType.StartObject && Find(ref reader, name)
            && reader.TokenType == JsonTokenType.True;
    }

    /// <summary>QEMU's version in a greeting: major × 1,000,000 + minor × 1,000 + micro.</summary>
    public static ulong ReadGreetingVersion(ReadOnlySpan<byte> greeting)
    {
        Utf8JsonReader reader = Open(greeting, JsonTokenType.StartObject, "its greeting is not an object");
        if (!Find(ref reader, "version"u8) || reader.TokenType != JsonTokenType.StartObject
            || !Find(ref reader, "qemu"u8) || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new InvalidDataException("its greeting has no version");
        }

        ulong version = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ulong weight = reader.TextIs("major"u8) ? 1_000_000u
                : reader.TextIs("minor"u8) ? 1_000u
                : reader.TextIs("micro"u8) ? 1u : 0u;
            _ = reader.Read();
            if (weight == 0)
                reader.Skip();
            else if (reader.TokenType == JsonTokenType.Number && reader.TryGetUInt16(out ushort number))
                version += weight * number;
        }

        return version;
    }

    /// <summary>The balloon device among a container's children: its name and whether it sits on a bus proxy (PCI, CCW).</summary>
    public static bool TryFindBalloon(ReadOnlySpan<byte> qomList, out string name, out bool isProxied)
    {
        name = "";
        isProxied = false;
        Utf8JsonReader reader = Open(qomList, JsonTokenType.StartArray, "its reply to qom-list is not an array");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string? candidate = null;
            bool isBalloon = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isName = reader.TextIs("name"u8);
                bool isType = reader.TextIs("type"u8);
                _ = reader.Read();
                if (isName && reader.TokenType == JsonTokenType.String)
                {
                    candidate = QmpText.Read(ref reader);
                }
                else if (isType && reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped)
                {
                    isBalloon = reader.ValueSpan.StartsWith("child<virtio-balloon-"u8);
                    isProxied = !reader.TextIs("child<virtio-balloon-device>"u8);
                }
                else
                {
                    reader.Skip();
                }
            }

            if (isBalloon && candidate is { Length: > 0 })
            {
                name = candidate;
                return true;
            }
        }

        return false;
    }

    /// <summary>What is answered to a change: an empty object.</summary>
    public static void ReadNothing(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject || !reader.Read() || reader.TokenType != JsonTokenType.EndObject)
            throw new InvalidDataException("its reply to a change has another shape");
    }

    /// <summary>The member of a reply that tells which question it answers; null where its value is no number from 0 to 2^64 − 1.</summary>
    /// <exception cref="InvalidDataException">There is no such member, so it answers something else.</exception>
    public static ulong? ReadMemberNumber(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name, string command)
    {
        // No text is made before there is something to complain about: every call comes by here.
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return reader.Read() && reader.TokenType == JsonTokenType.StartObject && Find(ref reader, name)
            ? ReadNumber(ref reader)
            : throw new InvalidDataException($"its reply to {command} has another shape");
    }

    /// <summary>The value that the reader stands at, which it passes over; null where it is no number from 0 to 2^64 − 1.</summary>
    public static ulong? ReadNumber(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number)
            return reader.TryGetUInt64(out ulong value) ? value : null;
        reader.Skip();
        return null;
    }

    private static bool TryReadInterval(ReadOnlySpan<byte> body, out uint seconds)
    {
        // A list or an object would be the answer to something else.
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        _ = reader.Read();
        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            throw new InvalidDataException("its polling interval is not a number of seconds");
        ulong? number = ReadNumber(ref reader);
        seconds = number is <= uint.MaxValue and var said ? (uint)said : 0;
        return number is <= uint.MaxValue;
    }

    private static void ReadStatus(ReadOnlySpan<byte> body, out RunState state, out bool isRunning)
    {
        Utf8JsonReader reader = Open(body, JsonTokenType.StartObject, "its reply to query-status is not an object");
        Utf8JsonReader second = reader;
        if (!Find(ref reader, "status"u8) || reader.TokenType != JsonTokenType.String
            || !Find(ref second, "running"u8) || second.TokenType is not (JsonTokenType.True or JsonTokenType.False))
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

    public static Utf8JsonReader Open(ReadOnlySpan<byte> body, JsonTokenType type, string complaint)
    {
        Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
        return reader.Read() && reader.TokenType == type ? reader : throw new InvalidDataException(complaint);
    }

    // From the start of an object to the value of its member; the reader's place is unspecified where there is none.
    public static bool Find(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool found = reader.TextIs(name);
            _ = reader.Read();
            if (found)
                return true;
            reader.Skip();
        }

        return false;
    }
}
