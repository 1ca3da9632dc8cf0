using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// What makes, changes and removes domains of the test driver, by one C program on libvirt and on the C library: results,
/// errors, XML and events are equal to the byte.
/// </summary>
[Trait("needs", "libvirtd")]
// A newer libvirt has other texts and one more level of processors.
[Trait("oracle", "libvirt 9.0")]
public sealed partial class NativeLifeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("test:///default")]
    [InlineData("FILE")]
    public async Task A_test_hosts_domains_live_as_libvirts_do(string uri)
    {
        if (uri == "FILE")
            uri = $"test://{NativeProgram.Sources}/host/host.xml";
        using NativeProgram program = await NativeProgram.BuildAsync("life", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token, uri);
        CommandResult ours = await program.RunAsync(Token, uri);
        Assert.Equal((0, 0, ""), (theirs.ExitCode, ours.ExitCode, ours.Errors));
        Assert.True(theirs.Output.Split('\n').Length > 2000, "The program ended early.");
        Assert.Equal(Lines(NumberedArgument().Replace(theirs.Output, "%s")), Lines(ours.Output));
    }

    [Fact]
    public async Task Who_is_let_in_is_asked_as_libvirt_asks()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("life", forLibvirt: true, Token);
        string uri = $"test://{NativeProgram.Sources}/host/users.xml";
        CommandResult theirs = await program.RunOnLibvirtAsync(Token, "-u", uri), ours = await program.RunCheckedAsync(Token, "-u", uri);
        Assert.Contains("asked 7 Enter known's password", theirs.Output, StringComparison.Ordinal);
        Assert.Equal(theirs, ours);
    }

    [Fact]
    public async Task Through_ballastd_they_live_the_same_for_libvirts_client_and_for_ours()
    {
        await using BallastDaemon first = await BallastDaemon.StartAsync(Token), second = await BallastDaemon.StartAsync(Token);
        using NativeProgram program = await NativeProgram.BuildAsync("life", forLibvirt: true, Token);
        CommandResult local = await program.RunOnLibvirtAsync(Token, "test:///default", "remote");
        CommandResult theirs = await program.RunOnLibvirtAsync(Token, RemoteUri(first), "remote");
        Assert.Equal((0, 0), (local.ExitCode, theirs.ExitCode));
        Assert.Equal(Lines(local.Output), Lines(theirs.Output));

        CommandResult ours = await program.RunAsync(Token, RemoteUri(second), "remote");
        Assert.Equal((0, ""), (ours.ExitCode, ours.Errors));
        Assert.Equal(Lines(local.Output), Lines(ours.Output));
    }

    private static string RemoteUri(BallastDaemon daemon) => $"test+unix:///default?socket={daemon.SocketPath}";

    // The whole would be thousands of lines: this says which line is the first that differs, and what came before it.
    private static string[] Lines(string output) => output.Split('\n');

    [GeneratedRegex(@"%[0-9]+\$s")]
    private static partial Regex NumberedArgument();
}
