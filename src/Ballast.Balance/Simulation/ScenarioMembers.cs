using System.Globalization;
using System.Text.Json;

namespace Ballast.Balance.Simulation;

/// <summary>The members of one object in a scenario; each is taken once, and none may be left.</summary>
internal sealed class ScenarioMembers
{
    private readonly Dictionary<string, JsonElement> _left = [];
    private readonly string _what;

    /// <param name="value">The object.</param>
    /// <param name="what">What an error calls it.</param>
    public ScenarioMembers(JsonElement value, string what)
    {
        _what = what;
        if (value.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{what} is not an object");
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (!_left.TryAdd(member.Name, member.Value))
                throw new InvalidDataException($"{what} has '{member.Name}' twice");
        }
    }

    private ScenarioMembers(Dictionary<string, JsonElement> left, string what) => (_left, _what) = (left, what);

    /// <summary>The same, under another name in errors.</summary>
    public ScenarioMembers Called(string what) => new(_left, what);

    public InvalidDataException Missing(string name) => new($"{_what} has no '{name}'");

    /// <exception cref="InvalidDataException">A member was not taken.</exception>
    public void End()
    {
        if (_left.Count > 0)
            throw new InvalidDataException($"{_what} has '{_left.Keys.First()}', which is not known");
    }

    public string? Text(string name) => Take(name) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, "a text");

    public bool Flag(string name) => Take(name)?.ValueKind switch
    {
        null or JsonValueKind.False => false,
        JsonValueKind.True => true,
        _ => throw Wrong(name, "true or false"),
    };

    /// <summary>Null where it is absent, or null.</summary>
    public double? Number(string name, double least, double most) => Take(name) is { ValueKind: not JsonValueKind.Null } value
        ? ReadNumber(value, name) is var number && number >= least && number <= most
            ? number
            : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"))
        : null;

    public double? Whole(string name, int least, int most) => Number(name, least, most) is not { } number
        ? null
        : number == Math.Floor(number) ? number : throw Wrong(name, "a whole number");

    public ScenarioMembers? Members(string name) => Take(name) is { } value ? new ScenarioMembers(value, $"'{name}' of {_what}") : null;

    public IEnumerable<ScenarioMembers> Objects(string name, int most, string what)
    {
        JsonElement value = Take(name) ?? throw Missing(name);
        return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= most
            ? value.EnumerateArray().Select((item, place) => new ScenarioMembers(item, string.Create(CultureInfo.InvariantCulture, $"{what} {place + 1}")))
            : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a list of at most {most}"));
    }

    public TimeSeries? Series(string name, int most, double largest)
    {
        if (Take(name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > most)
            throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a list of at most {most} points"));
        try
        {
            return new TimeSeries(value.EnumerateArray().Select(point => point.ValueKind == JsonValueKind.Array && point.GetArrayLength() == 2
                ? (Bounded(point[0], -largest), Bounded(point[1], 0))
                : throw Wrong(name, "a list of [seconds, MiB]")));
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"'{name}' of {_what} {e.Message}", e);
        }

        double Bounded(JsonElement number, double least) => ReadNumber(number, name) is var read && read >= least && read <= largest
            ? read
            : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a list of numbers from {least} to {largest}"));
    }

    private JsonElement? Take(string name) => _left.Remove(name, out JsonElement value) ? value : null;

    private double ReadNumber(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Wrong(name, "a number");

    private InvalidDataException Wrong(string name, string wanted) => new($"'{name}' of {_what} is not {wanted}");
}
