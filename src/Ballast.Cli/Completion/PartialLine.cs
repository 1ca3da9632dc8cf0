using System.Text;
using Ballast.Cli.Output;

namespace Ballast.Cli.Completion;

/// <summary>A line as far as it was typed: the words of its last command, and the one that is being typed.</summary>
/// <param name="Words">The words before it, without their quotes.</param>
/// <param name="Current">What is there of the word that is being typed, without quotes.</param>
/// <param name="Typed">The same as it was typed.</param>
/// <param name="Quote">The quote that is still open in it; 0: none.</param>
internal sealed record PartialLine(IReadOnlyList<string> Words, string Current, string Typed, char Quote)
{
    /// <summary>Reads a line in the grammar of <see cref="Parsing.LineWords"/>, which is near enough to a POSIX shell's.</summary>
    public static PartialLine Read(string text)
    {
        List<string> words = [];
        StringBuilder word = new();
        int start = -1;
        char quote = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            bool isSeparator = quote == '\0' && c is ' ' or '\t' or ';' or '\n';
            if (isSeparator && quote == '\0')
            {
                if (start >= 0)
                    words.Add(word.ToString());
                if (c is ';' or '\n')
                    words.Clear();
                _ = word.Clear();
                start = -1;
                continue;
            }

            if (start < 0)
                start = i;
            if (quote == '\0' && c is '\'' or '"' && quote == '\0')
                quote = c;
            else if (c == quote)
                quote = '\0';
            else if (c == '\\' && quote != '\'')
                _ = i + 1 < text.Length ? word.Append(text[++i]) : word;
            else
                _ = word.Append(c);
        }

        return new PartialLine(words, word.ToString(), start < 0 ? "" : text[start..], quote);
    }

    /// <summary>A text as it must be typed behind what is there already.</summary>
    public static string Escape(string text, char quote)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            bool isSpecial = quote switch
            {
                '"' => c is '"' or '\\' or '$' or '`',
                '\'' => false,
                _ => c < '\x80' && !char.IsAsciiLetterOrDigit(c) && !"-_./+:,=@%".Contains(c, StringComparison.Ordinal),
            };
            if (isSpecial)
                _ = escaped.Append('\\');
            _ = escaped.Append(c);
        }

        return escaped.ToString();
    }

    /// <summary>Whether a text can be typed at all where that quote is open, and shown: a name must not rule the terminal.</summary>
    public static bool CanBeTyped(string text, char quote) => SafeText.Escape(text) == text && !(quote == '\'' && text.Contains('\''));
}
