using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Ballast.Tests.Integration;

/// <summary>A function of the C interface.</summary>
/// <param name="Returns">Its type, such as <c>int</c> or <c>char *</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">Their types.</param>
internal sealed record NativeFunction(string Returns, string Name, IReadOnlyList<string> Parameters)
{
    /// <summary>What it returns when it fails.</summary>
    public string? Failure =>
        Returns == "void" ? null
        : Returns.EndsWith('*') || Returns.EndsWith("Ptr", StringComparison.Ordinal) ? "NULL"
        : Returns.StartsWith("unsigned long", StringComparison.Ordinal) ? "0"
        : $"({Returns})-1";
}

/// <summary>What our headers declare, read from them, so that nothing that is added to them goes unchecked.</summary>
internal sealed partial class NativeHeaders
{
    private NativeHeaders(string text)
    {
        Text = text;
        string code = Comment().Replace(text, " ");
        Constants =
        [
            .. Enumerator().Matches(code).Select(match => match.Groups[1].Value),
            .. Definition().Matches(code).Select(match => match.Groups[1].Value),
        ];
        Structures = Structure().Matches(code).ToDictionary(
            match => match.Groups[1].Value,
            match => (IReadOnlyList<string>)[.. Union().Replace(match.Groups[2].Value, "").Split(';')
                .Select(field => Field().Match(field).Groups[1].Value)
                .Where(field => field.Length > 0)]);
        Functions =
        [
            .. Prototype().Matches(code).Where(match => !match.Groups[1].Value.StartsWith("typedef", StringComparison.Ordinal)).Select(match =>
                new NativeFunction(
                    Squeeze(match.Groups[1].Value),
                    match.Groups[2].Value,
                    [.. match.Groups[3].Value.Split(',').Select(Squeeze).Where(parameter => parameter != "void").Select(TypeOf)])),
        ];
    }

    public static NativeHeaders Libvirt { get; } = Read("ballast-libvirt.h");

    public static NativeHeaders Own { get; } = Read("ballast.h");

    public string Text { get; }

    public IReadOnlyList<string> Constants { get; }

    /// <summary>Names of fields by the structure's tag.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Structures { get; }

    public IReadOnlyList<NativeFunction> Functions { get; }

    /// <summary>A program that prints the layouts and numbers, and compiles only where the functions have these types.</summary>
    public static string LayoutProgram(string includes, params NativeHeaders[] headers)
    {
        StringBuilder program = new($"{includes}\n#include <stddef.h>\n#include <stdio.h>\n#pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n");
        foreach (NativeFunction function in headers.SelectMany(header => header.Functions))
            program.Append(CultureInfo.InvariantCulture, $"extern {function.Returns} (*const {function.Name}_type)({Parameters(function)});\n{function.Returns} (*const {function.Name}_type)({Parameters(function)}) = {function.Name};\n");
        program.Append("int main(void)\n{\n");
        foreach ((string tag, IReadOnlyList<string> fields) in headers.SelectMany(header => header.Structures))
        {
            program.Append(CultureInfo.InvariantCulture, $"    printf(\"{tag} %zu\\n\", sizeof(struct {tag}));\n");
            foreach (string field in fields)
                program.Append(CultureInfo.InvariantCulture, $"    printf(\"{tag}.{field} %zu %zu\\n\", offsetof(struct {tag}, {field}), sizeof(((struct {tag} *)0)->{field}));\n");
        }

        foreach (string constant in headers.SelectMany(header => header.Constants))
            program.Append(CultureInfo.InvariantCulture, $"    printf(\"{constant} %lld\\n\", (long long){constant});\n");
        return program.Append("    return 0;\n}\n").ToString();
    }

    private static string Parameters(NativeFunction function) => function.Parameters.Count == 0 ? "void" : string.Join(", ", function.Parameters);

    private static NativeHeaders Read(string name) => new(File.ReadAllText(Path.Combine(NativeProgram.Root, "src/Ballast.Native", name)));

    private static string Squeeze(string text) => Blank().Replace(text, " ").Trim();

    private static string TypeOf(string parameter) => ParameterName().Replace(parameter, "").Trim();

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b((?:VIR|BALLAST)_[A-Z0-9_]+)\s*=")]
    private static partial Regex Enumerator();

    [GeneratedRegex(@"^#define (\w+) ", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^struct (\w+) \{(.*?)^\};", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Structure();

    [GeneratedRegex(@"union \{[^}]*\}")]
    private static partial Regex Union();

    [GeneratedRegex(@"(\w+)\s*(?:\[\w+\])?\s*$")]
    private static partial Regex Field();

    [GeneratedRegex(@"^(\w[\w ]*?[ \*]+)((?:vir|ballast)\w+)\(([^;]*?)\);", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Prototype();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();

    [GeneratedRegex(@"\w+$")]
    private static partial Regex ParameterName();
}
