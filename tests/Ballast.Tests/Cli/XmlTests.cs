using System.Text;
using System.Xml.Linq;
using Ballast.Cli.Parsing;
using Ballast.Cli.Xml;
using Ballast.Guests;
using CsCheck;

namespace Ballast.Tests.Cli;

/// <summary>XML that the test driver's own domain does not have; the oracle is virsh with a host made from a file.</summary>
public sealed class XmlTests
{
    private const string Devices =
        """
        <domain type='test'>
          <name>many</name><title>A &lt;t&gt; "é" 'q' 中</title>
          <description>line1
        line2	tab</description>
          <metadata><foo:a xmlns:foo='urn:foo' foo:b="1 &quot; &amp; &#10; &#9; &lt; &gt; ' é 中"><foo:c/><d xmlns="urn:d"><e>x</e></d><!-- c --><?p i?><![CDATA[x<y]]></foo:a><bar:z xmlns:bar='urn:bar' xmlns:two="urn:2">
           <bar:y two:k='1'/> <bar:x> </bar:x>
          </bar:z></metadata>
          <memory>8388608</memory><vcpu current='1'>3</vcpu><os><type>hvm</type></os>
          <devices>
            <disk type='file' device='disk'><source file='/a b/x&lt;y'/><target dev='vda' bus='virtio'/></disk>
            <disk type='block' device='disk'><source dev='/dev/sda'/><target dev='vdb' bus='virtio'/></disk>
            <disk type='dir' device='floppy'><source dir='/dir'/><target dev='fda' bus='fdc'/></disk>
            <disk type='network' device='disk'><source protocol='nbd' name='exp'><host name='h' port='1'/></source><target dev='vdc' bus='virtio'/></disk>
            <disk type='network' device='disk'><source protocol='nbd'><host name='h' port='1'/></source><target dev='vdg' bus='virtio'/></disk>
            <disk type='volume' device='disk'><source pool='default-pool' volume='vol'/><target dev='vdd' bus='virtio'/></disk>
            <disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'><address domain='0x0000' bus='0x1f' slot='0x0a' function='0x0'/></source><target dev='vde' bus='virtio'/></disk>
            <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>
            <disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/><source type='unix' path='/tmp/v.sock'/><target dev='vdf' bus='virtio'/></disk>
            <interface type='network'><source network='default'/></interface>
            <interface type='bridge'><source bridge='br0'/><model type='virtio'/><target dev='tap3'/></interface>
            <interface type='direct'><source dev='eth0' mode='bridge'/></interface>
            <interface type='user'/><interface type='ethernet'><target dev='x'/></interface>
            <interface type='vhostuser'><source type='unix' path='/tmp/v' mode='client'/><model type='virtio'/></interface>
            <interface type='internal'><source name='nn'/></interface><interface type='server'><source address='1.2.3.4' port='5'/></interface>
            <interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>
          </devices>
        </domain>
        """;

    private static readonly string[] Expressions =
    [
        "/", "/domain", "/domain/metadata", "/domain/title", "/domain/description", "//*[local-name()='a']", "//*[local-name()='d']", "//*[local-name()='e']",
        "//*[local-name()='c']", "//*[local-name()='y']", "//*[local-name()='x']", "//*[local-name()='z']", "//comment()", "//processing-instruction()",
        "//*[local-name()='a']/@*", "//*[local-name()='y']/@*", "/domain/title/text()", "/domain/description/text()", "//*[local-name()='a']/text()",
        "//*[namespace-uri()='urn:foo']", "/domain/@type|/domain/name", "//text()", "//*", "//interface[source]", "//disk[2]/following-sibling::*[1]",
        "//source[contains(@file, '<')]", "//*[local-name()='b' or @device='cdrom']", "//target/ancestor::disk/@device", "(//@dev)[last()]",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("needs", "virsh")]
    public async Task It_is_shown_as_virsh_shows_it()
    {
        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("host.xml"), $"<node>{Devices}</node>", Token);
        string uri = $"test://{directory.File("host.xml")}";

        // Some addresses are made up anew for each virsh.
        string xml = (await CliRun.ProcessAsync("virsh", ["-q", "-c", uri, "dumpxml", "many"], cancellationToken: Token)).Output;
        await File.WriteAllTextAsync(directory.File("host.xml"), $"<node>{xml}</node>", Token);
        FakeDriver driver = new(new FakeDomain("many", 1) { Xml = xml, Title = "A <t> \"é\" 'q' 中" });

        string[][] commands =
        [
            ["dumpxml", "many"], ["domblklist", "many"], ["domblklist", "many", "--details"], ["domiflist", "many"], ["-q", "domiflist", "many"],
            ["list", "--title"],
            .. Expressions.SelectMany(expression => (string[][])[["dumpxml", "many", "--xpath", expression], ["dumpxml", "many", "--wrap", "--xpath", expression]]),
        ];
        foreach (string[] command in commands)
        {
            Outcome theirs = await CliRun.ProcessAsync("virsh", ["-c", uri, .. command], cancellationToken: Token);
            Assert.Equal((string.Join(' ', command), theirs), (string.Join(' ', command), await CliRun.BallastAsync(driver, command)));
        }
    }

    /// <summary>Whatever .NET's own reader reads, ours reads alike.</summary>
    [Fact]
    public void What_is_written_is_read()
    {
        Gen<string> text = Gen.String[Gen.Char["ab<>&\"'é中 "], 0, 6];
        Gen<string> name = Gen.String[Gen.Char["abé"], 1, 4];
        Gen<XElement> element = Gen.Recursive<XElement>((depth, inner) => Gen.Select(name, text, text, inner.Array[0, depth > 3 ? 0 : 3], (tag, attribute, content, children) =>
            new XElement(tag, new XAttribute("k", attribute), children.Length > 0 ? children : content.Trim() is { Length: > 0 } some ? some : null)));
        element.Sample(one => Assert.Equal(Of(XElement.Parse(one.ToString())), Of(XmlInput.Read(one.ToString()))));

        static string Of(object part) => part switch
        {
            XElement one => $"<{one.Name.LocalName} {string.Concat(one.Attributes().Select(attribute => attribute.Value))}>{string.Concat(one.Nodes().Select(Of))}</>",
            XText one => one.Value,
            XmlItem { IsText: true } one => one.OwnValue,
            XmlItem one => $"<{one.Name} {string.Concat(one.Attributes.Select(attribute => attribute.OwnValue))}>{string.Concat(one.Children.Select(Of))}</>",
            _ => throw new ArgumentException("another kind", nameof(part)),
        };
    }

    [Fact]
    public void Anything_else_is_refused_in_one_line()
    {
        Gen.String[Gen.Char["<>/ab=\"'&;![]?- \nxmlns:#1"], 0, 40].Sample(text =>
        {
            try
            {
                _ = XmlInput.Read(text);
            }
            catch (CommandException e)
            {
                Assert.Single(e.Lines);
            }
        });
        foreach (string text in (string[])[
            "", " ", "x", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a", "<a b>", "<a b=c/>", "<a b='1/>", "<a>&x;</a>", "<a>&#xd800;</a>", "<a>&amp</a>",
            "<!DOCTYPE a []><a/>", "<a><!-- </a>", "<:a/>", "<a:b:c/>", "<a/>x", new StringBuilder().Insert(0, "<a>", 300).Insert(900, "</a>", 300).ToString()])
        {
            Assert.Throws<CommandException>(() => XmlInput.Read(text));
        }
    }
}
