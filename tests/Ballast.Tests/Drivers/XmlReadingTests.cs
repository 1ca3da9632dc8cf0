using System.Xml;
using System.Xml.Linq;
using Ballast.Drivers.Test;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Drivers;

/// <summary>The reader of XML that the test driver has of its own, beside the platform's.</summary>
public sealed class XmlReadingTests
{
    private const string Odd =
        """
        <?xml version='1.0' encoding='utf-8'?>
        <!-- a comment --><a:root xmlns:a='urn:a' xmlns="urn:b" a:x='1&#10;2' y="&lt;&quot;&#x41;&amp;'">
          text &gt; <![CDATA[<raw> & more]]> more<?instruction here?>
          <b/><b xmlns='' z=' 
        	'>inner</b>  <a:c xmlns:a='urn:other' a:d=''/>ü€😀</a:root>
        """;

    [Fact]
    public void It_reads_what_the_platforms_reads()
    {
        Assert.Equal(Describe(XElement.Parse(Odd)), Describe(Read(Odd)));
        string host = File.ReadAllText(Path.Combine(NativeProgram.Sources, "host/host.xml"));
        Assert.Equal(Describe(XElement.Parse(host)), Describe(Read(host)));
    }

    [Fact]
    public async Task Time_grows_no_faster_than_the_text_whatever_there_is_much_of()
    {
        // If each were compared with all before it, these would take minutes.
        const int many = 200_000;
        string attributes = $"<a {string.Join(' ', Enumerable.Range(0, many).Select(number => $"a{number}='1'"))}/>";
        string elements = $"<a>{string.Concat(Enumerable.Range(0, many).Select(number => $"<b{number}/>"))}</a>";
        string texts = $"<a>{string.Concat(Enumerable.Repeat("x<![CDATA[y]]>&amp;", many))}</a>";
        await Task.Run(() => Assert.All([attributes, elements, texts], text => _ = Read(text)), TestContext.Current.CancellationToken)
            .WaitAsync(Ballast.Guests.Deadline.Default, TestContext.Current.CancellationToken);
        Assert.Null(Try(() => Describe(Read(attributes.Replace("/>", " a7='2'/>", StringComparison.Ordinal))), e => e is LibvirtException { Code: ErrorCode.XmlDetail }));
    }

    [Fact]
    public void Spoiled_XML_is_read_as_the_platforms_reads_it_or_refused_with_one_line()
    {
        const string spoilers = "<>&;'\"/= :!-[]?#x\0\n\uFFFF";
        int accepted = 0;
        for (int at = 0; at <= Odd.Length; at++)
        {
            foreach (string spoiled in spoilers.SelectMany(spoiler => (string[])[Odd[..at] + spoiler + Odd[at..], Odd[..at] + spoiler + Odd[Math.Min(at + 1, Odd.Length)..]])
                .Append(Odd[..at]).Append(Odd[at..]))
            {
                string? theirs = Try(() => Describe(XElement.Parse(spoiled)), e => e is XmlException);
                string? ours = Try(() => Describe(Read(spoiled)), e => e is LibvirtException { Code: ErrorCode.XmlDetail } && !e.Message.Contains('\n', StringComparison.Ordinal));
                accepted += theirs is null ? 0 : 1;
                if (theirs is not null)
                    Assert.Equal(theirs, ours);
            }
        }

        Assert.True(accepted > 1000, $"only {accepted} were XML");
    }

    private static Ballast.Drivers.Test.XmlElement Read(string text) => XmlReading.Read(text, "(text)", ErrorOrigin.Test);

    private static string? Try(Func<string> read, Func<Exception, bool> isRefusal)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (isRefusal(e))
        {
            return null;
        }
    }

    private static string Describe(XElement element) => Describe(
        element.Name.NamespaceName, element.Name.LocalName,
        element.Attributes().Where(attribute => !attribute.IsNamespaceDeclaration)
            .Select(attribute => (attribute.Name.NamespaceName, attribute.Name.LocalName, attribute.Value)),
        element.Nodes().Where(node => node is XText or XElement).Select(node => node is XText text ? (text.Value, true) : (Describe((XElement)node), false)));

    private static string Describe(Ballast.Drivers.Test.XmlElement element) => Describe(
        element.Space, element.Name,
        element.Attributes.Where(attribute => !attribute.IsDeclaration).Select(attribute => (attribute.Space, attribute.Name, attribute.Value)),
        element.Contents.Select(content => content.Text is { } text ? (text, true) : (Describe(content.Element!), false)));

    private static string Describe(
        string space, string name, IEnumerable<(string Space, string Name, string Value)> attributes, IEnumerable<(string Part, bool IsText)> contents)
    {
        // An instruction or a section parts a text for the platform, not for us; and white space alone is nothing.
        List<string> parts = [];
        string text = "";
        foreach ((string part, bool isText) in contents.Append(("", false)))
        {
            text += isText ? part : "";
            if (isText)
                continue;
            if (!string.IsNullOrWhiteSpace(text))
                parts.Add(text);
            text = "";
            parts.Add(part);
        }

        return $"{{{space}}}{name}({string.Join(", ", attributes.Select(attribute => $"{{{attribute.Space}}}{attribute.Name}={attribute.Value}"))})[{string.Join("|", parts)}]";
    }
}
