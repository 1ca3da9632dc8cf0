using System.Text;
using System.Xml.XPath;

namespace Ballast.Cli.Xml;

/// <summary>A part of an XML document: element, attribute, text and so on.</summary>
internal sealed class XmlItem(XPathNodeType kind, string prefix, string name, string value = "")
{
    public XPathNodeType Kind { get; } = kind;

    public string Prefix { get; } = prefix;

    /// <summary>The name without its prefix; a namespace's prefix.</summary>
    public string LocalName { get; } = name;

    public string Name => Prefix.Length == 0 ? LocalName : $"{Prefix}:{LocalName}";

    /// <summary>Of its name.</summary>
    public string NamespaceUri { get; set; } = "";

    /// <summary>Text of what has no children.</summary>
    public string OwnValue { get; } = value;

    /// <summary>Whether a text was written as CDATA.</summary>
    public bool IsCData { get; init; }

    public XmlItem? Parent { get; private set; }

    /// <summary>Where it stands among its parent's children, attributes or namespaces.</summary>
    public int Index { get; private set; }

    public List<XmlItem> Children { get; } = [];

    public List<XmlItem> Attributes { get; } = [];

    /// <summary>Those that the element itself declares.</summary>
    public List<XmlItem> Namespaces { get; } = [];

    public bool IsText => Kind == XPathNodeType.Text;

    public void Add(XmlItem item)
    {
        List<XmlItem> list = item.Kind switch
        {
            XPathNodeType.Attribute => Attributes,
            XPathNodeType.Namespace => Namespaces,
            _ => Children,
        };
        (item.Parent, item.Index) = (this, list.Count);
        list.Add(item);
    }

    /// <summary>Everything that was declared here and above, the nearest first; one that is hidden by a nearer one is left out.</summary>
    public IEnumerable<XmlItem> NamespacesInScope()
    {
        HashSet<string> seen = [];
        for (XmlItem? element = this; element is not null; element = element.Parent)
        {
            foreach (XmlItem declared in element.Namespaces)
            {
                if (seen.Add(declared.LocalName))
                    yield return declared;
            }
        }
    }

    /// <summary>The element and all elements in it, in the document's order.</summary>
    public IEnumerable<XmlItem> Elements()
    {
        Stack<XmlItem> open = new([this]);
        while (open.TryPop(out XmlItem? item))
        {
            if (item.Kind == XPathNodeType.Element)
                yield return item;
            for (int i = item.Children.Count - 1; i >= 0; i--)
                open.Push(item.Children[i]);
        }
    }

    /// <summary>The elements that are reached by these names, one level after the other.</summary>
    public IEnumerable<XmlItem> Find(params IEnumerable<string> path)
    {
        IEnumerable<XmlItem> found = [this];
        foreach (string name in path)
            found = found.SelectMany(item => item.Children.Where(child => child.Kind == XPathNodeType.Element && child.Name == name));
        return found;
    }

    public string? Attribute(string name) => Attributes.FirstOrDefault(attribute => attribute.Name == name)?.OwnValue;

    /// <summary>All text in it.</summary>
    public string Value
    {
        get
        {
            if (Kind is not (XPathNodeType.Element or XPathNodeType.Root))
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
