using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Ballast.Drivers.Test;

/// <summary>XML of other programs in a domain's definition: one root for each namespace.</summary>
internal static class TestMetadata
{
    /// <summary>What libvirt keeps of a definition's: the first root of each namespace, and none without one.</summary>
    public static XElement? Read(XElement? given) => given is null
        ? null
        : new XElement("metadata", given.Elements()
            .Where(root => root.Name.Namespace != XNamespace.None)
            .DistinctBy(root => root.Name.Namespace)
            .Select(Standalone));

    /// <summary>The root of a namespace as its owner gave it, without the prefix; null where there is none.</summary>
    public static string? Find(XElement? metadata, string uri)
    {
        if (metadata?.Elements().FirstOrDefault(root => root.Name.NamespaceName == uri) is not { } found)
            return null;
        XElement root = new(found);
        foreach (XElement element in root.DescendantsAndSelf().Where(element => element.Name.NamespaceName == uri))
            element.Name = element.Name.LocalName;
        root.Attributes().Where(attribute => attribute.IsNamespaceDeclaration && attribute.Value == uri).Remove();
        StringBuilder text = new();
        Write(text, root, level: 0, isIndented: true);
        return text.ToString();
    }

    /// <summary>The same with another root in a namespace, or with none.</summary>
    /// <exception cref="LibvirtException">It is not XML, or it has that prefix already.</exception>
    public static XElement Replace(XElement? metadata, string? xml, string? prefix, string uri)
    {
        XElement? added = null;
        if (xml is not null)
        {
            added = TestXmlInput.Parse(xml, "(metadata_xml)", ErrorOrigin.Domain);
            if (!IsName(prefix!) || added.Attribute(XNamespace.Xmlns + prefix!) is not null)
                throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Xml, "failed to create a new XML namespace");
            foreach (XElement element in added.DescendantsAndSelf().Where(element => element.Name.Namespace == XNamespace.None))
                element.Name = XNamespace.Get(uri) + element.Name.LocalName;
            XAttribute[] others = [.. added.Attributes()];
            added.ReplaceAttributes(
                others.Where(attribute => attribute.IsNamespaceDeclaration),
                new XAttribute(XNamespace.Xmlns + prefix!, uri),
                others.Where(attribute => !attribute.IsNamespaceDeclaration));
        }

        return new XElement("metadata", metadata?.Elements().Where(root => root.Name.NamespaceName != uri), added);
    }

    /// <summary>Writes it as libvirt's XML library does, which has other quotes than libvirt.</summary>
    public static void Write(StringBuilder text, XElement element, int level, bool isIndented)
    {
        string name = QualifiedName(element);
        text.Append('<').Append(name);
        foreach (XAttribute attribute in element.Attributes().OrderByDescending(attribute => attribute.IsNamespaceDeclaration))
            Write(text, attribute);
        if (!element.Nodes().Any())
        {
            text.Append("/>");
            return;
        }

        text.Append('>');
        isIndented &= !element.Nodes().OfType<XText>().Any();
        foreach (XNode node in element.Nodes())
        {
            if (isIndented)
                NewLine(text, level + 1);
            if (node is XElement child)
                Write(text, child, level + 1, isIndented);
            else if (node is XText content)
                Escape(text, content.Value, isAttribute: false);
        }

        if (isIndented)
            NewLine(text, level);
        text.Append("</").Append(name).Append('>');
    }

    // What its ancestors declared, it declares itself.
    private static XElement Standalone(XElement root)
    {
        XElement copy = new(root);
        foreach (XNamespace used in copy.DescendantsAndSelf().Select(element => element.Name.Namespace).Distinct())
        {
            if (used != XNamespace.None && copy.GetPrefixOfNamespace(used) is null && copy.GetDefaultNamespace() != used
                && root.GetPrefixOfNamespace(used) is { } prefix)
                copy.Add(new XAttribute(XNamespace.Xmlns + prefix, used.NamespaceName));
        }

        return copy;
    }

    private static bool IsName(string prefix)
    {
        try
        {
            return System.Xml.XmlConvert.VerifyNCName(prefix) == prefix && prefix != "xmlns";
        }
        catch (Exception e) when (e is System.Xml.XmlException or ArgumentException)
        {
            return false;
        }
    }

    private static string QualifiedName(XElement element)
    {
        XNamespace space = element.Name.Namespace;
        return space != XNamespace.None && element.GetPrefixOfNamespace(space) is { Length: > 0 } prefix
            ? $"{prefix}:{element.Name.LocalName}"
            : element.Name.LocalName;
    }

    private static void Write(StringBuilder text, XAttribute attribute)
    {
        XNamespace space = attribute.Name.Namespace;
        string prefix = space == XNamespace.None ? ""
            : attribute.IsNamespaceDeclaration ? "xmlns:"
            : $"{attribute.Parent!.GetPrefixOfNamespace(space)}:";
        text.Append(' ').Append(prefix).Append(attribute.Name.LocalName).Append("=\"");
        Escape(text, attribute.Value, isAttribute: true);
        text.Append('"');
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
