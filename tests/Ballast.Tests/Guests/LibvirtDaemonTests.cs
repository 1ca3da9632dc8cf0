using Ballast.Guests;

namespace Ballast.Tests.Guests;

[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed class LibvirtDaemonTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task virsh_shows_thirteen_statistics_of_a_real_guest()
    {
        await using var daemon = await LibvirtDaemon.StartAsync(Token);
        var image = await LinuxGuestImage.GetAsync(Token);
        var name = await daemon.CreateDomainAsync(DomainXml.ForLinuxGuest("linux", image, periodSeconds: 1), Token);
        CommandResult? stats = null;
        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), "thirteen statistics", async token =>
        {
            stats = await daemon.VirshAsync(["dommemstat", name], token);
            return Lines(stats).Length == 13;
        }, Token, TimeSpan.FromMilliseconds(500));
        Assert.Equal("actual 262144", Lines(stats!)[0]);
        Assert.StartsWith("rss ", Lines(stats!)[12], StringComparison.Ordinal);
        Assert.Contains("guest=linux", await File.ReadAllTextAsync($"/proc/{daemon.DomainPid(name)}/cmdline", Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_daemons_know_nothing_of_each_other_and_leave_nothing_behind()
    {
        var daemons = await Task.WhenAll(LibvirtDaemon.StartAsync(Token), LibvirtDaemon.StartAsync(Token));
        _ = await daemons[0].CreateDomainAsync(DomainXml.WithoutGuest("same-name"), Token);
        _ = await daemons[1].CreateDomainAsync(DomainXml.WithoutGuest("same-name", balloonModel: "none"), Token);
        var pids = daemons.SelectMany(daemon => new[] { daemon.Pid, daemon.DomainPid("same-name") }).ToArray();
        Assert.Equal(4, pids.Distinct().Count());
        Assert.Equal(3, Lines(await daemons[0].VirshAsync(["dommemstat", "same-name"], Token)).Length);
        _ = Assert.Single(Lines(await daemons[1].VirshAsync(["dommemstat", "same-name"], Token)));
        foreach (var daemon in daemons)
            await daemon.DisposeAsync();
        Assert.All(pids, pid => Assert.False(Directory.Exists($"/proc/{pid}")));
        Assert.False(File.Exists(daemons[0].SocketPath));
    }

    [Fact]
    public async Task A_domain_that_cannot_be_created_says_why()
    {
        await using var daemon = await LibvirtDaemon.StartAsync(Token);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => daemon.CreateDomainAsync(DomainXml.WithoutGuest("odd", balloonModel: "no-such-model"), Token));
        Assert.Contains("no-such-model", error.Message, StringComparison.Ordinal);
    }

    private static string[] Lines(CommandResult result) => result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
