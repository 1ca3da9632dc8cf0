using System.Text;

namespace Ballast.Cli.Output;

/// <summary>One cell of a row whose columns have their widths.</summary>
/// <param name="Text">As it is shown; longer than the column, it is cut.</param>
/// <param name="Width">Of the column.</param>
/// <param name="IsRight">Whether it stands at the right.</param>
/// <param name="Colour">The terminal's code for it; null: none.</param>
/// <param name="IsCutInside">Whether its end tells as much as its beginning.</param>
internal readonly record struct TableCell(string Text, int Width, bool IsRight = false, string? Colour = null, bool IsCutInside = false);

/// <summary>Rows for terminals, in columns of characters of any width.</summary>
internal static class TableRow
{
    public const string Gap = "  ", Plain = "\e[0m";

    /// <summary>The row; nothing is written behind the last visible character.</summary>
    public static string Of(IEnumerable<TableCell> cells)
    {
        StringBuilder row = new();
        string blank = "";
        foreach (TableCell cell in cells)
        {
            string text = cell.IsCutInside ? CutInside(cell.Text, cell.Width) : Cut(cell.Text, cell.Width), pad = new(' ', Math.Max(0, cell.Width - SafeText.Width(text)));
            if (cell.IsRight)
                blank += pad;
            if (text.AsSpan().Trim().Length > 0)
            {
                _ = row.Append(blank);
                blank = "";
                _ = cell.Colour is { } code ? row.Append(code).Append(text).Append(Plain) : row.Append(text);
            }
            else
            {
                blank += text;
            }

            blank += cell.IsRight ? Gap : pad + Gap;
        }

        return row.ToString();
    }

    /// <summary>As much of both ends of a text as fits, more of the latter.</summary>
    public static string CutInside(string text, int width)
    {
        if (SafeText.Width(text) <= width || width <= 2)
            return Cut(text, width);
        string begin = Cut(text, Math.Max(1, width / 3));
        int from = text.Length;
        while (from > 0 && SafeText.Width(text[(from - 1)..]) <= width - SafeText.Width(begin))
            from--;
        if (from < text.Length && char.IsLowSurrogate(text[from]))
            from++;
        return begin + text[from..];
    }

    /// <summary>As much of a text as fits, with a sign that there is more.</summary>
    public static string Cut(string text, int width)
    {
        if (SafeText.Width(text) <= width)
            return text;
        if (width <= 0)
            return "";
        int length = text.Length;
        while (length > 0 && SafeText.Width(text[..length]) > width - 1)
            length--;
        if (length > 0 && char.IsHighSurrogate(text[length - 1]))
            length--;
        return $"{text[..length]}…";
    }
}
