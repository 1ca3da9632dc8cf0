using System.Globalization;
using System.Text.Json;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Fuzz.Targets;

/// <summary>What a reply to <c>guest-stats</c> says, read in another way: the slow and obvious one.</summary>
internal static class StatsOracle
{
    private static readonly string[] Names =
    [
        "stat-swap-in", "stat-swap-out", "stat-major-faults", "stat-minor-faults", "stat-free-memory", "stat-total-memory",
        "stat-available-memory", "stat-disk-caches", "stat-htlb-pgalloc", "stat-htlb-pgfail", "stat-oom-kills", "stat-alloc-stalls",
        "stat-async-scans", "stat-direct-scans", "stat-async-reclaims", "stat-direct-reclaims",
    ];

    private static readonly int[] Counts = [2, 3, 8, 9, 10, 11];

    /// <summary>Compares, where the text is plain enough for two readers to have to agree: no escapes, no member twice.</summary>
    public static void Check(byte[] body)
    {
        if (body.AsSpan().Contains((byte)'\\') || Parse(body) is not { } document)
            return;
        using (document)
        {
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !TryMember(root, "stats", out var stats) || !TryMember(root, "last-update", out var update)
                || stats is not { ValueKind: JsonValueKind.Object })
            {
                return;
            }

            GuestStats read = GuestStats.Parse(body);
            FuzzException.Require(read.LastUpdate == (update is { } time && TryNumber(time, out ulong seconds) ? seconds : null), "it reads another time");
            for (int tag = 0; tag < Names.Length; tag++)
            {
                if (TryMember(stats.Value, Names[tag], out var value))
                    CheckValue(read, tag, value);
            }
        }
    }

    private static void CheckValue(in GuestStats read, int tag, JsonElement? value)
    {
        bool isNumber = value is { } given && TryNumber(given, out _);
        ulong number = isNumber && TryNumber(value!.Value, out ulong n) ? n : 0;
        bool isPossible = isNumber && (Counts.Contains(tag) || number < 1UL << 63);
        bool isAbsent = value is null || IsNotReported(value.Value);
        FuzzException.Require(read.TryGet(tag, out ulong got) == isPossible && (!isPossible || got == number), $"{Names[tag]} has another value");
        FuzzException.Require(read.IsRejected(tag) == (!isPossible && !isAbsent), $"{Names[tag]} is rejected, or should be");
    }

    // A number that QEMU's unsigned 64 bits can be, and that says something.
    private static bool TryNumber(JsonElement value, out ulong number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number
            && ulong.TryParse(value.GetRawText(), NumberStyles.None, CultureInfo.InvariantCulture, out number) && number != ulong.MaxValue;
    }

    private static bool IsNotReported(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.GetRawText() is "-1" or "18446744073709551615";

    // False where a member is there twice.
    private static bool TryMember(JsonElement parent, string name, out JsonElement? value)
    {
        value = null;
        foreach (JsonProperty member in parent.EnumerateObject())
        {
            if (!member.NameEquals(name))
                continue;
            if (value is not null)
                return false;
            value = member.Value;
        }

        return true;
    }

    private static JsonDocument? Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = QmpLimits.MaxDepth });
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
