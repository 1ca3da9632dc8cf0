using System.Text;

namespace Ballast.Cli.Parsing;

internal enum WordKind
{
    Word,
    EndOfCommand,
    End,
    Malformed,
}

/// <summary>Where a parser gets its words from, one at a time: the first mistake of a line is reported, wherever it is.</summary>
internal interface IWordSource
{
    /// <summary>Reads on; <paramref name="text"/> is the word, or the error text of a malformed one.</summary>
    WordKind Next(out string text);
}

/// <summary>Words that the caller's shell separated already: one command, in which nothing is special.</summary>
internal sealed class ArgumentWords(IReadOnlyList<string> arguments) : IWordSource
{
    private int _next;

    public WordKind Next(out string text)
    {
        if (_next == arguments.Count)
        {
            text = "";
            return WordKind.End;
        }

        text = arguments[_next++];
        return WordKind.Word;
    }
}

/// <summary>
/// A line in virsh's grammar: words separated by spaces and tabs, commands by semicolons and newlines; quotes of both
/// kinds; a backslash protects the next character and joins lines; a word that begins with # starts a comment.
/// </summary>
internal sealed class LineWords(string line) : IWordSource
{
    private int _position;

    public WordKind Next(out string text)
    {
        text = "";
        SkipBlanks();
        if (_position == line.Length)
            return WordKind.End;
        if (line[_position] == '#')
        {
            while (_position < line.Length && line[_position] != '\n')
                _position++;
            return Next(out text);
        }

        if (line[_position] is ';' or '\n')
        {
            _position++;
            return WordKind.EndOfCommand;
        }

        return ReadWord(out text);
    }

    private void SkipBlanks()
    {
        while (_position < line.Length)
        {
            if (line[_position] is ' ' or '\t')
                _position++;
            else if (line[_position] == '\\' && _position + 1 < line.Length && line[_position + 1] == '\n')
                _position += 2;
            else
                return;
        }
    }

    private WordKind ReadWord(out string text)
    {
        StringBuilder word = new();
        bool inSingle = false;
        bool inDouble = false;
        for (; _position < line.Length; _position++)
        {
            char c = line[_position];
            if (!inSingle && !inDouble && c is (' ' or '\t' or ';' or '\n'))
                break;

            if (c == '\'' && !inDouble)
            {
                inSingle = !inSingle;
            }
            else if (c == '"' && !inSingle)
            {
                inDouble = !inDouble;
            }
            else if (c == '\\' && !inSingle)
            {
                if (++_position == line.Length)
                {
                    text = "dangling \\";
                    return WordKind.Malformed;
                }

                if (line[_position] != '\n')
                    _ = word.Append(line[_position]);
            }
            else
            {
                _ = word.Append(c);
            }
        }

        // An open single quote ends with the line, an open double quote is an error: virsh's rule.
        text = inDouble ? "missing \"" : word.ToString();
        return inDouble ? WordKind.Malformed : WordKind.Word;
    }
}
