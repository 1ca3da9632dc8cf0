using System.Globalization;
using System.Text;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Xml;

/// <summary>
/// Reads the XML of a hypervisor, without document types. .NET's reader brings these, schemas and an HTTP
/// client into the program. As libxml2 does for libvirt, it leaves out white space between elements.
/// </summary>
internal sealed class XmlInput
{
    /// <summary>libxml2's limit too.</summary>
    private const int MaxDepth = 256;

    private readonly string _xml;
    private int _position;

    private XmlInput(string xml) => _xml = xml;

    /// <summary>The document's first element.</summary>
    /// <exception cref="CommandException">It is not XML, or XML that no hypervisor has a reason to send.</exception>
    public static XmlItem Read(string xml)
    {
        XmlItem document = new(XmlItemKind.Root, "");
        new XmlInput(xml).ReadInto(document);
        return document.Children.Single(child => child.Kind == XmlItemKind.Element);
    }

    private void ReadInto(XmlItem document)
    {
        XmlItem open = document;
        int depth = 0;
        bool hasElement = false;
        while (_position < _xml.Length)
        {
            if (_xml[_position] != '<')
            {
                string text = ReadUntil('<');
                if (!IsBlank(text) || IsPartOfText(open, text))
                    open.Add(depth > 0 ? new(XmlItemKind.Text, "", Unescape(text)) : throw Invalid());
            }
            else if (TrySkip("<!--"))
            {
                open.Add(new(XmlItemKind.Comment, "", ReadThrough("-->")));
            }
            else if (TrySkip("<![CDATA["))
            {
                open.Add(depth > 0 ? new(XmlItemKind.Text, "", ReadThrough("]]>")) : throw Invalid());
            }
            else if (TrySkip("<?"))
            {
                string[] words = ReadThrough("?>").Split([' ', '\t', '\n', '\r'], 2);
                if (words[0] != "xml")
                    open.Add(new(XmlItemKind.ProcessingInstruction, words[0], words.Length > 1 ? words[1].TrimStart() : ""));
            }
            else if (TrySkip("</"))
            {
                if (depth == 0 || ReadThrough(">").TrimEnd() != open.Name)
                    throw Invalid();
                open = open.Parent!;
                depth--;
            }
            else
            {
                if (depth == MaxDepth || (depth == 0 && hasElement))
                    throw Invalid();
                hasElement = true;
                XmlItem element = ReadTag(open, out bool isEmpty);
                if (!isEmpty)
                {
                    open = element;
                    depth++;
                }
            }
        }

        if (depth > 0 || !hasElement)
            throw Invalid();
    }

    private XmlItem ReadTag(XmlItem parent, out bool isEmpty)
    {
        _position++;
        string name = ReadName();
        XmlItem element = new(XmlItemKind.Element, name);
        parent.Add(element);
        while (true)
        {
            SkipBlanks();
            isEmpty = TrySkip("/>");
            if (isEmpty || TrySkip(">"))
                break;
            name = ReadName();
            SkipBlanks();
            Require("=");
            SkipBlanks();
            char quote = _position < _xml.Length && _xml[_position] is '"' or '\'' ? _xml[_position++] : throw Invalid();
            string value = Unescape(ReadUntil(quote));
            Require(quote.ToString());
            element.Add(new(XmlItemKind.Attribute, name, value));
        }

        return element;
    }

    private string ReadName()
    {
        int start = _position;
        while (_position < _xml.Length && (char.IsLetterOrDigit(_xml[_position]) || _xml[_position] is '_' or '-' or '.' or ':' or >= '\x80'))
            _position++;
        string name = _xml[start.._position];
        string[] parts = name.Split(':');
        return parts.Length <= 2 && parts.All(part => part.Length > 0) ? name : throw Invalid();
    }

    // Between two elements it is layout; alone in an element, or next to other text, it is not.
    private bool IsPartOfText(XmlItem open, string text) =>
        text.Length > 0 && (open.Children.Count == 0 ? _xml.AsSpan(_position).StartsWith("</") : open.Children[0].IsText || open.Children[^1].IsText)
        && open.Parent is not null;

    private string Unescape(string text)
    {
        if (!text.Contains('&', StringComparison.Ordinal))
            return text;
        StringBuilder plain = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '&')
            {
                _ = plain.Append(text[i]);
                continue;
            }

            int end = text.IndexOf(';', i);
            if (end < 0)
                throw Invalid();
            _ = plain.Append(Entity(text.AsSpan(i + 1, end - i - 1)));
            i = end;
        }

        return plain.ToString();
    }

    private string Entity(ReadOnlySpan<char> name)
    {
        const int shortest = 2;
        if (name.Length < shortest || name[0] != '#')
        {
            return name switch
            {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "apos" => "'",
                _ => throw Invalid(),
            };
        }

        bool isHex = name[1] == 'x';
        return int.TryParse(name[(isHex ? 2 : 1)..], isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && Rune.IsValid(number)
            ? new Rune(number).ToString()
            : throw Invalid();
    }

    private string ReadUntil(char end)
    {
        int start = _position;
        int length = _xml.AsSpan(start).IndexOf(end);
        _position = length < 0 ? _xml.Length : start + length;
        return _xml[start.._position];
    }

    private string ReadThrough(string end)
    {
        int start = _position;
        int length = _xml.AsSpan(start).IndexOf(end);
        if (length < 0)
            throw Invalid();
        _position = start + length + end.Length;
        return _xml.Substring(start, length);
    }

    private bool TrySkip(string text)
    {
        if (!_xml.AsSpan(_position).StartsWith(text))
            return false;
        _position += text.Length;
        return true;
    }

    private void Require(string text)
    {
        if (!TrySkip(text))
            throw Invalid();
    }

    private void SkipBlanks()
    {
        while (_position < _xml.Length && _xml[_position] is ' ' or '\t' or '\n' or '\r')
            _position++;
    }

    private static bool IsBlank(string text) => text.AsSpan().IndexOfAnyExcept(" \t\n\r") < 0;

    private CommandException Invalid() =>
        new(string.Create(CultureInfo.InvariantCulture, $"the hypervisor's answer cannot be read as XML, near character {_position}"));
}
