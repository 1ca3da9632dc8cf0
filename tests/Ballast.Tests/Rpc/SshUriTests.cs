using Ballast.Drivers.Remote;

namespace Ballast.Tests.Rpc;

/// <summary>What a URI over ssh or TCP may say, and what is refused by its name.</summary>
public sealed class SshUriTests
{
    private const string KnownOverSsh =
        "known are auth, authfile, command, keyfile, known_hosts, known_hosts_verify, mode, name, netcat, no_tty, no_verify, proxy, socket, sshauth and timeout";

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
    [InlineData("qemu+ssh://h/system?no_sanity=x", "no_sanity 'x' in ", " is not a number")]
    [InlineData("qemu+ssh://h/system?foo=bar", "unknown parameter 'foo' in ", KnownOverSsh)]
    [InlineData("qemu+tcp://h/system?no_verify=", "no_verify '' in ", " is not a number")]
    [InlineData("qemu+tcp://h/system?keyfile=/x", "unknown parameter 'keyfile' in ", "known are auth, authfile, name and timeout")]
    [InlineData("qemu+tcp://h/system?socket=/x", "unknown parameter 'socket' in ", "known are auth, authfile, name and timeout")]
    [InlineData("qemu+tls://h/system?socket=/x", "unknown parameter 'socket' in ", "known are auth, authfile, name, no_sanity, no_verify, pkipath, timeout and tls_priority")]
    [InlineData("qemu+tcp://h/system?mode=legacy", "unknown parameter 'mode' in ", "known are auth, authfile, name and timeout")]
    [InlineData("qemu+ssh://h/system?known_hosts_verify=x", "unknown known_hosts_verify 'x'", "it is normal, auto or ignore")]
    [InlineData("qemu+ssh://h/system?sshauth=agent,x", "unknown sshauth 'x'", "keyboard-interactive")]
    [InlineData("qemu+ssh://h/system?sshauth=", "unknown sshauth ''", "keyboard-interactive")]
    [InlineData("qemu+ssh://h/system?mode=bogus", "unknown remote mode 'bogus'", "")]
    [InlineData("qemu+ssh://-oProxyCommand=x/system", "'-oProxyCommand=x' in ", " is not a host name")]
    [InlineData("qemu+ssh://a%40b/system", "'a@b' in ", " is not a host name")]
    [InlineData("qemu+ssh://h%60x%60/system", "'h`x`' in ", " is not a host name")]
    [InlineData("qemu+ssh://-l@h/system", "'-l' in ", " is not a user name")]
    [InlineData("qemu+ssh://u%24(x)@h/system", "'u$(x)' in ", " is not a user name")]
    [InlineData("qemu+ssh://u%5C@h/system", "'u\\' in ", " is not a user name")]
    [InlineData("qemu+ssh://h/system?name=-h", "name '-h' in ", " is not a URI, such as qemu:///system")]
    [InlineData("qemu+ssh://h/system?name=--probe&proxy=netcat", "name '--probe' in ", " is not a URI, such as qemu:///system")]
    [InlineData("qemu+ssh://h/system?name=", "name '' in ", " is not a URI, such as qemu:///system")]
    [InlineData("qemu+ssh://h/system?name=qemu", "name 'qemu' in ", " is not a URI, such as qemu:///system")]
    [InlineData("qemu+ssh://h/system?name=/run/socket", "name '/run/socket' in ", " is not a URI, such as qemu:///system")]
    [InlineData("qemu+ssh://h/system?socket=-h", "socket '-h' in ", " is not an absolute path")]
    [InlineData("qemu+ssh://h/system?socket=", "socket '' in ", " is not an absolute path")]
    [InlineData("qemu+ssh://h/system?socket=a/b&proxy=netcat", "socket 'a/b' in ", " is not an absolute path")]
    public void What_is_not_honoured_is_refused(string uri, string begin, string end)
    {
        LibvirtException error = Assert.Throws<LibvirtException>(() => RemoteAddress.Of(ConnectUri.Parse(uri), readOnly: false));
        Assert.Equal((ErrorCode.InvalidArgument, ErrorOrigin.Remote), (error.Code, error.Origin));
        Assert.StartsWith($"invalid argument: {begin}", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(end, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("user%40dom", "user@dom")]
    [InlineData("a~b", "a~b")]
    [InlineData("a%5Cb", "a\\b")]
    [InlineData("a%23b%2Fc=d,e", "a#b/c=d,e")]
    [InlineData("%C3%BC", "ü")]
    public void A_user_is_named_as_ssh_takes_it(string text, string user) =>
        Assert.Equal(["-l", user], Of($"qemu+ssh://{text}@h/system").Arguments.Take(2));

    // Each of these is refused by ssh too, or would be read as something else by it.
    [Fact]
    public void A_user_that_ssh_refuses_is_refused_by_us()
    {
        foreach (char c in "\"'`;&<>|(){}$ \t\n\u00a0\u001b\u202e")
            Assert.Contains("is not a user name", Assert.Throws<LibvirtException>(() => Of($"qemu+ssh://{Uri.EscapeDataString($"a{c}b")}@h/system")).Message, StringComparison.Ordinal);
    }

    // A shell takes them for the end of a command, or ssh for that of an option.
    [Theory]
    [InlineData("socket", "/")]
    [InlineData("netcat", "/")]
    [InlineData("name", "qemu:///")]
    [InlineData("keyfile", "/")]
    [InlineData("known_hosts", "/")]
    public void Control_characters_go_to_nobodys_shell(string parameter, string begin)
    {
        for (char c = '\u0001'; c < '\u00a0'; c++)
        {
            if (!char.IsControl(c))
                continue;
            LibvirtException error = Assert.Throws<LibvirtException>(() => Of($"qemu+ssh://h/system?{parameter}={begin}{Uri.EscapeDataString($"a{c}b")}"));
            Assert.Equal(ErrorCode.InvalidArgument, error.Code);
            Assert.DoesNotContain(error.Message, char.IsControl);
        }
    }

    [Theory]
    [InlineData("known_hosts")]
    [InlineData("keyfile")]
    public void What_ssh_would_replace_by_a_variable_is_refused(string parameter)
    {
        Assert.EndsWith(
            "has '${', which ssh replaces by a variable of its environment: use another name",
            Assert.Throws<LibvirtException>(() => Of($"qemu+ssh://h/system?{parameter}=/a%24%7BHOME%7D")).Message, StringComparison.Ordinal);
        _ = Of($"qemu+ssh://h/system?{parameter}=/a%24HOME%7B%7D");
    }

    // Neither checks certificates, and TCP asks nobody.
    [Theory]
    [InlineData("qemu+ssh://h/system?no_sanity=1")]
    [InlineData("qemu+tcp://h/system?no_sanity=1")]
    [InlineData("qemu+tcp://h/system?no_verify=1&no_tty=1")]
    public void What_turns_off_something_that_is_not_there_is_honoured(string uri) =>
        Assert.Equal("qemu:///system", RemoteAddress.Of(ConnectUri.Parse(uri), readOnly: false).Name);

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
