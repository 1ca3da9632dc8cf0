using System.Globalization;
using System.Text.Json;

namespace Ballast.Balance.Simulation;

/// <summary>The members of one object in a scenario; each is taken once, and none may be left.</summary>
internal sealed class ScenarioMembers
{
    private readonly ScenarioText _text;
    private readonly JsonElement _object;
    private readonly Dictionary<string, JsonElement> _left = [];
    private readonly List<string> _known = [];
    private string _what;

    /// <param name="text">The scenario's text.</param>
    /// <param name="value">The object.</param>
    /// <param name="what">What an error calls it.</param>
    public ScenarioMembers(ScenarioText text, JsonElement value, string what)
    {
        (_text, _object, _what) = (text, value, what);
        if (value.ValueKind != JsonValueKind.Object)
            throw text.Wrong(value, $"{what} is {ScenarioText.Shown(value)}, not an object");
        foreach (JsonProperty member in value.EnumerateObject())
        {
            string name = Unicode(member.Value, () => member.Name);
            if (!_left.TryAdd(name, member.Value))
                throw text.Wrong(member.Value, $"{what} has '{name}' twice; keep one");
        }
    }

    /// <summary>Takes another name in errors.</summary>
    public void Call(string what) => _what = what;

    /// <summary>A complaint about the object, which begins with its name.</summary>
    public InvalidDataException Wrong(string complaint) => _text.Wrong(_object, $"{_what} {complaint}");

    public InvalidDataException Missing(string name) => Wrong($"has no '{name}', which it needs");

    /// <exception cref="InvalidDataException">A member was not taken.</exception>
    public void End()
    {
        foreach ((string name, JsonElement value) in _left)
            throw _text.Wrong(value, $"{_what} has '{name}', which is not known; known are {string.Join(", ", _known)}");
    }

    public string? Text(string name) => Take(name) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.String ? Unicode(value, value.GetString) : throw WrongValue(name, value, "a text");

    public bool Flag(string name) => Take(name) is not { } value ? false : value.ValueKind switch
    {
        JsonValueKind.False => false,
        JsonValueKind.True => true,
        _ => throw WrongValue(name, value, "true or false"),
    };

    /// <summary>Null where it is absent, or may be null and is.</summary>
    public double? Number(string name, double least, double most, bool isWhole = false, bool mayBeNull = false) =>
        Take(name) is { } value && !(mayBeNull && value.ValueKind == JsonValueKind.Null)
            ? ReadNumber(value, least, most) is { } number && (!isWhole || number == Math.Floor(number))
                ? number
                : throw WrongValue(name, value, $"a {(isWhole ? "whole " : "")}number from {Written(least)} to {Written(most)}")
            : null;

    public ScenarioMembers? Members(string name) => Take(name) is { } value ? new ScenarioMembers(_text, value, $"'{name}' of {_what}") : null;

    public IEnumerable<ScenarioMembers> Objects(string name, int most, string what)
    {
        JsonElement value = Take(name) ?? throw Missing(name);
        return value.ValueKind != JsonValueKind.Array ? throw WrongValue(name, value, "a list")
            : value.GetArrayLength() is var count && (count == 0 || count > most) ? throw WrongCount(name, value, most)
            : value.EnumerateArray().Select((item, place) => new ScenarioMembers(_text, item, string.Create(CultureInfo.InvariantCulture, $"{what} {place + 1}")));
    }

    public TimeSeries? Series(string name, int most, double largest)
    {
        if (Take(name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Array)
            throw WrongValue(name, value, "a list of [seconds, MiB]");
        if (value.GetArrayLength() is var count && (count == 0 || count > most))
            throw WrongCount(name, value, most);
        List<(double Time, double Value)> points = new(value.GetArrayLength());
        foreach (JsonElement point in value.EnumerateArray())
        {
            if (point.ValueKind != JsonValueKind.Array || point.GetArrayLength() != 2)
                throw WrongPoint(point, "[seconds, MiB]");
            if (ReadNumber(point[0], -largest, largest) is not { } time || ReadNumber(point[1], 0, largest) is not { } size)
                throw WrongPoint(point, $"[seconds, MiB] with numbers up to {Written(largest)}, and no size below 0");
            if (points is [.., var last] && time < last.Time)
                throw WrongPoint(point, $"in order: it goes back in time, after {Written(last.Time)}");
            points.Add((time, size));
        }

        return new TimeSeries(points);

        InvalidDataException WrongPoint(JsonElement point, string wanted) => _text.Wrong(point, $"a point of '{name}' of {_what} is {ScenarioText.Shown(point)}, not {wanted}");
    }

    private static double? ReadNumber(JsonElement value, double least, double most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= least && number <= most ? number : null;

    private static string Written(double number) => number.ToString("0.###############e+0", CultureInfo.InvariantCulture) is var text && Math.Abs(number) < 1e9
        ? number.ToString("R", CultureInfo.InvariantCulture)
        : text.Replace("e+", "e", StringComparison.Ordinal);

    private JsonElement? Take(string name)
    {
        _known.Add($"'{name}'");
        return _left.Remove(name, out JsonElement value) ? value : null;
    }

    // Half a character, or bytes that are none.
    private T Unicode<T>(JsonElement at, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw _text.Wrong(at, $"{_what} has a text that is not Unicode", e);
        }
    }

    private InvalidDataException WrongValue(string name, JsonElement value, string wanted) =>
        _text.Wrong(value, $"'{name}' of {_what} is {ScenarioText.Shown(value)}, not {wanted}");

    private InvalidDataException WrongCount(string name, JsonElement value, int most) => _text.Wrong(value, string.Create(
        CultureInfo.InvariantCulture, $"'{name}' of {_what} is a list of {value.GetArrayLength()}, not of 1 to {most}"));
}
