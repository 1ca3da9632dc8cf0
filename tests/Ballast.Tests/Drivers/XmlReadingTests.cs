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

    [Theory]
    [InlineData("<a xmlns=''>", 200, "</a>")]
    [InlineData("<a xmlns=''/>", 5000, "")]
    [InlineData("<a xmlns:q='urn:q'/>", 5000, "")]
    public void Memory_grows_no_faster_than_the_text_however_many_prefixes_are_in_scope(string begin, int times, string end)
    {
        // As each thread counts its own, others disturb nothing. What one declares was copied for each that declared something more.
        string text = $"<domain{Declarations(10_000)}>{Repeat(begin, times)}{Repeat(end, times)}</domain>";
        _ = Read(text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Ballast.Drivers.Test.XmlElement root = Read(text);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64L * text.Length);
        Assert.Equal(times + 1, root.DescendantsAndSelf.Count());
    }

    [Fact]
    public void What_an_element_declares_ends_with_it()
    {
        const string text =
            "<r xmlns='1' xmlns:p='2'><a xmlns='' p:x=''><b xmlns='3' xmlns:p='4' xmlns:q='5' p:x='' q:x=''/><p:c/></a><d xmlns:p='6'/><p:e/><f xmlns='7'>t<g/></f>u<h/></r>";
        Assert.Equal(Describe(XElement.Parse(text)), Describe(Read(text)));

        // The platform refuses it; who takes it shall not keep what is declared twice.
        Assert.Equal(["1", "3", "1"], Read("<r xmlns='1'><a xmlns='2' xmlns:='3'/><b/></r>").DescendantsAndSelf.Select(element => element.Space));
    }

    [Fact]
    public void Namespaces_that_every_element_would_carry_are_short()
    {
        string longest = new('a', 4096);
        Assert.Equal(longest, Read($"<a xmlns='{longest}'/>").Space);
        LibvirtException refusal = Assert.Throws<LibvirtException>(() => Read($"<a xmlns='{longest}a'/>"));
        Assert.Equal((ErrorCode.XmlDetail, "(text):1: the value of 'xmlns' has more than 4096 characters"), (refusal.Code, refusal.Message));
    }

    [Fact]
    public void Descendants_and_text_are_in_their_order_and_deep_ones_cost_no_more()
    {
        Ballast.Drivers.Test.XmlElement root = Read("<a>1<b>2<c/>3</b>4<d><e>5</e></d></a>");
        Assert.Equal("abcde", string.Concat(root.DescendantsAndSelf.Select(element => element.Name)));
        Assert.Equal("12345", root.Value);

        const int depth = 250;
        string text = new('x', 100_000);
        root = Read($"{Repeat("<a>", depth)}{text}<b/>{Repeat("</a>", depth)}");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(text, root.Value);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20L * text.Length);
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

    private static string Declarations(int count) => string.Concat(Enumerable.Range(0, count).Select(number => $" xmlns:p{number:d5}=''"));

    private static string Repeat(string part, int times) => string.Concat(Enumerable.Repeat(part, times));

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
