using Ballast.Drivers.Remote;
using Ballast.Guests;

namespace Ballast.Tests.Sasl;

/// <summary>libvirt's file of names and passwords.</summary>
public sealed class AuthFileTests
{
    private const string Text =
        """
        # comment
        [credentials-one]
        authname = ann
        password=a = b; c

        [credentials-half]
        authname=bob

        [auth-libvirt-host1]
        credentials=one
        [auth-libvirt-host2]
        credentials=half
        [auth-libvirt-host3]
        credentials=missing
        [auth-libvirt-host4]
        [auth-esx-host5]
        credentials=one
        """;

    [Theory]
    [InlineData("host1", "ann", "a = b; c")]
    [InlineData("host2", "bob", null)]
    [InlineData("host5", null, null)]
    [InlineData("localhost", null, null)]
    public void A_host_has_its_own_credentials(string host, string? name, string? password) =>
        Assert.Equal(new AuthFile.Credentials(name, password), AuthFile.Parse(Text, host, "file"));

    [Fact]
    public void Other_hosts_have_the_default() => Assert.Equal(
        new AuthFile.Credentials("ann", "a = b; c"), AuthFile.Parse($"{Text}\n[auth-libvirt-default]\ncredentials=one\n", "localhost", "file"));

    [Theory]
    [InlineData("host3", "authentication failed: the auth file /x has no section [credentials-missing]")]
    [InlineData("host4", "authentication failed: the auth file /x names no credentials for host4")]
    public void What_contradicts_itself_is_an_error(string host, string why) =>
        Assert.Equal(why, Assert.Throws<LibvirtException>(() => AuthFile.Parse(Text, host, "/x")).Message);

    [Fact]
    public void What_is_not_UTF8_is_not_sent_as_something_else()
    {
        using PrivateDirectory directory = new();
        string file = directory.File("auth.conf");
        File.WriteAllBytes(file, [.. "[credentials-x]\nauthname=ann\npassword=gr"u8, 0xFC, .. "n\n[auth-libvirt-default]\ncredentials=x\n"u8]);
        LibvirtException error = Assert.Throws<LibvirtException>(() => AuthFile.Find(file, "localhost"));
        Assert.Equal(
            (ErrorCode.AuthenticationFailed, $"authentication failed: the auth file {file} cannot be read: it is not UTF-8: convert it (iconv -t UTF-8)"), (error.Code, error.Message));
    }

    [Fact]
    public async Task What_is_no_file_keeps_nobody_waiting()
    {
        using PrivateDirectory directory = new();
        string pipe = directory.File("pipe");
        Assert.Equal(0, (await ChildProcess.RunAsync("mkfifo", [pipe], cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        Assert.Equal(default, await Task.Run(() => AuthFile.Find(pipe, "localhost")).WaitAsync(Deadline.Default, TestContext.Current.CancellationToken));
        LibvirtException error = Assert.Throws<LibvirtException>(() => AuthFile.Find(directory.Path, "localhost"));
        Assert.Equal(ErrorCode.AuthenticationFailed, error.Code);
        Assert.StartsWith($"authentication failed: the auth file {directory.Path} cannot be read: ", error.Message);
    }
}
