using System.Text;

namespace Ballast.Drivers.Test;

/// <summary>
/// An element of XML with what is in it. The platform's own XML library would make each program that ships by half
/// larger, for a few files of tests.
/// </summary>
internal sealed class XmlElement(string name, string? prefix = null, string space = "")
{
    /// <summary>Without its prefix.</summary>
    public string Name { get; } = name;

    public string? Prefix { get; private set; } = prefix;

    /// <summary>The URI of its namespace; empty where it is in none.</summary>
    public string Space { get; private set; } = space;

    public List<XmlAttribute> Attributes { get; } = [];

    /// <summary>Characters of the text that it is the root of; 0 for an element in it, and for one that no text was read for.</summary>
    public int Length { get; set; }

    /// <summary>Elements and texts, in their order.</summary>
    public List<XmlContent> Contents { get; } = [];

    public string QualifiedName => Prefix is null ? Name : $"{Prefix}:{Name}";

    public IEnumerable<XmlElement> Elements => Contents.Select(content => content.Element).OfType<XmlElement>();

    /// <summary>In the order in which they are written.</summary>
    public IEnumerable<XmlElement> DescendantsAndSelf
    {
        get
        {
            Stack<XmlElement> left = new([this]);
            while (left.TryPop(out XmlElement? next))
            {
                yield return next;
                for (int i = next.Contents.Count - 1; i >= 0; i--)
                {
                    if (next.Contents[i].Element is { } element)
                        left.Push(element);
                }
            }
        }
    }

    /// <summary>All text inside.</summary>
    public string Value => Contents switch
    {
        [] => "",
        [{ Text: { } only }] => only,
        _ => AppendValue(new StringBuilder()).ToString(),
    };

    /// <summary>The value of an attribute without prefix, or null.</summary>
    public string? this[string attribute] => Attributes.Find(found => found.Prefix is null && found.Name == attribute)?.Value;

    /// <summary>An element with text in it, or empty.</summary>
    public static XmlElement WithText(string name, string text)
    {
        XmlElement element = new(name);
        element.Contents.Add(new XmlContent(text));
        return element;
    }

    /// <summary>The children of that name that are in no namespace, or in that one.</summary>
    public IEnumerable<XmlElement> Children(string name, string space = "") =>
        Elements.Where(element => element.Name == name && element.Space == space);

    public XmlElement? Child(string name, string space = "") => Children(name, space).FirstOrDefault();

    /// <summary>The text of a child; null where there is no such child, or nothing in it.</summary>
    public string? TextOf(string child) => Child(child)?.Value is { Length: > 0 } text ? text : null;

    public XmlElement With(string attribute, string? value)
    {
        int at = Attributes.FindIndex(found => found.Prefix is null && found.Name == attribute);
        if (value is null)
            return this;
        XmlAttribute set = new(attribute, value);
        if (at >= 0)
            Attributes[at] = set;
        else
            Attributes.Add(set);
        return this;
    }

    public XmlElement With(XmlElement child)
    {
        Contents.Add(new XmlContent(child));
        return this;
    }

    public void Remove(XmlElement child) => Contents.RemoveAll(content => content.Element == child);

    public XmlElement Copy()
    {
        XmlElement copy = new(Name, Prefix, Space);
        copy.Attributes.AddRange(Attributes);
        copy.Contents.AddRange(Contents.Select(content => content.Element is { } element ? new XmlContent(element.Copy()) : content));
        return copy;
    }

    /// <summary>Moves it to another namespace.</summary>
    public void Move(string? prefix, string space) => (Prefix, Space) = (prefix, space);

    /// <exception cref="LibvirtException">It has another name.</exception>
    public XmlElement RequireRoot(string name) => Name == name && Space.Length == 0
        ? this
        : throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, $"expecting root element of '{name}', not '{DisplayText.Escape(Name)}'");

    private StringBuilder AppendValue(StringBuilder value)
    {
        foreach (XmlContent content in Contents)
            _ = content.Element is { } element ? element.AppendValue(value) : value.Append(content.Text);
        return value;
    }
}

/// <summary>An attribute of an element; a declaration of a namespace is one as well.</summary>
internal sealed record XmlAttribute(string Name, string Value, string? Prefix = null, string Space = "")
{
    public bool IsDeclaration => Prefix == "xmlns" || (Prefix is null && Name == "xmlns");

    /// <summary>The prefix that it declares; empty for the default namespace.</summary>
    public string Declared => Prefix == "xmlns" ? Name : "";

    public string QualifiedName => Prefix is null ? Name : $"{Prefix}:{Name}";
}

/// <summary>An element or a text.</summary>
internal readonly struct XmlContent
{
    public XmlContent(XmlElement element) => Element = element;

    public XmlContent(string text) => Text = text;

    public XmlElement? Element { get; }

    public string? Text { get; }
}
