namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that became a daemon, or changed its root, bound its sockets before it did.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class DaemonizedTests : IdentityTest
{
    [Theory]
    [InlineData("relative", "")]
    [InlineData("relative", "-daemonize")]
    [InlineData("relative", "-chroot")]
    [InlineData("relative", "-daemonize -chroot")]
    [InlineData("absolute", "-daemonize")]
    [InlineData("absolute", "-chroot")]
    [InlineData("absolute", "-daemonize -chroot")]
    public async Task It_is_found_where_it_was_started(string path, string options)
    {
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync(path, options, ["sh", "-c", "cd \"$0\" && export PWD && exec \"$@\"", directory]);
        await using Connection connection = await OpenAsync();
        await IsReachedAsync(await connection.LookupByNameAsync("vm", Token), qemu);
    }

    [Theory]
    [InlineData("-daemonize")]
    [InlineData("-daemonize -chroot")]
    public async Task Where_nothing_tells_where_that_was_the_reason_says_what_was_looked_for(string options)
    {
        // env -C leaves PWD as it is.
        string directory = MakeDirectory("x");
        PlainQemu qemu = await StartAsync("relative", options, ["env", "-u", "PWD", "-C", directory]);
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("vm", Token);
        Assert.Equal(qemu.Pid, domain.Id);
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(MemoryStatsReason.SocketNotFound, sample.Reason);
        Assert.Contains("q.sock': No such file or directory; name its socket", sample.Detail, StringComparison.Ordinal);
        await using Connection named = await OpenAsync($"qmp://{directory}");
        await IsReachedAsync(await DomainOfAsync(named, qemu), qemu);
    }

    private Task<PlainQemu> StartAsync(string path, string options, string[] through) => StartAsync(new PlainQemuOptions
    {
        Name = "vm",
        Uuid = Guid.NewGuid(),
        Through = through,
        Arguments =
        [
            .. Monitor(path == "relative" ? "q.sock" : Root.File("x/q.sock")),
            .. options.Contains("-chroot", StringComparison.Ordinal) ? RunWith("chroot", MakeDirectory("root")) : [],
        ],
        PidFile = options.Contains("-daemonize", StringComparison.Ordinal) ? Root.File("pid") : null,
    });
}
