using System.Text.Json;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Replies that are asked for seldom, as trees; what has another shape than expected is null or empty.</summary>
internal static class QmpJson
{
    /// <summary>Asks one question; null where QEMU refuses it.</summary>
    /// <exception cref="LibvirtException">The monitor cannot be used.</exception>
    public static async Task<JsonElement?> AskAsync(
        QmpMonitor monitor, string command, byte[] text, TimeSpan timeout, CancellationToken cancellationToken)
    {
        JsonElement? answer = null;
        QmpError? error = await monitor.CallAsync(command, text, changesSomething: false, body =>
        {
            Utf8JsonReader reader = new(body, QmpMessage.ReaderOptions);
            answer = JsonElement.ParseValue(ref reader);
        }, timeout, cancellationToken).ConfigureAwait(false);
        return error is null ? answer : null;
    }

    public static JsonElement.ArrayEnumerator Elements(JsonElement? array) =>
        array is { ValueKind: JsonValueKind.Array } elements ? elements.EnumerateArray() : default;

    public static JsonElement? Member(JsonElement? value, string name) =>
        value is { ValueKind: JsonValueKind.Object } members && members.TryGetProperty(name, out JsonElement member) ? member : null;

    public static string? Text(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: <= QmpLimits.MaxTextLength } said ? said : null;

    public static ulong? Number(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.Number } number && number.TryGetUInt64(out ulong said) ? said : null;
}
