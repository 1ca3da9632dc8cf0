using System.Text;
using System.Text.Json;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Fuzz.Targets;

/// <summary>What both targets that read a monitor's bytes share.</summary>
internal static class MonitorInput
{
    private const int MaxPiece = 48;
    private const int MaxFine = 4096;

    public static readonly IReadOnlyList<byte[]> Dictionary =
    [
        .. new[]
        {
            "{", "}", "[", "]", "\"", "\\", ":", ",", "{}", "[]", "null", "true", "false", "-1", "{\"return\": ", "{\"error\": ", "{\"event\": ",
            "return", "error", "event", "data", "id", "QMP", "version", "qemu", "major", "minor", "micro", "class", "desc", "name", "type",
            "path", "UUID", "status", "running", "actual", "stats", "last-update", "base-memory", "plugged-memory", "BALLOON_CHANGE", "RESUME",
            "DEVICE_DELETED", "GenericError", "CommandNotFound", "DeviceNotActive", "DeviceNotFound", "KVMMissingCap", "child<virtio-balloon-pci>",
            "child<virtio-balloon-device>", "child<virtio-balloon-ccw>", "stat-swap-in", "stat-free-memory", "stat-available-memory",
            "stat-total-memory", "stat-minor-faults", "stat-htlb-pgfail", "stat-oom-kills", "stat-direct-reclaims", "stat-4711",
            "18446744073709551615", "18446744073709547520", "9223372036854775808", "\\u0000", "\\ud800", "\\udc00", "\\u00e9", "\\\"", "\\n",
            "\r\n", " ", "\u0000", "\u001b[2J", "\ufeff", "VIRTIO_CONFIG_S_DRIVER_OK", "inmigrate", "guest-panicked",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ];

    /// <summary>The messages in the input, as the framer finds them when it sees all at once, and whether it refused what follows.</summary>
    public static (List<Range> Messages, bool IsRefused) Frame(ReadOnlySpan<byte> input)
    {
        List<Range> messages = [];
        JsonFramer framer = default;
        int start = 0;
        try
        {
            while (framer.TryFindEnd(input[start..], out int consumed))
            {
                FuzzException.Require(consumed > 0 && consumed <= input.Length - start, "a message has no end in the input");
                FuzzException.Require(!framer.InMessage, "it is in a message behind its end");
                messages.Add(start..(start + consumed));
                start += consumed;
            }

            return (messages, false);
        }
        catch (InvalidDataException)
        {
            return (messages, true);
        }
    }

    /// <summary>Where JSON's own reader sees objects end, up to where it sees no more of them.</summary>
    public static List<int> ObjectEnds(ReadOnlySpan<byte> input)
    {
        List<int> ends = [];
        Utf8JsonReader reader = new(input, new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = QmpLimits.MaxDepth });
        try
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                reader.Skip();
                ends.Add((int)reader.BytesConsumed);
            }
        }
        catch (JsonException)
        {
            // What came before counts.
        }

        return ends;
    }

    /// <summary>Cuts the input as a socket may: at places that depend on the input alone, so that they come again with it.</summary>
    public static IEnumerable<Range> Pieces(byte[] input)
    {
        uint state = Fnv(input);
        bool isFine = (state & 1) != 0;
        for (int start = 0; start < input.Length;)
        {
            state = (state * 1664525) + 1013904223;
            int length = isFine && start < MaxFine ? 1 + (int)((state >> 16) % MaxPiece) : 1 + (int)((state >> 8) % (uint)input.Length);
            int end = Math.Min(start + length, input.Length);
            yield return start..end;
            start = end;
        }
    }

    private static uint Fnv(byte[] input)
    {
        uint hash = 2166136261;
        foreach (byte b in input)
            hash = (hash ^ b) * 16777619;
        return hash ^ (hash >> 15);
    }
}
