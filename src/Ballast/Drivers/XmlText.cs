using System.Text;

namespace Ballast.Drivers;

/// <summary>Writes XML as libvirt lays it out: two spaces a level, single quotes.</summary>
internal sealed class XmlText
{
    /// <summary>Characters that may be written. Indentation alone makes XML a hundred times as long.</summary>
    public const int Most = 32 * 1024 * 1024;

    private readonly StringBuilder _text = new();
    private readonly Stack<string> _open = new();

    /// <summary>Begins an element that has others inside; an attribute without value is left out.</summary>
    public void Open(string name, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Begin(name, attributes);
        _text.Append(">\n");
        _open.Push(name);
    }

    public void Close()
    {
        string name = _open.Pop();
        Indent();
        _text.Append("</").Append(name).Append(">\n");
    }

    /// <summary>A whole element; without text, an empty one.</summary>
    public void Element(string name, string? text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Begin(name, attributes);
        if (text is null)
        {
            _text.Append("/>\n");
            return;
        }

        _text.Append('>');
        Escape(text, isAttribute: false);
        _text.Append("</").Append(name).Append(">\n");
    }

    /// <summary>An element that was written by somebody else, indented for this place.</summary>
    public void Raw(string element)
    {
        Indent();
        _text.Append(element).Append('\n');
    }

    /// <summary>An empty line.</summary>
    public void Gap() => _text.Append('\n');

    public override string ToString() => _text.ToString();

    /// <exception cref="LibvirtException">It is too long already.</exception>
    public static void RefuseLong(StringBuilder text)
    {
        if (text.Length > Most)
            throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, $"it has more than {Most} characters");
    }

    private void Begin(string name, ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        RefuseLong(_text);
        Indent();
        _text.Append('<').Append(name);
        foreach ((string attribute, string? value) in attributes)
        {
            if (value is null)
                continue;
            _text.Append(' ').Append(attribute).Append("='");
            Escape(value, isAttribute: true);
            _text.Append('\'');
        }
    }

    private void Indent() => _text.Append(' ', 2 * _open.Count);

    private void Escape(string text, bool isAttribute)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '<' => _text.Append("&lt;"),
                '>' => _text.Append("&gt;"),
                '&' => _text.Append("&amp;"),
                '\'' => _text.Append("&apos;"),
                '"' => _text.Append("&quot;"),

                // Between tags they are what they are; libvirt writes them so.
                '\t' or '\n' when !isAttribute => _text.Append((char)rune.Value),
                '\t' or '\n' or '\r' => _text.Append(System.Globalization.CultureInfo.InvariantCulture, $"&#{rune.Value};"),

                // XML has no way to write these.
                < ' ' or 0xFFFE or 0xFFFF => _text.Append('\uFFFD'),
                _ => _text.Append(rune.ToString()),
            };
        }
    }
}
