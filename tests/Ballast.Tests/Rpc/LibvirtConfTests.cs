using Ballast.Drivers.Remote;

namespace Ballast.Tests.Rpc;

/// <summary>Names for URIs in libvirt.conf.</summary>
public sealed class LibvirtConfTests
{
    [Theory]
    [InlineData("t", "test:///default")]
    [InlineData("f-1_", "test:///a=b")]
    [InlineData("nope", null)]
    [InlineData("T", null)]
    public void A_name_stands_for_its_URI(string name, string? uri) =>
        Assert.Equal(uri, LibvirtConf.Parse("# uri_aliases = [ \"nope=x:///\" ]\nuri_aliases = [ \"t=test:///default\",\n  'f-1_=test:///a=b',\n]\n").Find(name));

    [Theory]
    [InlineData("bad", "Malformed 'uri_aliases' config entry 'bad', expected 'alias=uri://host/path'")]
    [InlineData("", "Malformed 'uri_aliases' config entry '', expected 'alias=uri://host/path'")]
    [InlineData("x.y=test:///default", "Malformed 'uri_aliases' config entry 'x.y=test:///default', aliases may only contain 'a-Z, 0-9, _, -'")]
    public void What_is_malformed_is_an_error_for_whoever_is_named_behind_it(string entry, string error)
    {
        LibvirtConf conf = LibvirtConf.Parse($"uri_aliases = [ \"t=test:///default\", \"{entry}\", \"u=test:///default\" ]\n");
        Assert.Equal("test:///default", conf.Find("t"));
        foreach (string name in (string[])["u", "x.y", "nope"])
        {
            LibvirtException thrown = Assert.Throws<LibvirtException>(() => conf.Find(name));
            Assert.Equal((ErrorCode.ConfigurationSyntax, $"configuration file syntax error: {error}"), (thrown.Code, thrown.Message));
        }
    }
}
