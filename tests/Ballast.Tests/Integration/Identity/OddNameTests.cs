using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>To Linux, names are bytes. Of several that are one text to whoever decodes them as UTF-8, each is a socket of its own.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class OddNameTests : IdentityTest
{
    // For printf: two that are no UTF-8, and the character that stands for what is none.
    private static readonly string[] Names = [@"vm\377.sock", @"vm\376.sock", @"vm\357\277\275.sock"];
    private static readonly string[] InUri = ["vm%FF.sock", "vm%fe.sock", "vm%EF%BF%BD.sock"];

    // A shell makes the name: no argument of ours can hold such bytes.
    private const string Listen = """socket=$(printf "$0"); exec "$@" -qmp "unix:$socket,server=on,wait=off" """;

    [Theory]
    [InlineData(Host)]
    [InlineData("directory")]
    [InlineData("socket")]
    public async Task A_socket_is_reached_by_the_bytes_of_its_name(string where)
    {
        string directory = MakeDirectory("x");
        PlainQemu[] qemus = [await StartAsync(directory, 0), await StartAsync(directory, 1), await StartAsync(directory, 2)];
        for (int i = 0; i < qemus.Length; i++)
        {
            await using Connection connection = await OpenAsync(
                where == Host ? Host : where == "directory" ? $"qmp://{directory}" : $"qmp://{directory}/{InUri[i]}");
            IEnumerable<string> names = (await connection.ListDomainsAsync(cancellationToken: Token)).Select(domain => domain.Name);
            Assert.Equal(
                where == "socket" ? (string[])[$"odd{i}"] : ["odd0", "odd1", "odd2"],
                names.Where(name => name.StartsWith("odd", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
            await IsReachedAsync(await connection.LookupByNameAsync($"odd{i}", Token), qemus[i]);
        }

        for (int i = 0; i < qemus.Length; i++)
            Assert.Equal(qemus[i].MemoryKib - 4096, await qemus[i].TargetKibAsync(Token));
    }

    [Fact]
    public async Task The_commands_reach_them_in_a_directory_whose_name_is_no_text_either()
    {
        CommandResult made = await ChildProcess.RunAsync("sh", ["-c", """mkdir "$(printf "$0")" """, $@"{Root.Path}/d\351"], cancellationToken: Token);
        Assert.Equal(0, made.ExitCode);
        PlainQemu qemu = await StartAsync($@"{Root.Path}/d\351", 0);
        string uri = $"qmp://{Root.Path}/d%E9";
        CommandResult stats = await BallastProgram.RunAsync(Token, "-c", uri, "dommemstat", "odd0");
        Assert.Equal((0, ""), (stats.ExitCode, stats.Errors));
        Assert.Contains($"actual {qemu.MemoryKib}", stats.Output, StringComparison.Ordinal);
        CommandResult set = await BallastProgram.RunAsync(Token, "-c", uri, "setmem", "odd0", "40000", "--force");
        Assert.Equal((0, ""), (set.ExitCode, set.Errors));
        Assert.Equal(40000UL, await qemu.TargetKibAsync(Token));
    }

    [Fact]
    public async Task What_cannot_be_reached_there_is_named_so_that_it_can_be_told_from_another()
    {
        LibvirtException missing = await Assert.ThrowsAsync<LibvirtException>(async () => await OpenAsync($"qmp://{Root.Path}/vm%FF.sock"));
        Assert.Contains(@"vm\xff.sock", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_names_of_guests_that_are_one_text_are_told_apart()
    {
        string directory = MakeDirectory("x");
        const string called = """name=$(printf "$0"); exec "$@" -name "$name" """;
        PlainQemu[] qemus =
        [
            await StartAsync(new PlainQemuOptions { Uuid = Guid.NewGuid(), Through = ["bash", "-c", called, @"g\377"], Arguments = Monitor($"{directory}/a") }),
            await StartAsync(new PlainQemuOptions { Uuid = Guid.NewGuid(), Through = ["bash", "-c", called, @"g\376"], Arguments = Monitor($"{directory}/b") }),
        ];
        foreach (string uri in (string[])[Host, $"qmp://{directory}"])
        {
            await using Connection connection = await OpenAsync(uri);
            Assert.Equal("g\uFFFD", (await DomainOfAsync(connection, qemus[0])).Name);
            Assert.Equal($"g\uFFFD@{qemus[1].Pid}", (await DomainOfAsync(connection, qemus[1])).Name);
            foreach (PlainQemu qemu in qemus)
                await IsReachedAsync(await connection.LookupByNameAsync((await DomainOfAsync(connection, qemu)).Name, Token), qemu);
        }
    }

    private Task<PlainQemu> StartAsync(string directory, int number) => StartAsync(new PlainQemuOptions
    {
        Name = $"odd{number}",
        Uuid = Guid.NewGuid(),
        Through = ["bash", "-c", Listen, $"{directory}/{Names[number]}"],
        Arguments = [],
    });
}
