using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Test;

/// <summary>
/// Reads XML of strangers: elements, attributes, texts and namespaces. What is too large, too deep or declares entities is
/// refused; comments, instructions and white space between elements are left out.
/// </summary>
internal sealed class XmlReading
{
    private const int MaxDepth = 256, MaxCharacters = 16 * 1024 * 1024;

    // Each element that has one is compared by it, and may be written with it.
    private const int MaxNamespace = 4096;

    // So many are compared with each other faster than they are put into a set.
    private const int FewAttributes = 8;
    private const string XmlSpace = "http://www.w3.org/XML/1998/namespace";

    private readonly string _text;
    private readonly string _name;
    private readonly ErrorOrigin _origin;
    private readonly Stack<(XmlElement Element, List<(string Prefix, string? Outer)>? Declared)> _open = new();
    private readonly StringBuilder _built = new();

    // Of each prefix in scope its namespace. One for all elements: what one declares is undone where it ends.
    private readonly Dictionary<string, string> _spaces = new() { ["xml"] = XmlSpace };

    // Equal ones are the same object.
    private readonly HashSet<string> _uris = ["", XmlSpace];
    private int _at;

    private XmlReading(string text, string name, ErrorOrigin origin)
    {
        _text = text.StartsWith('\uFEFF') ? text[1..] : text;
        _name = name;
        _origin = origin;
    }

    /// <summary>The root of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="origin">Who tells of errors.</param>
    /// <exception cref="LibvirtException">It is not XML.</exception>
    public static XmlElement Read(string text, string name, ErrorOrigin origin) =>
        new XmlReading(text.Replace("\r\n", "\n", StringComparison.Ordinal), name, origin).Read();

    private XmlElement Read()
    {
        if (_text.Length > MaxCharacters)
            throw Bad($"more than {MaxCharacters} characters");
        foreach (char c in _text)
        {
            if ((c < ' ' && c is not ('\t' or '\n' or '\r')) || c is '\uFFFE' or '\uFFFF')
                throw Bad($"the character {(int)c:x} is not allowed");
        }

        XmlElement? root = null;
        while (true)
        {
            ReadText(root);
            if (_at == _text.Length)
                break;
            if (Skips("<?", "?>") || Skips("<!--", "-->"))
                continue;
            if (_text.AsSpan(_at).StartsWith("<!"))
                throw Bad("a document type is not allowed");
            if (_text.AsSpan(_at).StartsWith("</"))
            {
                Close();
                continue;
            }

            if (root is not null && _open.Count == 0)
                throw Bad("there is something after the end");
            XmlElement opened = Open();
            root ??= opened;
        }

        return root is null ? throw Bad("it is empty")
            : _open.Count > 0 ? throw Bad($"the element {DisplayText.Quote(_open.Peek().Element.QualifiedName)} does not end")
            : root;
    }

    /// <summary>Up to the next tag, with the sections that are taken as they are.</summary>
    private void ReadText(XmlElement? root)
    {
        StringBuilder text = _built.Clear();
        bool isKept = false;
        while (_at < _text.Length)
        {
            const string begin = "<![CDATA[", end = "]]>";
            if (_text.AsSpan(_at).StartsWith(begin))
            {
                int until = _text.IndexOf(end, _at, StringComparison.Ordinal);
                if (until < 0)
                    throw Bad("a section does not end");
                text.Append(_text, _at + begin.Length, until - _at - begin.Length);
                isKept = true;
                _at = until + end.Length;
                continue;
            }

            int next = _text.AsSpan(_at).IndexOf('<');
            ReadOnlySpan<char> part = _text.AsSpan(_at, next < 0 ? _text.Length - _at : next);
            if (part.IsEmpty)
                break;
            Decode(text, part);
            _at += part.Length;
        }

        string found = text.ToString();
        isKept |= !string.IsNullOrWhiteSpace(found);
        if (isKept && _open.Count == 0)
            throw Bad(root is null ? "a tag is expected first" : "there is something after the end");
        if (isKept)
            _open.Peek().Element.Contents.Add(new XmlContent(found));
    }

