using System.Text;

namespace Ballast.Cli.Xml;

/// <summary>What a part of a document is.</summary>
internal enum XmlItemKind
{
    Root,
    Element,
    Attribute,
    Text,
    Comment,
    ProcessingInstruction,
}

/// <summary>A part of an XML document: element, attribute, text and so on.</summary>
internal sealed class XmlItem(XmlItemKind kind, string name, string value = "")
{
    public XmlItemKind Kind { get; } = kind;

    /// <summary>As it is written, with its prefix.</summary>
    public string Name { get; } = name;

    /// <summary>Text of what has no children.</summary>
    public string OwnValue { get; } = value;

    /// <summary>What it is in; null for the document.</summary>
    public XmlItem? Parent { get; private set; }

    public List<XmlItem> Children { get; } = [];

    public List<XmlItem> Attributes { get; } = [];

    public bool IsText => Kind == XmlItemKind.Text;

    public void Add(XmlItem item)
    {
        item.Parent = this;
        (item.Kind == XmlItemKind.Attribute ? Attributes : Children).Add(item);
    }

    /// <summary>The elements that are reached by these names, one level after the other.</summary>
    public IEnumerable<XmlItem> Find(params IEnumerable<string> path)
    {
        IEnumerable<XmlItem> found = [this];
        foreach (string name in path)
            found = found.SelectMany(item => item.Children.Where(child => child.Kind == XmlItemKind.Element && child.Name == name));
        return found;
    }

    public string? Attribute(string name) => Attributes.FirstOrDefault(attribute => attribute.Name == name)?.OwnValue;

    /// <summary>All text in it.</summary>
    public string Value
    {
        get
        {
            if (Kind is not (XmlItemKind.Element or XmlItemKind.Root))
                return OwnValue;
            StringBuilder text = new();
            Stack<XmlItem> open = new([this]);
            while (open.TryPop(out XmlItem? item))
            {
                if (item.IsText)
                    _ = text.Append(item.OwnValue);
                for (int i = item.Children.Count - 1; i >= 0; i--)
                    open.Push(item.Children[i]);
            }

            return text.ToString();
        }
    }
}
