using System.Text.Json;
using Ballast.Cli.Output;

namespace Ballast.Cli.Json;

/// <summary>What the JSON documents of several commands share.</summary>
internal static class JsonOutput
{
    /// <summary>Writes one indented document and ends its line.</summary>
    public static void Write(TextOutput output, Action<Utf8JsonWriter> document)
    {
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
            document(json);
        output.WriteLine("");
    }

    public static void WriteIdentity(Utf8JsonWriter json, Domain domain)
    {
        json.WriteString("name", domain.Name);
        json.WriteString("uuid", domain.Uuid);
        if (domain.Id is { } id)
            json.WriteNumber("id", id);
        else
            json.WriteNull("id");
    }

    public static void WriteDomain(Utf8JsonWriter json, Domain domain)
    {
        json.WriteStartObject("domain");
        WriteIdentity(json, domain);
        json.WriteEndObject();
    }

    public static void WriteTextOrNull(Utf8JsonWriter json, string name, string? text)
    {
        if (string.IsNullOrEmpty(text))
            json.WriteNull(name);
        else
            json.WriteString(name, text);
    }

    public static void WriteNumber(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } known)
            json.WriteNumber(name, known);
        else
            json.WriteNull(name);
    }

    /// <summary>A number in three digits behind the point.</summary>
    public static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (Rounded(value) is { } known)
            json.WriteNumber(name, known);
        else
            json.WriteNull(name);
    }

    public static double? Rounded(double? value) => value is { } known ? Math.Round(known, 3) : null;
}