    private XmlElement Open()
    {
        if (_open.Count == MaxDepth)
            throw Bad($"more than {MaxDepth} elements lie in each other");
        _at++;
        string name = ReadName();
        List<(string Name, string Value)> attributes = [];
        HashSet<string>? seen = null;
        while (true)
        {
            bool isApart = SkipSpace();
            if (_at == _text.Length)
                throw Bad($"the tag {DisplayText.Quote(name)} does not end");
            if (_text[_at] is '>' or '/')
                break;
            if (!isApart)
                throw Bad("a space is expected before an attribute");
            string attribute = ReadName();
            if (attributes.Count == FewAttributes)
                seen = [.. attributes.Select(before => before.Name)];
            if (!(seen?.Add(attribute) ?? !IsAmong(attributes, attribute)))
                throw Bad($"the attribute {DisplayText.Quote(attribute)} is there twice");
            attributes.Add((attribute, ReadValue(attribute)));
        }

        List<(string Prefix, string? Outer)>? declared = Declare(attributes);
        XmlElement element = Make(name, attributes);
        if (_open.Count > 0)
            _open.Peek().Element.Contents.Add(new XmlContent(element));
        bool isEmpty = _text[_at] == '/';
        _at += isEmpty ? 1 : 0;
        Expect('>');
        if (isEmpty)
            Undo(declared);
        else
            _open.Push((element, declared));
        return element;
    }

    private static bool IsAmong(List<(string Name, string Value)> attributes, string name)
    {
        foreach ((string there, _) in attributes)
        {
            if (there == name)
                return true;
        }

        return false;
    }

    /// <summary>Puts what an element declares into scope.</summary>
    /// <returns>What was there before, for the element's end; null where it declares nothing.</returns>
    private List<(string Prefix, string? Outer)>? Declare(List<(string Name, string Value)> attributes)
    {
        List<(string Prefix, string? Outer)>? declared = null;
        foreach ((string attribute, string value) in attributes)
        {
            if (attribute != "xmlns" && !attribute.StartsWith("xmlns:", StringComparison.Ordinal))
                continue;
            if (value.Length > MaxNamespace)
                throw Bad($"the value of {DisplayText.Quote(attribute)} has more than {MaxNamespace} characters");
            string prefix = attribute.Length > "xmlns".Length ? attribute["xmlns:".Length..] : "";
            (declared ??= []).Add((prefix, _spaces.GetValueOrDefault(prefix)));
            _spaces[prefix] = Shared(value);
        }

        return declared;
    }

    private void Undo(List<(string Prefix, string? Outer)>? declared)
    {
        for (int i = (declared?.Count ?? 0) - 1; i >= 0; i--)
        {
            (string prefix, string? outer) = declared![i];
            if (outer is null)
                _spaces.Remove(prefix);
            else
                _spaces[prefix] = outer;
        }
    }

    private string Shared(string uri)
    {
        if (_uris.TryGetValue(uri, out string? same))
            return same;
        _uris.Add(uri);
        return uri;
    }

    private XmlElement Make(string name, List<(string Name, string Value)> attributes)
    {
        (string? prefix, string local) = Split(name);
        int length = _open.Count == 0 ? _text.Length : 0;
        XmlElement element = prefix is null || _spaces.ContainsKey(prefix)
            ? new XmlElement(local, prefix, _spaces.GetValueOrDefault(prefix ?? "", "")) { Length = length }
            : new XmlElement(name) { Length = length };
        foreach ((string attribute, string value) in attributes)
        {
            (string? before, string after) = Split(attribute);
            element.Attributes.Add(new XmlAttribute(after, value, before, before is null ? "" : _spaces.GetValueOrDefault(before, "")));
        }

        return element;
    }

    private void Close()
    {
        _at += "</".Length;
        string name = ReadName();
        SkipSpace();
        Expect('>');
        if (_open.Count == 0 || _open.Peek().Element.QualifiedName != name)
            throw Bad($"the end of {DisplayText.Quote(name)} has no beginning");
        Undo(_open.Pop().Declared);
    }

