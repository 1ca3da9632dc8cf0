using System.Text.Json;

namespace Ballast.Tests.Fakes;

/// <summary>One command as a <see cref="FakeQmp"/> received it.</summary>
/// <param name="Text">Word for word.</param>
/// <param name="Json">The same, read.</param>
/// <param name="Index">1 for the first command that the fake ever received, and so on.</param>
/// <param name="Client">1 for those of the first connection, and so on.</param>
internal sealed record FakeCommand(string Text, JsonElement Json, int Index, int Client)
{
    public string Name => Json.TryGetProperty("execute", out JsonElement name) ? name.GetString()! : "";

    /// <summary>JSON of the command's <c>id</c>; null where it has none.</summary>
    public string? Id => Json.TryGetProperty("id", out JsonElement id) ? id.GetRawText() : null;

    /// <summary>What answers are scripted by: the property for qom-get and qom-set, the path for qom-list, otherwise the name.</summary>
    public string Key => Name switch
    {
        "qom-get" => Argument("property"),
        "qom-set" => "set " + Argument("property"),
        "qom-list" => Argument("path"),
        _ => Name,
    };

    public string Argument(string name) =>
        Json.TryGetProperty("arguments", out JsonElement arguments) && arguments.TryGetProperty(name, out JsonElement value)
            ? value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()
            : "";
}
