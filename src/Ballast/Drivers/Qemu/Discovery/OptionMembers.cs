using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// The value of one of QEMU's options: <c>first,name=value,flag,…</c> with doubled commas within a value, or a JSON
/// object. Of a member that is repeated the last counts; of an id the first, as QEMU looks for it before all others.
/// </summary>
internal sealed class OptionMembers
{
    private const int MaxDepth = 8;
    private const string Id = "id";

    private readonly Dictionary<string, string> _members = [];

    /// <summary>The value of a member, "on" or "off" for a flag, null where it is absent.</summary>
    public string? this[string name] => _members.GetValueOrDefault(name);

    /// <summary>The names of all members.</summary>
    public IEnumerable<string> Names => _members.Keys;

    /// <summary>Whether it was written as JSON: such devices QEMU makes after all others.</summary>
    public bool IsJson { get; private init; }

    /// <param name="value">The option's value.</param>
    /// <param name="firstName">The member that a first value without a name stands for; null where it is a flag.</param>
    public static OptionMembers Parse(string value, string? firstName)
    {
        OptionMembers members = new();
        members.Add(value, firstName);
        return members;
    }

    /// <summary>Reads an option that may also be written as JSON; most may not.</summary>
    /// <returns>Null where it is broken JSON.</returns>
    public static OptionMembers? ParseOrJson(string value, string? firstName)
    {
        if (!value.StartsWith('{'))
            return Parse(value, firstName);
        OptionMembers members = new() { IsJson = true };
        return members.TryReadJson(value) ? members : null;
    }

    /// <summary>QEMU's words for a switch; null for any other, which it refuses.</summary>
    public bool? Switch(string name) => this[name] switch
    {
        "on" or "yes" or "true" or "y" => true,
        "off" or "no" or "false" or "n" => false,
        _ => null,
    };

    public void Set(string name, string value)
    {
        if (name == Id)
            _ = _members.TryAdd(name, value);
        else
            _members[name] = value;
    }

    /// <summary>Merges what a repeated option says into what the earlier ones said.</summary>
    public void Add(string value, string? firstName)
    {
        foreach ((string name, string text) in Read(value, firstName))
            Set(name, text);
    }

    /// <summary>The members as they are written, one after another, also those that are repeated; a flag is "on" or "off".</summary>
    public static IEnumerable<(string Name, string Value)> Read(string value, string? firstName)
    {
        bool isFirst = true;
        for (int i = 0; i < value.Length; i++)
        {
            int end = value.AsSpan(i).IndexOfAny(',', '=') is var length and >= 0 ? i + length : value.Length;
            if (end < value.Length && value[end] == '=')
            {
                string name = value[i..end];
                i = ReadValue(value, end + 1, out string text);
                yield return (name, text);
            }
            else if (isFirst && firstName is not null)
            {
                i = ReadValue(value, i, out string text);
                yield return (firstName, text);
            }
            else
            {
                yield return Flag(value[i..end]);
                i = end;
            }

            isFirst = false;
        }
    }

    public void Merge(OptionMembers later)
    {
        foreach ((string name, string value) in later._members)
            Set(name, value);
    }

    // A flag alone is "on", and with "no" in front of it "off": QEMU looks at nothing but the two letters.
    private static (string Name, string Value) Flag(string flag) =>
        flag.StartsWith("no", StringComparison.Ordinal) ? (flag[2..], "off") : (flag, "on");

    // Returns where the comma that ends the value stands, or the end.
    private static int ReadValue(string text, int start, out string value)
    {
        int comma = text.IndexOf(',', start);
        if (comma < 0 || comma + 1 >= text.Length || text[comma + 1] != ',')
        {
            int end = comma < 0 ? text.Length : comma;
            value = text[start..end];
            return end;
        }

        StringBuilder unescaped = new();
        int i = start;
        for (; i < text.Length; i++)
        {
            if (text[i] == ',')
            {
                if (i + 1 >= text.Length || text[i + 1] != ',')
                    break;
                i++;
            }

            unescaped.Append(text[i]);
        }

        value = unescaped.ToString();
        return i;
    }

    // Nested objects are flattened: names such as path and server are told by their last part alone in every form.
    private bool TryReadJson(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(PathText.Replaced(json), new JsonDocumentOptions { MaxDepth = MaxDepth });
            Flatten(document.RootElement);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return false; // Text that is no Unicode, as an escape or in itself.
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
                case JsonValueKind.Number:
                    _ = _members.TryAdd(property.Name, property.Value.GetRawText());
                    break;
                case JsonValueKind.True:
                    _members[property.Name] = "on";
                    break;
                case JsonValueKind.False:
                    _members[property.Name] = "off";
                    break;
                case JsonValueKind.Array:
                    FlattenArray(property.Name, property.Value);
                    break;
                default:
                    break;
            }
        }
    }

    // As the other form names a list's elements: host-nodes.0=1,host-nodes.1=3.
    private void FlattenArray(string name, JsonElement array)
    {
        int i = 0;
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (element.ValueKind is JsonValueKind.Number)
                _ = _members.TryAdd(string.Create(CultureInfo.InvariantCulture, $"{name}.{i}"), element.GetRawText());
            i++;
        }
    }
}
