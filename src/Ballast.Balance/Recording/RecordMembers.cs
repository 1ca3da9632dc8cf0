using System.Globalization;
using System.Text.Json;

namespace Ballast.Balance.Recording;

/// <summary>The members of an object in a record. Those that are not known are passed over: newer programs may write more.</summary>
/// <param name="value">The object.</param>
/// <param name="what">What an error calls it.</param>
internal readonly struct RecordMembers(JsonElement value, string what)
{
    public RecordMembers Members(string name) => Object(Find(name) ?? throw Missing(name), $"'{name}' of {what}");

    public RecordMembers? MembersOrNull(string name) => Find(name) is { } member ? Object(member, $"'{name}' of {what}") : null;

    public static RecordMembers Object(JsonElement value, string what) =>
        value.ValueKind == JsonValueKind.Object ? new RecordMembers(value, what) : throw new InvalidDataException($"{what} is not an object");

    public InvalidDataException Missing(string name) => new($"{what} has no '{name}'");

    public InvalidDataException Wrong(string name, string wanted) => new($"'{name}' of {what} is not {wanted}");

    public string Text(string name) => TextOrNull(name) ?? throw Missing(name);

    public string? TextOrNull(string name) => Find(name) is not { } member ? null
        : member.ValueKind == JsonValueKind.String ? member.GetString()
        : throw Wrong(name, "a text");

    public string? TextOrNull(string name, int most) => TextOrNull(name) is var text && !(text?.Length > most) ? text
        : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a text of at most {most} characters"));

    public bool? Flag(string name) => Find(name)?.ValueKind switch
    {
        null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "true or false"),
    };

    public ulong? Whole(string name, ulong most) => Find(name) is not { } member ? null
        : member.ValueKind == JsonValueKind.Number && member.TryGetUInt64(out ulong number) && number <= most ? number
        : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a whole number from 0 to {most}"));

    public ulong? KiB(string name) => Whole(name, RecordFormat.MaxKiB);

    public double? Seconds(string name) => Find(name) is { } member ? Number(member, name) : null;

    public DateTimeOffset Moment(string name) => Find(name) is { ValueKind: JsonValueKind.String } member && member.TryGetDateTimeOffset(out DateTimeOffset moment)
        && moment.UtcDateTime.Year is >= RecordFormat.FirstYear and <= RecordFormat.LastYear
        ? moment
        : throw Wrong(name, "a time as in 2026-01-02T03:04:05Z");

    public Guid Uuid(string name) => Find(name) is { ValueKind: JsonValueKind.String } member && member.TryGetGuid(out Guid uuid) ? uuid : throw Wrong(name, "a UUID");

    public double[]? Numbers(string name, int count)
    {
        if (Find(name) is not { } member)
            return null;
        if (member.ValueKind != JsonValueKind.Array || member.GetArrayLength() != count)
            throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a list of {count} numbers"));
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++)
            numbers[i] = Number(member[i], name);
        return numbers;
    }

    public JsonElement List(string name, int most) => ListOrNull(name, most) ?? throw Missing(name);

    public JsonElement? ListOrNull(string name, int most)
    {
        if (Find(name) is not { } member)
            return null;
        return member.ValueKind == JsonValueKind.Array && member.GetArrayLength() <= most
            ? member
            : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a list of at most {most}"));
    }

    private double Number(JsonElement member, string name) =>
        member.ValueKind == JsonValueKind.Number && member.TryGetDouble(out double number) && number is >= 0 and <= RecordFormat.MaxSeconds
            ? number
            : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a number from 0 to {RecordFormat.MaxSeconds:F0}"));

    private JsonElement? Find(string name) =>
        value.TryGetProperty(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null ? member : null;
}
