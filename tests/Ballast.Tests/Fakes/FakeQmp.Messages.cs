using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ballast.Tests.Fakes;

/// <summary>What a <see cref="FakeQmp"/> says.</summary>
internal sealed partial class FakeQmp
{
    public const string Greeting =
        """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2"}, "capabilities": ["oob"]}}""";

    /// <summary>A reply that never comes.</summary>
    public const string? Nothing = null;

    // As QEMU, which does not escape what needs no escape.
    private static readonly JsonSerializerOptions PrettyOptions =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Return(string json) => $"\"return\": {json}";

    public static string Error(string @class, string description) =>
        $$"""
        "error": {"class": "{{@class}}", "desc": {{Quote(description)}}}
        """;

    public static string Event(string name, string? data = null) =>
        $$"""{"timestamp": {"seconds": 1700000000, "microseconds": 5}, "event": "{{name}}"{{(data is null ? "" : $", \"data\": {data}")}}}""";

    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static string Pretty(string message)
    {
        using JsonDocument document = JsonDocument.Parse(message);
        return JsonSerializer.Serialize(document, PrettyOptions);
    }
}
