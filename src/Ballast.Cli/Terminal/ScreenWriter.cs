using System.Globalization;
using System.Text;

namespace Ballast.Cli.Terminal;

/// <summary>Shows pages of lines, and writes only what is not on the screen already.</summary>
internal sealed class ScreenWriter(ITerminal terminal)
{
    private List<string> _shown = [];

    /// <summary>What is on the screen is unknown: the next page is written whole.</summary>
    public void Forget() => _shown = [];

    public void Show(IReadOnlyList<string> page)
    {
        StringBuilder text = new();
        for (int row = 0; row < Math.Max(page.Count, _shown.Count); row++)
        {
            string line = row < page.Count ? page[row] : "";
            if (row >= _shown.Count || _shown[row] != line)
                _ = text.Append(CultureInfo.InvariantCulture, $"\e[{row + 1};1H{line}\e[0m\e[K");
        }

        if (_shown.Count == 0)
            _ = text.Append("\e[J");
        if (text.Length > 0)
            terminal.Write(text.ToString());
        _shown = [.. page];
    }
}
