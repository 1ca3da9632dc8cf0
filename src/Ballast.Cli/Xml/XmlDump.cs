using System.Globalization;
using System.Text;
using System.Xml.XPath;

namespace Ballast.Cli.Xml;

/// <summary>
/// Writes parts of an XML document in libxml2's layout: two spaces for each level, none inside of an element that has text;
/// attributes in double quotes, with numbers for characters outside of ASCII, but for a whole document.
/// </summary>
internal sealed class XmlDump
{
    private readonly StringBuilder _text = new();

    // Only a whole document has one.
    private readonly bool _hasEncoding;

    private XmlDump(bool hasEncoding) => _hasEncoding = hasEncoding;

    public static string Of(XmlItem item)
    {
        XmlDump dump = new(hasEncoding: item.Kind == XPathNodeType.Root);
        dump.Write(item, level: 0, isFormatted: true, []);
        return dump._text.ToString();
    }

    /// <summary>All of them below one element <c>nodes</c>; attributes become its own.</summary>
    public static string Wrapped(IReadOnlyList<XmlItem> items)
    {
        XmlDump dump = new(hasEncoding: false);
        _ = dump._text.Append("<nodes");
        foreach (IGrouping<string, XmlItem> same in items.Where(IsAttribute).GroupBy(item => item.LocalName))
            dump.WriteAttribute(same.Key, same.Last().OwnValue);

        XmlItem[] children = [.. items.Where(item => !IsAttribute(item))];
        dump.WriteContent("nodes", children, 0, isFormatted: true, isCopied: true);
        return dump._text.ToString();
    }

    private void Write(XmlItem item, int level, bool isFormatted, IEnumerable<XmlItem> inherited)
    {
        switch (item.Kind)
        {
            case XPathNodeType.Root:
                _ = _text.Append("""<?xml version="1.0" encoding="UTF-8"?>""").Append('\n');
                foreach (XmlItem child in item.Children)
                {
                    Write(child, 0, isFormatted: true, []);
                    _ = _text.Append('\n');
                }

                break;
            case XPathNodeType.Element:
                _ = _text.Append('<').Append(item.Name);
                foreach (XmlItem declared in item.Namespaces.Concat(inherited))
                    WriteNamespace(declared);
                foreach (XmlItem attribute in item.Attributes)
                    WriteAttribute(attribute.Name, attribute.OwnValue);
                WriteContent(item.Name, item.Children, level, isFormatted, isCopied: false);
                break;
            case XPathNodeType.Attribute:
                WriteAttribute(item.Name, item.OwnValue);
                break;
            case XPathNodeType.Namespace:
                WriteNamespace(item);
                break;
            case XPathNodeType.Comment:
                _ = _text.Append("<!--").Append(item.OwnValue).Append("-->");
                break;
            case XPathNodeType.ProcessingInstruction:
                _ = _text.Append("<?").Append(item.LocalName).Append(item.OwnValue.Length > 0 ? " " : "").Append(item.OwnValue).Append("?>");
                break;
            default:
                if (item.IsCData)
                    _ = _text.Append("<![CDATA[").Append(item.OwnValue).Append("]]>");
                else
                    Escape(item.OwnValue, isAttribute: false);
                break;
        }
    }

    // The reader bounds how deep this goes.
    private void WriteContent(string name, IReadOnlyCollection<XmlItem> children, int level, bool isFormatted, bool isCopied)
    {
        if (children.Count == 0)
        {
            _ = _text.Append("/>");
            return;
        }

        _ = _text.Append('>');
        isFormatted &= !children.Any(child => child.IsText);
        foreach (XmlItem child in children)
        {
            // A whole document is not indented.
            NewLine(child.Kind == XPathNodeType.Root ? 0 : level + 1, isFormatted);
            Write(child, level + 1, isFormatted, isCopied ? Inherited(child) : []);
        }

        NewLine(level, isFormatted);
        _ = _text.Append("</").Append(name).Append('>');
    }

    private void WriteAttribute(string name, string value)
    {
        _ = _text.Append(' ').Append(name).Append("=\"");
        Escape(value, isAttribute: true);
        _ = _text.Append('"');
    }

    private void WriteNamespace(XmlItem item) =>
        WriteAttribute(item.LocalName.Length == 0 ? "xmlns" : $"xmlns:{item.LocalName}", item.OwnValue);

    private void NewLine(int level, bool isFormatted)
    {
        if (isFormatted)
            _ = _text.Append('\n').Append(' ', 2 * level);
    }

    private void Escape(string text, bool isAttribute)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '&' => _text.Append("&amp;"),
                '<' => _text.Append("&lt;"),
                '>' => _text.Append("&gt;"),
                '\r' => _text.Append("&#13;"),
                '"' when isAttribute => _text.Append("&quot;"),
                '\n' or '\t' when isAttribute => _text.Append(CultureInfo.InvariantCulture, $"&#{rune.Value};"),
                > '\x7f' when isAttribute && !_hasEncoding => _text.Append(CultureInfo.InvariantCulture, $"&#x{rune.Value:X};"),
                _ => _text.Append(rune.ToString()),
            };
        }
    }

    private static bool IsAttribute(XmlItem item) => item.Kind == XPathNodeType.Attribute;

    // What an element takes along when it is copied: the declarations above it that it, or something in it, uses.
    private static IEnumerable<XmlItem> Inherited(XmlItem element)
    {
        if (element.Kind != XPathNodeType.Element)
            return [];
        HashSet<string> used = [];
        foreach (XmlItem inside in element.Elements())
        {
            _ = used.Add(inside.Prefix);
            used.UnionWith(inside.Attributes.Select(attribute => attribute.Prefix).Where(prefix => prefix.Length > 0));
        }

        return element.NamespacesInScope().Where(declared => declared.Parent != element && used.Contains(declared.LocalName));
    }
}
