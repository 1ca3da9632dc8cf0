using System.Xml;
using System.Xml.Linq;

namespace Ballast.Drivers.Test;

/// <summary>XML of strangers on its way in: what is too large, too deep or names other files is refused.</summary>
internal static class TestXmlInput
{
    private const int MaxDepth = 256;
    private const int MaxCharacters = 16 * 1024 * 1024;

    /// <summary>The root of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="origin">Who tells of errors.</param>
    /// <exception cref="LibvirtException">It is not XML.</exception>
    public static XElement Parse(string text, string name, ErrorOrigin origin)
    {
        XmlReaderSettings settings = new()
        {
            DtdProcessing = DtdProcessing.Prohibit,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
            MaxCharactersInDocument = MaxCharacters,
            XmlResolver = null,
        };
        try
        {
            // A look at its depth first: who reads the tree later does so recursively.
            using (XmlReader reader = XmlReader.Create(new StringReader(text), settings))
            {
                while (reader.Read())
                {
                    if (reader.Depth > MaxDepth)
                        throw Bad($"{name}: more than {MaxDepth} elements lie in each other");
                }
            }

            using (XmlReader reader = XmlReader.Create(new StringReader(text), settings))
                return XElement.Load(reader);
        }
        catch (XmlException e)
        {
            throw Bad($"{name}:{e.LineNumber}: {DisplayText.Escape(e.Message)}");
        }

        LibvirtException Bad(string message) => LibvirtError.Plain(ErrorCode.XmlDetail, origin, message);
    }

    /// <exception cref="LibvirtException">The root is another one.</exception>
    public static XElement RequireRoot(this XElement root, string name) => root.Name == name
        ? root
        : throw LibvirtError.Report(ErrorCode.XmlError, ErrorOrigin.Xml, $"expecting root element of '{name}', not '{DisplayText.Escape(root.Name.LocalName)}'");

    /// <summary>The text of a child; null where there is no such child, or nothing in it.</summary>
    public static string? Text(this XElement parent, string child) => (string?)parent.Element(child) is { Length: > 0 } text ? text : null;
}
