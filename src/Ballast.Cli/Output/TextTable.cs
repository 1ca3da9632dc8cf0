namespace Ballast.Cli.Output;

/// <summary>virsh's table: each column as wide as its widest cell, the last one not padded.</summary>
internal sealed class TextTable(params string[] header)
{
    private readonly List<string[]> _rows = [];

    public void AddRow(params string[] cells) => _rows.Add([.. cells.Select(SafeText.Escape)]);

    /// <param name="output">Where to.</param>
    /// <param name="withHeader">Without it, its widths do not count either.</param>
    public void WriteTo(TextOutput output, bool withHeader)
    {
        int[] widths = new int[header.Length];
        foreach (string[] row in withHeader ? _rows.Prepend(header) : _rows)
        {
            for (int i = 0; i < widths.Length; i++)
                widths[i] = Math.Max(widths[i], SafeText.Width(row[i]));
        }

        if (withHeader)
        {
            WriteRow(output, header, widths);
            output.WriteLine(new string('-', widths.Sum() + (3 * widths.Length)));
        }

        foreach (string[] row in _rows)
            WriteRow(output, row, widths);
    }

    private static void WriteRow(TextOutput output, string[] cells, int[] widths)
    {
        for (int i = 0; i < cells.Length; i++)
        {
            output.Write(i == 0 ? " " : "   ");
            output.Write(cells[i]);
            if (i < cells.Length - 1)
                output.Write(new string(' ', widths[i] - SafeText.Width(cells[i])));
        }

        output.WriteLine("");
    }
}
