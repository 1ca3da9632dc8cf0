namespace Ballast.Cli.Output;

/// <summary>Sentences in lines that fit the terminal.</summary>
internal static class Paragraph
{
    // With less room, lines are better broken by the terminal.
    private const int Least = 20;

    /// <param name="text">One line, harmless for a terminal.</param>
    /// <param name="indent">What the first line begins with.</param>
    /// <param name="room">Columns of the terminal; null: as many as it takes.</param>
    /// <param name="hanging">What the others begin with.</param>
    public static IEnumerable<string> Lines(string text, string indent, int? room, string hanging) =>
        room is { } width && width - hanging.Length >= Least
            ? SafeText.Wrap(text, width - hanging.Length).Select((line, i) => (i == 0 ? indent : hanging) + line)
            : [indent + text];
}
