using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A socket is its entry in a file system, whatever text it was bound with and wherever the entry lies now.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "virsh")]
[Collection(ExclusiveCollection.Name)]
public sealed class MovedSocketTests : IdentityTest
{
    public static TheoryData<string> Situations { get; } =
    [
        "absolute path", "relative path", "bound through a linked directory", "directory named through a link", "a link to the socket",
        "a link to a link", "socket renamed", "socket moved", "directory renamed", "directory renamed, relative path", "another network namespace",
        "another mount namespace",
    ];

    [Theory]
    [MemberData(nameof(Situations))]
    public async Task It_is_found_in_its_directory_by_its_path_and_on_the_host(string situation)
    {
        (PlainQemu qemu, string directory, bool isFound) = await StartAsync(situation);
        await using (Connection all = await OpenAsync($"qmp://{directory}"))
            await IsReachedAsync(Assert.Single(await all.ListDomainsAsync(cancellationToken: Token)), qemu);
        string file = Assert.Single(Directory.GetFileSystemEntries(directory));
        await using (Connection named = await OpenAsync($"qmp://{file}"))
            await IsReachedAsync(Assert.Single(await named.ListDomainsAsync(cancellationToken: Token)), qemu);

        await using Connection host = await OpenAsync();
        Domain domain = await host.LookupByNameAsync("vm", Token);
        if (isFound)
        {
            await IsReachedAsync(domain, qemu);
            return;
        }

        // The path that QEMU was given leads nowhere any more.
        Assert.Equal(qemu.Pid, domain.Id);
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(MemoryStatsReason.SocketNotFound, sample.Reason);
        Assert.Contains("No such file or directory", sample.Detail, StringComparison.Ordinal);
        Assert.NotNull(sample.RssKiB);
    }

    [Fact]
    public async Task It_is_found_through_a_bind_mount_of_its_directory()
    {
        string directory = MakeDirectory("x"), bound = MakeDirectory("bound");
        PlainQemu qemu = await StartAsync("vm", $"{directory}/a.sock", Guid.NewGuid());
        foreach (string place in (string[])[bound, $"{bound}/a.sock"])
        {
            // In mounts of their own: those of the host stay as they are.
            foreach (string[] command in (string[][])[["list", "--name"], ["dommemstat", "vm"], ["setmem", "vm", "40000", "--force"]])
            {
                CommandResult result = await ChildProcess.RunAsync(
                    "unshare",
                    ["--mount", "sh", "-e", "-c", "mount --bind \"$1\" \"$2\"; shift 2; exec \"$@\"", "sh", directory, bound,
                        BallastProgram.Path, "-c", $"qmp://{place}", .. command], cancellationToken: Token);
                Assert.True(result is { ExitCode: 0, Errors: "" }, $"{place} {command[0]}: {result.Errors}");
                Assert.Contains(command[0] switch { "list" => "vm", "dommemstat" => $"actual {qemu.MemoryKib}", _ => "" }, result.Output, StringComparison.Ordinal);
            }

            Assert.Equal(40000UL, await qemu.TargetKibAsync(Token));
        }
    }

    private async Task<(PlainQemu Qemu, string Directory, bool IsFound)> StartAsync(string situation)
    {
        string x = MakeDirectory("x"), y = MakeDirectory("y"), link = Root.File("link");
        Directory.CreateSymbolicLink(link, x);
        string[] within = ["env", "-C", x];
        Task<PlainQemu> Qemu(string socket, params string[] through) =>
            StartAsync(new PlainQemuOptions { Name = "vm", Uuid = Guid.NewGuid(), Arguments = Monitor(socket), Through = through });
        PlainQemu qemu = situation switch
        {
            "relative path" or "directory renamed, relative path" => await Qemu("a.sock", within),
            "bound through a linked directory" => await Qemu($"{link}/a.sock"),
            "another network namespace" => await Qemu($"{x}/a.sock", "unshare", "--net"),
            "another mount namespace" => await Qemu($"{x}/a.sock", "unshare", "--mount"),
            _ => await Qemu($"{x}/a.sock"),
        };
        switch (situation)
        {
            case "directory named through a link":
                return (qemu, link, true);
            case "a link to the socket":
                File.CreateSymbolicLink($"{y}/b.sock", $"{x}/a.sock");
                return (qemu, y, true);
            case "a link to a link":
                File.CreateSymbolicLink(Root.File("between"), "x/a.sock");
                File.CreateSymbolicLink($"{y}/b.sock", "../between");
                return (qemu, y, true);
            case "socket renamed":
                File.Move($"{x}/a.sock", $"{x}/b.sock");
                return (qemu, x, false);
            case "socket moved":
                File.Move($"{x}/a.sock", $"{y}/a.sock");
                return (qemu, y, false);
            case "directory renamed" or "directory renamed, relative path":
                Directory.Move(x, Root.File("z"));
                return (qemu, Root.File("z"), situation != "directory renamed");
            default:
                return (qemu, x, true);
        }
    }
}
