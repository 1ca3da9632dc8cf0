namespace Ballast.Tests;

public class ConnectUriTests
{
    [Theory]
    [InlineData("test:///default", "test", null, null, "", null, "/default")]
    [InlineData("test:/default", "test", null, null, "", null, "/default")]
    [InlineData("qmp:///run/a%20b.sock", "qmp", null, null, "", null, "/run/a b.sock")]
    [InlineData("qemu+TCP://root@[::1]:16509/system", "qemu", "tcp", "root", "::1", 16509, "/system")]
    [InlineData("qemu+tcp://[%3A%3A1]:1/system", "qemu", "tcp", null, "::1", 1, "/system")]
    [InlineData("qemu+tcp://[1%3a%3A1%25lo]/system", "qemu", "tcp", null, "1::1%lo", null, "/system")]
    [InlineData("qemu+tcp://[127%2E0.0.1]/system", "qemu", "tcp", null, "127.0.0.1", null, "/system")]
    [InlineData("qemu+tcp://[fe80::1%25eth0]/system", "qemu", "tcp", null, "fe80::1%eth0", null, "/system")]
    [InlineData("qemu+tcp://[fe80::1%eth0]/system", "qemu", "tcp", null, "fe80::1%eth0", null, "/system")]
    [InlineData("qemu+tcp://[fe80::1%30]/system", "qemu", "tcp", null, "fe80::1%30", null, "/system")]
    [InlineData("qemu+tcp://[ho%73t]/system", "qemu", "tcp", null, "ho%73t", null, "/system")]
    [InlineData("qemu+tcp://[%3A%3A%zz]/system", "qemu", "tcp", null, "%3A%3A%zz", null, "/system")]
    [InlineData("qemu+ssh://me@host/session", "qemu", "ssh", "me", "host", null, "/session")]
    [InlineData("qemu://host", "qemu", null, null, "host", null, "")]
    public void A_uri_is_taken_apart(
        string uri, string driver, string? transport, string? user, string host, int? port, string path)
    {
        ConnectUri parsed = ConnectUri.Parse(uri);
        Assert.Equal((driver, transport, user, host, port, path),
            (parsed.Driver, parsed.Transport, parsed.User, parsed.Host, parsed.Port, parsed.Path));
        Assert.Equal(uri, parsed.ToString());
    }

    [Fact]
    public void Parameters_are_separated_by_either_mark_and_their_names_ignore_case()
    {
        ConnectUri uri = ConnectUri.Parse("qemu+unix:///system?socket=/a%2fb;No_Verify&mode=&=x#fragment");
        Assert.Equal(
            [new("socket", "/a/b"), new("No_Verify", ""), new("mode", "")], uri.Parameters);
        Assert.Equal("", uri.Parameter("no_verify"));
        Assert.Null(uri.Parameter("absent"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("bad uri")]
    [InlineData("://")]
    [InlineData("1x:///p")]
    [InlineData("a b:///p")]
    [InlineData("test:///%zz")]
    [InlineData("test:///%2")]
    [InlineData("test:///%00")]
    [InlineData("test://[::1/default")]
    [InlineData("test://h:99999/default")]
    [InlineData("test://h:x/default")]
    [InlineData("test:///a\nb")]
    public void What_is_no_uri_gets_libvirts_error(string uri)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => ConnectUri.Parse(uri));
        Assert.Equal((ErrorCode.InternalError, ErrorOrigin.Uri), (error.Code, error.Origin));
        Assert.Equal($"internal error: Unable to parse URI {uri}", error.Message);
    }

    [Theory]
    [InlineData("x", "")]
    [InlineData("/a/b", "; did you mean qmp:///a/b")]
    [InlineData("/run/libvirt/libvirt-sock", "; did you mean qemu+unix:///system?socket=/run/libvirt/libvirt-sock")]
    public void What_names_no_driver_gets_libvirts_other_error(string uri, string suggestion)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => ConnectUri.Parse(uri));
        Assert.Equal((ErrorCode.NoConnect, ErrorOrigin.None), (error.Code, error.Origin));
        Assert.Equal($"no connection driver available for URI '{uri}' does not include a driver name{suggestion}", error.Message);
    }

    [Fact]
    public void A_uri_of_any_length_is_refused_with_a_short_text()
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => ConnectUri.Parse("test:///" + new string('x', 1 << 20)));
        Assert.InRange(error.Message.Length, 0, 300);
    }
}
