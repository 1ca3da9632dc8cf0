namespace Ballast.Tests.Integration.Identity;

/// <summary>A manager's monitor is left alone however its QEMU's command line names it.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class ManagedPlaceTests : IdentityTest
{
    // A listening socket of a directory as descriptor 3.
    private const string Pass =
        """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.bind(sys.argv[1])
        s.listen(1)
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.execvp(sys.argv[2], sys.argv[2:])
        """;

    [Theory]
    [InlineData("absolute")]
    [InlineData("link")]
    [InlineData("relative")]
    [InlineData("daemon")]
    [InlineData("descriptor")]
    public async Task It_is_known_by_where_its_socket_lies(string named)
    {
        string directory = MakeDirectory("managers"), link = Root.File("link");
        File.CreateSymbolicLink(link, directory);
        PlainQemuOptions options = named switch
        {
            "link" => new PlainQemuOptions { Arguments = Monitor($"{link}/q.sock") },
            "relative" => new PlainQemuOptions { Arguments = Monitor("q.sock"), Through = ["env", "-C", directory] },

            // Its directory is the root by then; the shell's word for where it was started stays.
            "daemon" => new PlainQemuOptions { Arguments = Monitor("q.sock"), Through = ["sh", "-c", $"cd {directory} && exec \"$@\"", "sh"], PidFile = Root.File("pid") },
            "descriptor" => new PlainQemuOptions
            {
                Arguments = ["-chardev", "socket,id=m,fd=3,server=on,wait=off", "-mon", "chardev=m,mode=control"],
                Through = ["/usr/bin/python3", "-c", Pass, $"{directory}/q.sock"],
            },
            _ => new PlainQemuOptions { Arguments = Monitor($"{directory}/q.sock") },
        };
        PlainQemu qemu = await StartAsync(options with { Name = "managed", Uuid = Guid.NewGuid() });
        foreach (string said in (string[])[directory, link])
        {
            await using Connection connection = await Connection.OpenAsync(
                Host, new ConnectionOptions { ManagedDirectories = new Dictionary<string, string> { [said] = "a manager of ours" } }, Token);
            Domain domain = await DomainOfAsync(connection, qemu);
            MemoryStats sample = await SampleAsync(domain);
            Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
            Assert.Contains("belongs to a manager of ours", sample.Detail, StringComparison.Ordinal);
            _ = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetMemoryAsync(40960, cancellationToken: Token));
            Assert.Equal(qemu.MemoryKib, await qemu.TargetKibAsync(Token));
        }

        await IsFreeAsync($"{directory}/q.sock");
    }
}
