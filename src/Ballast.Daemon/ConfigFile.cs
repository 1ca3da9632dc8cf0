using System.Globalization;

namespace Ballast.Daemon;

/// <summary>A mistake of who started the daemon; the text says what to do.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>
/// A file in the form of libvirtd.conf: <c>name = "text"</c>, <c>name = 5</c>, <c>name = ["a", "b"]</c>, and comments
/// behind <c>#</c>. A list may go over several lines.
/// </summary>
internal static class ConfigFile
{
    public static IEnumerable<(string Name, IReadOnlyList<string> Values, int Line)> Parse(string text, string file)
    {
        ConfigText rest = new(text, file);
        while (rest.SkipToSetting())
        {
            int line = rest.Line;
            string name = rest.TakeName();
            rest.Expect('=');
            List<string> values = [];
            if (rest.TryTake('['))
            {
                while (!rest.TryTake(']'))
                {
                    values.Add(rest.TakeValue());
                    if (!rest.TryTake(','))
                    {
                        rest.Expect(']');
                        break;
                    }
                }
            }
            else
            {
                values.Add(rest.TakeValue());
            }

            rest.ExpectEndOfSetting();
            yield return (name, values, line);
        }
    }

    private sealed class ConfigText(string text, string file)
    {
        private int _at;

        public int Line { get; private set; } = 1;

        /// <summary>False at the end.</summary>
        public bool SkipToSetting()
        {
            Skip(overLines: true);
            return _at < text.Length;
        }

        public string TakeName()
        {
            int start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '_' or '-' or '.'))
                _at++;
            return _at > start ? text[start.._at] : throw Wrong("a name is expected");
        }

        public string TakeValue()
        {
            Skip(overLines: true);
            if (_at < text.Length && text[_at] is '"' or '\'')
            {
                char quote = text[_at];
                int end = text.IndexOf(quote, _at + 1);
                if (end < 0 || text.AsSpan(_at, end - _at).Contains('\n'))
                    throw Wrong("a text has no end");
                string value = text[(_at + 1)..end];
                _at = end + 1;
                return value;
            }

            int start = _at;
            while (_at < text.Length && (char.IsAsciiDigit(text[_at]) || (_at == start && text[_at] == '-')))
                _at++;
            return _at > start ? text[start.._at] : throw Wrong("a number, or a text in quotes, is expected");
        }

        public bool TryTake(char wanted)
        {
            Skip(overLines: wanted is ']' or ',');
            if (_at >= text.Length || text[_at] != wanted)
                return false;
            _at++;
            return true;
        }

        public void Expect(char wanted)
        {
            if (!TryTake(wanted))
                throw Wrong($"'{wanted}' is expected");
        }

        public void ExpectEndOfSetting()
        {
            Skip(overLines: false);
            if (_at < text.Length && text[_at] != '\n')
                throw Wrong("one setting a line");
        }

        private void Skip(bool overLines)
        {
            while (_at < text.Length)
            {
                if (text[_at] == '#')
                {
                    int end = text.IndexOf('\n', _at);
                    _at = end < 0 ? text.Length : end;
                }
                else if (text[_at] == '\n')
                {
                    if (!overLines)
                        return;
                    Line++;
                    _at++;
                }
                else if (char.IsWhiteSpace(text[_at]))
                {
                    _at++;
                }
                else
                {
                    return;
                }
            }
        }

        private UsageException Wrong(string what) =>
            new(string.Create(CultureInfo.InvariantCulture, $"{file}:{Line}: {what}"));
    }
}
