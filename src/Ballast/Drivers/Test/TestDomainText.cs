using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Test;

/// <summary>Writes a domain's XML as libvirt lays it out.</summary>
internal static class TestDomainText
{
    public static string Write(TestDefinition definition, int? id)
    {
        XmlText xml = new();
        xml.Open("domain", ("type", definition.Type), ("id", id is null ? null : Number(id)));
        foreach (string name in TestLayout.OfDomain)
            WritePart(xml, definition, name);
        xml.Close();
        return xml.ToString();
    }

    private static void WritePart(XmlText xml, TestDefinition definition, string name)
    {
        switch (name)
        {
            case "name":
                xml.Element(name, definition.Name);
                break;
            case "uuid":
                xml.Element(name, definition.Uuid.ToString());
                break;
            case "title" when definition.Title is not null:
                xml.Element(name, definition.Title);
                break;
            case "description" when definition.Description is not null:
                xml.Element(name, definition.Description);
                break;
            case "metadata" when definition.Metadata is { } metadata:
                StringBuilder text = new();
                TestMetadata.Write(text, metadata, level: 1, isIndented: true);
                xml.Raw(text.ToString());
                break;
            case "memory":
                xml.Element(name, Number(definition.MaxMemoryKiB), ("unit", "KiB"));
                break;
            case "currentMemory":
                xml.Element(name, Number(definition.MemoryKiB), ("unit", "KiB"));
                break;
            default:
                foreach (XmlElement element in definition.Elements.Where(element => element.Name == name))
                    WriteElement(xml, definition, element);
                break;
        }
    }

    private static void WriteElement(XmlText xml, TestDefinition definition, XmlElement element)
    {
        string name = element.Name;
        (string Name, string? Value)[] attributes =
        [
            .. element.Attributes.Where(attribute => !attribute.IsDeclaration)
                .Select(attribute => (attribute.QualifiedName, (string?)attribute.Value)),
        ];
        if (name == "vcpu")
        {
            string? current = definition.Vcpus == definition.MaxVcpus ? null : Number(definition.Vcpus);
            xml.Element(name, Number(definition.MaxVcpus), [.. attributes, ("current", current)]);
        }
        else if (name == "devices" || element.Elements.Any() || (name == "memballoon" && definition.PeriodSeconds > 0))
        {
            xml.Open(name, attributes);
            if (name == "memballoon" && definition.PeriodSeconds > 0)
                xml.Element("stats", null, ("period", Number(definition.PeriodSeconds)));
            foreach (XmlElement child in element.Elements)
                WriteElement(xml, definition, child);
            xml.Close();
        }
        else
        {
            xml.Element(name, element.Value is { Length: > 0 } text ? text : null, attributes);
        }
    }

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
