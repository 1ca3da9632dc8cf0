using Ballast.Drivers.Remote;

namespace Ballast.Tests.Rpc;

/// <summary>A domain's XML is the daemon's, which may send anything: what is looked for is found however it is written, and costs one reading.</summary>
public sealed class LibvirtDomainXmlTests
{
    [Theory]
    [InlineData("<memballoon model='virtio' autodeflate='on'>\n      <stats period='5'/>\n    </memballoon>", 5, true)]
    [InlineData("<memballoon autodeflate=\"on\" freePageReporting='on' model=\"virtio\"><stats period=\"5\"/></memballoon>", 5, true)]
    [InlineData("<memballoon\n\tautodeflate = 'on'\n\tmodel='virtio' ><alias name='balloon0'/><stats\nperiod = '5' /></memballoon>", 5, true)]
    [InlineData("<memballoon model='virtio' autodeflate='off'><stats period='5'/></memballoon>", 5, false)]
    [InlineData("<memballoon model='a>b' x='autodeflate=\"on\"'><stats period='5'/></memballoon>", 5, false)]
    [InlineData("<memballoon model='virtio' autodeflate='on'/><x><stats period='5'/></x>", 0, true)]
    [InlineData("<memballoon model='virtio'></memballoon><stats period='5'/>", 0, false)]
    [InlineData("<memballoon model='virtio'><!-- <stats period='7'/> --><stats period='5'/></memballoon>", 5, false)]
    [InlineData("<!-- <memballoon autodeflate='on'><stats period='7'/></memballoon> --><memballoon model='virtio'><stats period='5'/></memballoon>", 5, false)]
    [InlineData("<memballoons autodeflate='on'/><memballoon><stats period='5'/></memballoon>", 5, false)]
    [InlineData("<memballoon autodeflate='on'><stats period='99999999999'/></memballoon>", 0, true)]
    [InlineData("<memballoon autodeflate='on'><stats period='-5'/></memballoon>", 0, true)]
    [InlineData("<memballoon autodeflate=on model='virtio'><stats period=5/></memballoon>", 0, false)]
    [InlineData("<memballoon autodeflate='on", 0, false)]
    [InlineData("<memballoon", 0, false)]
    [InlineData("<!-- <memballoon autodeflate='on'/>", 0, false)]
    public void The_balloon_is_what_the_xml_says(string balloon, int period, bool deflates)
    {
        LibvirtDomainXml xml = new(
            "<domain type='kvm'>\n  <title>&lt;memballoon autodeflate='on'&gt;&lt;stats period='9'/&gt;</title>\n  <metadata>" +
            $"<memballoon autodeflate='on'><stats period='8'/></memballoon></metadata>\n  <devices>{balloon}</devices>\n</domain>");
        Assert.Equal((period, deflates, false), (xml.PeriodSeconds, xml.DeflatesOnOom, xml.HasNoBalloon));
    }

    [Theory]
    [InlineData("<memballoon model='none'/>", true)]
    [InlineData("<memballoon autodeflate=\"on\" model=\"none\"></memballoon>", true)]
    [InlineData("<memballoon model='virtio' alias='none'/>", false)]
    [InlineData("", false)]
    public void A_balloon_may_be_none(string balloon, bool isNone) =>
        Assert.Equal(isNone, new LibvirtDomainXml($"<domain><devices>{balloon}</devices></domain>").HasNoBalloon);

    [Theory]
    [InlineData("<memory  dumpCore=\"off\"\n unit=\"KiB\">7</memory>", 7ul)]
    [InlineData("<!--<memory unit='KiB'>5</memory>--><memory unit='KiB'>7</memory>", 7ul)]
    [InlineData("<memory unit='KiB'> 7</memory>", null)]
    [InlineData("<memory unit='KiB'/>", null)]
    public void The_size_is_found_however_it_is_written(string memory, ulong? kib) => Assert.Equal(kib, new LibvirtDomainXml($"<domain>{memory}</domain>").MaximumKiB);

    // What a search that begins again at each place where the last one failed would read some hundred thousand times.
    [Theory]
    [InlineData("<memballoon ", "")]
    [InlineData("<memballoon x", "=")]
    [InlineData("<memballoon a='b' ", "")]
    [InlineData("<memballoon><stats ", "")]
    [InlineData("<!----><memballoons>", "<memballoon")]
    [InlineData("<!-- ", "<memballoon ")]
    [InlineData("<memory dumpCore='on", "<memory unit='KiB'>")]
    [InlineData("<memory unit='KiB'>1", "")]
    [InlineData("'\"<", "<memballoon '")]
    public void Megabytes_of_beginnings_are_read_once(string beginning, string end)
    {
        string text = string.Concat(Enumerable.Repeat(beginning, 350_000)) + end;
        LibvirtDomainXml xml = new(text);
        _ = Read();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal((0, false, false), Read());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);

        (int Period, bool Deflates, bool HasNone) Read()
        {
            _ = xml.MaximumKiB;
            return (xml.PeriodSeconds, xml.DeflatesOnOom, xml.HasNoBalloon);
        }
    }
}
