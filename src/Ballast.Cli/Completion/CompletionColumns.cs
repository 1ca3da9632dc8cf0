using System.Text;
using Ballast.Cli.Output;

namespace Ballast.Cli.Completion;

/// <summary>Words in as many columns as the terminal has room for, read downwards.</summary>
internal static class CompletionColumns
{
    public const int UsualWidth = 80;

    private const int Gap = 2;

    public static string Lay(IReadOnlyList<string> words, int most, int width)
    {
        StringBuilder text = new();
        string[] shown = [.. words.Take(most)];
        int column = shown.Max(SafeText.Width) + Gap;
        int columns = Math.Max(1, width / column);
        int rows = (shown.Length + columns - 1) / columns;
        for (int row = 0; row < rows; row++)
        {
            for (int i = row; i < shown.Length; i += rows)
            {
                _ = text.Append(shown[i]);
                if (i + rows < shown.Length)
                    _ = text.Append(' ', column - SafeText.Width(shown[i]));
            }

            _ = text.Append('\n');
        }

        if (words.Count > most)
            _ = text.Append("and ").Append(words.Count - most).Append(" more\n");
        return text.ToString();
    }
}
