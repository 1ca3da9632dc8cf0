using System.Xml;
using System.Xml.XPath;

namespace Ballast.Cli.Xml;

/// <summary>What .NET's XPath needs to find its way through a document.</summary>
internal sealed class XmlItemNavigator(XmlItem item) : XPathNavigator
{
    private static readonly NameTable Names = new();

    // The namespaces of the element that one was reached from: an element has those of its parents too.
    private XmlItem[]? _namespaces;
    private XmlItem? _element;
    private int _next;

    public XmlItem Item { get; private set; } = item;

    public override XPathNodeType NodeType => Item.Kind;

    public override string LocalName => Item.LocalName;

    public override string Name => Item.Name;

    public override string NamespaceURI => Item.NamespaceUri;

    public override string Prefix => Item.Prefix;

    public override string Value => Item.Value;

    public override string BaseURI => "";

    public override bool IsEmptyElement => Item.Children.Count == 0;

    public override XmlNameTable NameTable => Names;

    public override XPathNavigator Clone() =>
        new XmlItemNavigator(Item) { _namespaces = _namespaces, _element = _element, _next = _next };

    public override bool IsSamePosition(XPathNavigator other) =>
        other is XmlItemNavigator at && at.Item == Item && at._element == _element;

    public override bool MoveTo(XPathNavigator other)
    {
        if (other is not XmlItemNavigator at)
            return false;
        (Item, _namespaces, _element, _next) = (at.Item, at._namespaces, at._element, at._next);
        return true;
    }

    public override bool MoveToFirstAttribute() => MoveTo(Item.Attributes, 0);

    public override bool MoveToNextAttribute() => Item.Kind == XPathNodeType.Attribute && MoveTo(Item.Parent!.Attributes, Item.Index + 1);

    public override bool MoveToFirstChild() => MoveTo(Item.Children, 0);

    public override bool MoveToNext() => IsChild && MoveTo(Item.Parent!.Children, Item.Index + 1);

    public override bool MoveToPrevious() => IsChild && MoveTo(Item.Parent!.Children, Item.Index - 1);

    public override bool MoveToParent()
    {
        if ((_element ?? Item.Parent) is not { } parent)
            return false;
        (Item, _namespaces, _element) = (parent, null, null);
        return true;
    }

    /// <summary>Only a document type could say which attributes are ids.</summary>
    public override bool MoveToId(string id) => false;

    public override bool MoveToFirstNamespace(XPathNamespaceScope namespaceScope)
    {
        if (Item.Kind != XPathNodeType.Element)
            return false;
        XmlItem[] found = namespaceScope == XPathNamespaceScope.Local ? [.. Item.Namespaces] : [.. Item.NamespacesInScope()];
        if (found.Length == 0)
            return false;
        (_element, Item, _namespaces, _next) = (Item, found[0], found, 1);
        return true;
    }

    public override bool MoveToNextNamespace(XPathNamespaceScope namespaceScope)
    {
        if (_namespaces is null || _next >= _namespaces.Length)
            return false;
        Item = _namespaces[_next++];
        return true;
    }

    private bool IsChild => Item.Parent is not null && Item.Kind is not (XPathNodeType.Attribute or XPathNodeType.Namespace);

    private bool MoveTo(List<XmlItem> siblings, int index)
    {
        if (index < 0 || index >= siblings.Count)
            return false;
        Item = siblings[index];
        return true;
    }
}
