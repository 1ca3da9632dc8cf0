using Ballast.Drivers.Remote;

namespace Ballast.Tests.Rpc;

/// <summary>What a URI over ssh or TCP may say, and what is refused by its name.</summary>
public sealed class SshUriTests
{
    private const string KnownOverSsh =
        "known are auth, command, keyfile, known_hosts, known_hosts_verify, mode, name, netcat, no_tty, no_verify, proxy, socket, sshauth and timeout";

    [Theory]
    [InlineData("known_hosts=/a%20%22b%25/known", "-o|UserKnownHostsFile=\"/a \\\"b%%/known\"")]
    [InlineData("known_hosts_verify=auto", "-o|StrictHostKeyChecking=accept-new")]
    [InlineData("known_hosts_verify=ignore", "-o|StrictHostKeyChecking=no")]
    [InlineData("known_hosts_verify=auto&no_verify=1", "-o|StrictHostKeyChecking=no")]
    [InlineData("known_hosts_verify=normal", "")]
    [InlineData("sshauth=agent,privkey,password", "-o|PreferredAuthentications=publickey,password")]
    [InlineData("sshauth=keyboard-interactive", "-o|PreferredAuthentications=keyboard-interactive")]
    public void Parameters_that_libvirt_has_for_its_other_ssh_mean_the_same_here(string query, string words)
    {
        string[] arguments = [.. Of($"qemu+ssh://h/system?{query}&no_tty=1").Arguments];
        Assert.Equal("-T|-e|none|-o|BatchMode=yes" + (words.Length > 0 ? $"|{words}" : "") + "|--|h", string.Join('|', arguments[..^1]));
    }

    [Theory]
    [InlineData("qemu+ssh://h/system?pkipath=/x", "unknown parameter 'pkipath' in ", KnownOverSsh)]
    [InlineData("qemu+ssh://h/system?tls_priority=x", "unknown parameter 'tls_priority' in ", KnownOverSsh)]
    [InlineData("qemu+ssh://h/system?no_sanity=1", "unknown parameter 'no_sanity' in ", KnownOverSsh)]
    [InlineData("qemu+ssh://h/system?authfile=/x", "unknown parameter 'authfile' in ", KnownOverSsh)]
    [InlineData("qemu+ssh://h/system?foo=bar", "unknown parameter 'foo' in ", KnownOverSsh)]
    [InlineData("qemu+tcp://h/system?no_verify=1", "unknown parameter 'no_verify' in ", "known are auth, name and timeout")]
    [InlineData("qemu+tcp://h/system?socket=/x", "unknown parameter 'socket' in ", "known are auth, name and timeout")]
    [InlineData("qemu+tcp://h/system?mode=legacy", "unknown parameter 'mode' in ", "known are auth, name and timeout")]
    [InlineData("qemu+ssh://h/system?known_hosts_verify=x", "unknown known_hosts_verify 'x'", "it is normal, auto or ignore")]
    [InlineData("qemu+ssh://h/system?sshauth=agent,x", "unknown sshauth 'x'", "keyboard-interactive")]
    [InlineData("qemu+ssh://h/system?sshauth=", "unknown sshauth ''", "keyboard-interactive")]
    [InlineData("qemu+ssh://h/system?mode=bogus", "unknown remote mode 'bogus'", "")]
    [InlineData("qemu+ssh://-oProxyCommand=x/system", "'-oProxyCommand=x' in ", " is no name of a host")]
    [InlineData("qemu+ssh://a%40b/system", "'a@b' in ", " is no name of a host")]
    [InlineData("qemu+ssh://h%60x%60/system", "'h`x`' in ", " is no name of a host")]
    [InlineData("qemu+ssh://-l@h/system", "'-l' in ", " is no name of a user")]
    [InlineData("qemu+ssh://u%24(x)@h/system", "'u$(x)' in ", " is no name of a user")]
    public void What_is_not_honoured_is_refused(string uri, string begin, string end)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => RemoteAddress.Of(ConnectUri.Parse(uri), readOnly: false));
        Assert.Equal((ErrorCode.InvalidArgument, ErrorOrigin.Remote), (error.Code, error.Origin));
        Assert.StartsWith($"invalid argument: {begin}", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(end, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_socket_of_libvirts_daemon_for_qemu_is_reached_by_ssh_as_libvirt_says()
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => Of("qemu+ssh://h/system?mode=direct"));
        Assert.Equal((ErrorCode.OperationUnsupported, "Operation not supported: Cannot use direct socket mode for ssh transport"), (error.Code, error.Message));
    }

    private static SshCommand Of(string text)
    {
        ConnectUri uri = ConnectUri.Parse(text);
        return SshCommand.Of(uri, uri.Parameter("name") ?? $"{uri.Driver}://{uri.Path}", readOnly: false);
    }
}
