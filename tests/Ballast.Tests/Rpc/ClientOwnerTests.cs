using System.Net;
using Ballast.Server;

namespace Ballast.Tests.Rpc;

/// <summary>Whose limits clients share, by where they come from.</summary>
public sealed class ClientOwnerTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.2", true)]
    [InlineData("127.0.0.1", "127.255.255.254", true)]
    [InlineData("127.9.1.1", "::ffff:127.1.2.3", true)]
    [InlineData("127.0.0.1", "::1", true)]
    [InlineData("126.255.255.255", "127.0.0.1", false)]
    [InlineData("128.0.0.0", "127.0.0.1", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::2", "::1", false)]
    [InlineData("fe80::1%2", "fe80::2%2", true)]
    [InlineData("fe80::1%2", "fe80::1%3", false)]
    public void All_addresses_that_one_host_has_for_the_asking_are_one(string one, string other, bool areOne) =>
        Assert.Equal(areOne, ClientOwner.Of(IPAddress.Parse(one)) == ClientOwner.Of(IPAddress.Parse(other)));
}