    private string ReadName()
    {
        int from = _at;
        while (_at < _text.Length && IsNameCharacter(_text[_at], isFirst: _at == from))
            _at++;
        return _at > from ? _text[from.._at] : throw Bad("a name is expected");
    }

    private string ReadValue(string name)
    {
        SkipSpace();
        Expect('=');
        SkipSpace();
        char quote = _at < _text.Length ? _text[_at] : '\0';
        int end = quote is '\'' or '"' ? _text.IndexOf(quote, _at + 1) : -1;
        if (end < 0)
            throw Bad($"the value of {DisplayText.Quote(name)} is not in quotes");
        ReadOnlySpan<char> value = _text.AsSpan(_at + 1, end - _at - 1);
        if (value.Contains('<'))
            throw Bad($"the value of {DisplayText.Quote(name)} has a tag in it");
        StringBuilder text = _built.Clear();
        foreach (Range part in value.SplitAny('\t', '\n', '\r'))
        {
            if (text.Length > 0 || part.Start.Value > 0)
                text.Append(' ');
            Decode(text, value[part]);
        }

        _at = end + 1;
        return text.ToString();
    }

    private void Decode(StringBuilder text, ReadOnlySpan<char> raw)
    {
        for (int at; (at = raw.IndexOf('&')) >= 0;)
        {
            text.Append(raw[..at]);
            raw = raw[(at + 1)..];
            int end = raw.IndexOf(';');
            if (end < 0)
                throw Bad("'&' begins no entity");
            ReadOnlySpan<char> name = raw[..end];
            text.Append(name switch
            {
                "lt" => "<",
                "gt" => ">",
                "amp" => "&",
                "quot" => "\"",
                "apos" => "'",
                ['#', ..] => Character(name[1..]),
                _ => throw Bad($"the entity '&{DisplayText.Escape(name.ToString())};' is unknown"),
            });
            raw = raw[(end + 1)..];
        }

        text.Append(raw);
    }

    private string Character(ReadOnlySpan<char> number)
    {
        bool isHexadecimal = number is ['x', ..];
        return int.TryParse(isHexadecimal ? number[1..] : number, isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
                CultureInfo.InvariantCulture, out int value)
            && Rune.TryCreate(value, out Rune rune) && (value >= ' ' || value is '\t' or '\n' or '\r') && value is not (0xFFFE or 0xFFFF)
            ? rune.ToString()
            : throw Bad("a character's number is not valid");
    }

    private bool Skips(string begin, string end)
    {
        if (!_text.AsSpan(_at).StartsWith(begin))
            return false;
        int until = _text.IndexOf(end, _at + begin.Length, StringComparison.Ordinal);
        _at = until >= 0 ? until + end.Length : throw Bad($"'{begin}' does not end");
        return true;
    }

    private bool SkipSpace()
    {
        int from = _at;
        while (_at < _text.Length && _text[_at] is ' ' or '\t' or '\n' or '\r')
            _at++;
        return _at > from;
    }

    private void Expect(char c)
    {
        if (_at == _text.Length || _text[_at] != c)
            throw Bad($"'{c}' is expected");
        _at++;
    }

    /// <summary>Whether it can be the prefix of a namespace.</summary>
    public static bool IsPrefix(string text) =>
        text.Length > 0 && text != "xmlns" && !text.Contains(':', StringComparison.Ordinal) && !text.Where((c, i) => !IsNameCharacter(c, i == 0)).Any();

    private static bool IsNameCharacter(char c, bool isFirst) =>
        char.IsLetter(c) || c is '_' or ':' || char.IsSurrogate(c) || (!isFirst && (char.IsDigit(c) || c is '-' or '.' or '\u00B7'));

    private static (string? Prefix, string Name) Split(string name) =>
        name.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && colon < name.Length - 1 ? (name[..colon], name[(colon + 1)..]) : (null, name);

    private LibvirtException Bad(string why)
    {
        int line = 1 + _text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n');
        return LibvirtError.Plain(ErrorCode.XmlDetail, _origin, string.Create(CultureInfo.InvariantCulture, $"{_name}:{line}: {why}"));
    }
}
