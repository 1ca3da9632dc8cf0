using Ballast.Drivers.Remote;
using Ballast.Rpc;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Transports;

namespace Ballast.Tests.Rpc;

/// <summary>
/// A daemon's URI and its parameters, as libvirt 9.0's client takes them for a unix socket; but for what it sends on, which
/// we refuse, and timeout=, which is ours.
/// </summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class RemoteUriTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "qemu:///system")]
    [InlineData("name=test:///default", "test:///default")]
    [InlineData("Name=test:///default", "test:///default")]
    [InlineData("name=a&name=qemu:///session", "qemu:///session")]
    [InlineData("name=", "")]
    [InlineData("name=esx%3A%2F%2Fhost%2F%3Fno_verify%3D1", "esx://host/?no_verify=1")]
    [InlineData("keyfile=/x", "qemu:///system")]
    [InlineData("pkipath=/x", "qemu:///system")]
    [InlineData("pkipath", "qemu:///system")]
    [InlineData("command=/bin/false", "qemu:///system")]
    [InlineData("netcat=/bin/false", "qemu:///system")]
    [InlineData("sshauth=bogus", "qemu:///system")]
    [InlineData("known_hosts=/x", "qemu:///system")]
    [InlineData("known_hosts_verify=bogus", "qemu:///system")]
    [InlineData("tls_priority=bogus", "qemu:///system")]
    [InlineData("authfile=/not/there", "qemu:///system")]
    [InlineData("proxy=auto", "qemu:///system")]
    [InlineData("proxy=netcat", "qemu:///system")]
    [InlineData("proxy=native", "qemu:///system")]
    [InlineData("proxy=x&proxy=auto", "qemu:///system")]
    [InlineData("no_verify=1", "qemu:///system")]
    [InlineData("no_verify=0", "qemu:///system")]
    [InlineData("No_Verify=-1&no_tty=%201;no_sanity=%2B010", "qemu:///system")]
    [InlineData("mode=legacy", "qemu:///system")]
    [InlineData("mode=bogus&MODE=auto", "qemu:///system")]
    [InlineData("timeout=5s", "qemu:///system")]
    [InlineData("timeout=5s&name=test:///default", "test:///default")]
    public void What_is_the_clients_is_not_sent(string query, string name)
    {
        foreach (string scheme in (string[])["qemu", "qemu+unix"])
            Assert.Equal(name, Of($"{scheme}:///system?{query}").Name);
    }

    [Theory]
    [InlineData("foo=bar", "unknown parameter 'foo' in ")]
    [InlineData("foo", "unknown parameter 'foo' in ")]
    [InlineData("sock=/run/ballast/ballast-sock", "unknown parameter 'sock' in ")]
    [InlineData("sockets=/x", "unknown parameter 'sockets' in ")]
    [InlineData("time=5s", "unknown parameter 'time' in ")]
    [InlineData("timeouts=5s", "unknown parameter 'timeouts' in ")]
    [InlineData("readonly=1", "unknown parameter 'readonly' in ")]
    [InlineData("root=/x", "unknown parameter 'root' in ")]
    [InlineData("timeout=5s&%1b%5bm=1", "unknown parameter '\\x1b[m' in ")]
    public void What_nobody_knows_is_refused_by_its_name(string query, string message)
    {
        foreach (string start in (string[])["qemu:///system", "qemu:///session", "qemu+unix:///system", "test+unix:///default"])
        {
            LibvirtException error = Assert.Throws<LibvirtException>(() => Of($"{start}?socket=/x&{query}"));
            Assert.Equal((ErrorCode.InvalidArgument, ErrorOrigin.Remote), (error.Code, error.Origin));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.EndsWith("known are auth, authfile, mode, name, socket and timeout", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("no_verify=x")]
    [InlineData("no_verify=")]
    [InlineData("no_verify")]
    [InlineData("no_verify=x&no_verify=1")]
    [InlineData("no_sanity=1x")]
    [InlineData("no_tty=0x1")]
    [InlineData("no_tty=1%20")]
    [InlineData("no_tty=99999999999")]
    [InlineData("proxy=bogus")]
    [InlineData("proxy=AUTO")]
    [InlineData("proxy=")]
    [InlineData("mode=bogus")]
    [InlineData("mode=LEGACY")]
    [InlineData("mode=")]
    [InlineData("mode=legacy&mode=bogus&socket=/x")]
    [InlineData("timeout=")]
    [InlineData("timeout=0")]
    [InlineData("timeout=1h")]
    [InlineData("timeout=86401s")]
    [InlineData("timeout=1s&timeout=x")]
    public void Values_that_make_no_sense_are_refused(string query)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => Of($"qemu:///system?{query}"));
        Assert.Equal((ErrorCode.InvalidArgument, ErrorOrigin.Remote), (error.Code, error.Origin));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("timeout=5s", 5000)]
    [InlineData("TIMEOUT=250ms", 250)]
    [InlineData("timeout=9s&timeout=3", 3000)]
    public void Its_deadline_reads_as_a_monitors(string query, int? milliseconds) =>
        Assert.Equal(milliseconds, Of($"qemu+unix:///system?{query}").Timeout?.TotalMilliseconds);

    [Theory]
    [InlineData("socket=/a&socket=/b", "/b")]
    [InlineData("SOCKET=/a%26b&mode=direct", "/a&b")]
    [InlineData("socket=", "")]
    public void The_last_socket_named_counts(string query, string socket) =>
        Assert.Equal([socket], Assert.IsType<UnixEndpoint>(Of($"qemu:///system?{query}").Endpoint).Sockets);

    [Theory]
    [InlineData("agent")]
    [InlineData("none")]
    [InlineData("")]
    [InlineData("polkit&auth=x")]
    public void A_way_to_authenticate_that_nobody_knows_is_refused(string way)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => Of($"qemu:///system?auth={way}"));
        Assert.Equal((ErrorCode.AuthenticationFailed, ErrorOrigin.Remote), (error.Code, error.Origin));
        Assert.StartsWith("authentication failed: unknown authentication type ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_the_daemon_does_not_have_is_refused_too()
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        foreach (string way in (string[])["polkit", "sasl"])
        {
            LibvirtException error = await Connection.OpenAsync($"test+unix:///default?socket={server.SocketPath}&auth={way}", cancellationToken: Token)
                .AsTask().FailsAsync(ErrorCode.AuthenticationFailed);
            Assert.Equal($"authentication failed: requested authentication type {way} rejected", error.Message);
        }
    }

    [Fact]
    public async Task The_deadline_in_the_uri_outranks_the_options_and_is_kept_from_the_daemon()
    {
        // Our own daemon takes names as they are listed, without any parameter.
        await using Fakes.FakeQmp fake = Fakes.FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using ServerFixture server = ServerFixture.Start(session.Connection);
        await using Connection remote = await Connection.OpenAsync(
            $"test+unix:///default?socket={server.SocketPath}&timeout=300ms", new ConnectionOptions { DaemonTimeout = TimeSpan.FromMinutes(5) }, Token);
        Domain domain = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        TaskCompletionSource release = fake.Hold("query-status");
        LibvirtException error = await domain.GetStateAsync(Token).AsTask().FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains($"did not answer {RemoteProcedure.DomainGetState} within 0.3 s", error.Message, StringComparison.Ordinal);
        release.SetResult();
    }

    private static RemoteAddress Of(string uri) => RemoteAddress.Of(ConnectUri.Parse(uri), readOnly: false);
}
