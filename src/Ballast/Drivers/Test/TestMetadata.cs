using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Test;

/// <summary>XML of other programs in a domain's definition: one root for each namespace.</summary>
internal static class TestMetadata
{
    private const string Name = "metadata";

    /// <summary>What libvirt keeps of a definition's: the first root of each namespace, and none without one.</summary>
    /// <param name="given">As it was read: equal namespaces are the same object.</param>
    public static XmlElement? Read(XmlElement? given)
    {
        if (given is null)
            return null;
        XmlElement kept = new(Name);
        foreach (XmlElement root in given.Elements.Where(root => root.Space.Length > 0).DistinctBy(root => root.Space, ReferenceEqualityComparer.Instance))
            _ = kept.With(Standalone(root));
        return kept;
    }

    /// <summary>The root of a namespace as its owner gave it, without the prefix; null where there is none.</summary>
    public static string? Find(XmlElement? metadata, string uri)
    {
        if (metadata?.Elements.FirstOrDefault(root => root.Space == uri) is not { } found)
            return null;
        XmlElement root = found.Copy();
        foreach (XmlElement element in root.DescendantsAndSelf.Where(element => element.Space == uri))
            element.Move(prefix: null, space: "");
        root.Attributes.RemoveAll(attribute => attribute.IsDeclaration && attribute.Value == uri);
        StringBuilder text = new();
        Write(text, root, level: 0, isIndented: true);
        return text.ToString();
    }

    /// <summary>XML that a caller gives as the root of a namespace.</summary>
    /// <exception cref="LibvirtException">It is not XML, or it has that prefix already.</exception>
    public static XmlElement ReadRoot(string xml, string prefix, string uri) =>
        InSpace(XmlReading.Read(xml, "(metadata_xml)", ErrorOrigin.Domain), prefix, uri);

    /// <summary>The same with another root in a namespace, or with none.</summary>
    public static XmlElement Replace(XmlElement? metadata, XmlElement? root, string uri)
    {
        XmlElement replaced = new(Name);
        foreach (XmlElement other in metadata?.Elements.Where(other => other.Space != uri) ?? [])
            _ = replaced.With(other);
        return root is null ? replaced : replaced.With(root);
    }

    /// <summary>Writes it as libvirt's XML library does, which has other quotes than libvirt.</summary>
    public static void Write(StringBuilder text, XmlElement element, int level, bool isIndented)
    {
        XmlText.RefuseLong(text);
        text.Append('<').Append(element.QualifiedName);
        foreach (XmlAttribute attribute in element.Attributes.OrderByDescending(attribute => attribute.IsDeclaration))
        {
            text.Append(' ').Append(attribute.QualifiedName).Append("=\"");
            Escape(text, attribute.Value, isAttribute: true);
            text.Append('"');
        }

        if (element.Contents.Count == 0)
        {
            text.Append("/>");
            return;
        }

        text.Append('>');
        isIndented &= element.Contents.TrueForAll(content => content.Text is null);
        foreach (XmlContent content in element.Contents)
        {
            if (isIndented)
                NewLine(text, level + 1);
            if (content.Element is { } child)
                Write(text, child, level + 1, isIndented);
            else
                Escape(text, content.Text!, isAttribute: false);
        }

        if (isIndented)
            NewLine(text, level);
        text.Append("</").Append(element.QualifiedName).Append('>');
    }

    private static XmlElement InSpace(XmlElement root, string prefix, string uri)
    {
        if (!XmlReading.IsPrefix(prefix) || root.Attributes.Exists(attribute => attribute.IsDeclaration && attribute.Declared == prefix))
            throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Xml, "failed to create a new XML namespace");
        foreach (XmlElement element in root.DescendantsAndSelf.Where(element => element.Space.Length == 0))
            element.Move(prefix, uri);
        root.Attributes.Insert(root.Attributes.FindLastIndex(attribute => attribute.IsDeclaration) + 1, new XmlAttribute(prefix, uri, "xmlns"));

        // What is kept of it counts with what it came from.
        root.Length += prefix.Length + uri.Length;
        return root;
    }

    // What its ancestors declared, it declares itself.
    private static XmlElement Standalone(XmlElement root)
    {
        XmlElement copy = root.Copy();
        XmlElement[] all = [.. copy.DescendantsAndSelf];
        HashSet<string> declared = [.. all.SelectMany(element => element.Attributes).Where(attribute => attribute.IsDeclaration).Select(attribute => attribute.Declared), "xml"];
        IEnumerable<(string? Prefix, string Space)> used =
        [
            .. all.Select(element => (element.Prefix, element.Space)),
            .. all.SelectMany(element => element.Attributes).Where(attribute => attribute.Prefix is not (null or "xmlns")).Select(attribute => (attribute.Prefix, attribute.Space)),
        ];
        List<XmlAttribute> inherited = [];
        foreach ((string? prefix, string space) in used.Where(use => use.Space.Length > 0))
        {
            if (declared.Add(prefix ?? ""))
                inherited.Add(prefix is null ? new XmlAttribute("xmlns", space) : new XmlAttribute(prefix, space, "xmlns"));
        }

        inherited.Reverse();
        copy.Attributes.InsertRange(0, inherited);
        return copy;
    }

    private static void NewLine(StringBuilder text, int level) => text.Append('\n').Append(' ', 2 * level);

    private static void Escape(StringBuilder text, string value, bool isAttribute)
    {
        foreach (char c in value)
        {
            _ = c switch
            {
                '<' => text.Append("&lt;"),
                '>' => text.Append("&gt;"),
                '&' => text.Append("&amp;"),
                '"' when isAttribute => text.Append("&quot;"),
                '\r' => text.Append("&#13;"),
                '\t' or '\n' when isAttribute => text.Append(CultureInfo.InvariantCulture, $"&#{(int)c};"),
                _ => text.Append(c),
            };
        }
    }
}
