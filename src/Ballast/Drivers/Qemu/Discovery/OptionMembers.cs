using System.Text;
using System.Text.Json;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The value of one of QEMU's options: <c>first,name=value,flag,…</c> with doubled commas, or a JSON object.</summary>
internal sealed class OptionMembers
{
    private const int MaxDepth = 8;

    private readonly Dictionary<string, string> _members = [];

    /// <summary>The value of a member, "" for a flag, null where it is absent.</summary>
    public string? this[string name] => _members.GetValueOrDefault(name);

    /// <param name="value">The option's value.</param>
    /// <param name="firstName">The member that a first value without a name stands for.</param>
    /// <returns>Null where it is broken JSON.</returns>
    public static OptionMembers? Parse(string value, string firstName = "backend")
    {
        OptionMembers members = new();
        if (value.StartsWith('{'))
            return members.TryReadJson(value) ? members : null;

        bool isFirst = true;
        foreach (string member in Split(value))
        {
            int equals = member.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                members._members[member[..equals]] = member[(equals + 1)..];
            else if (isFirst)
                members._members[firstName] = member;
            else
                members._members[member] = "";
            isFirst = false;
        }

        return members;
    }

    /// <summary>The members of a value; a comma within one is doubled.</summary>
    public static IEnumerable<string> Split(string value)
    {
        StringBuilder member = new();
        for (int i = 0; i < value.Length; i++)
        {
            bool isDoubled = value[i] == ',' && i + 1 < value.Length && value[i + 1] == ',';
            if (value[i] == ',' && !isDoubled)
            {
                yield return member.ToString();
                member.Clear();
                continue;
            }

            member.Append(value[i]);
            if (isDoubled)
                i++;
        }

        yield return member.ToString();
    }

    // Nested objects are flattened: names such as path and server are told by their last part alone in every form.
    private bool TryReadJson(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            Flatten(document.RootElement);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            return false; // Text that is no Unicode.
        }
    }

    private void Flatten(JsonElement element)
    {
        foreach (JsonProperty property in element.EnumerateObject())
        {
            switch (property.Value.ValueKind)
            {
                case JsonValueKind.Object:
                    if (property.Name == "backend" && property.Value.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String)
                        _members["backend"] = type.GetString()!;
                    Flatten(property.Value);
                    break;
                case JsonValueKind.String:
                    _ = _members.TryAdd(property.Name, property.Value.GetString()!);
                    break;
                case JsonValueKind.True:
                    _members[property.Name] = "on";
                    break;
                case JsonValueKind.False:
                    _members[property.Name] = "off";
                    break;
                default:
                    break;
            }
        }
    }
}
