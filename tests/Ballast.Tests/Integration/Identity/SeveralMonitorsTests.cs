using Ballast.Guests;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that offers several monitors is one domain, of whose monitors one is used.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class SeveralMonitorsTests : IdentityTest
{
    [Theory]
    [InlineData("host")]
    [InlineData("directory")]
    [InlineData("ballastd")]
    [InlineData("ballastd of a directory")]
    public async Task Two_monitors_of_one_QEMU_are_one_domain_and_the_second_stays_free(string where)
    {
        (PlainQemu qemu, string[] sockets) = await StartAsync();
        string uri = where switch
        {
            "host" => Host,
            "directory" => $"qmp://{Root.File("x")}",
            "ballastd" => Own(await BallastDaemon.StartAsync(Token)).Uri,
            _ => Own(await BallastDaemon.StartAsync(Token, "--qmp", Root.File("x"))).Uri,
        };
        await using Connection connection = await OpenAsync(uri);
        Domain domain = await DomainOfAsync(connection, qemu);
        await IsReachedAsync(domain, qemu);
        Assert.Single(await connection.GetAllDomainStatsAsync(cancellationToken: Token), record => record.Domain.Id == qemu.Pid);

        // One listens only, and one has a client.
        int[] counts = [.. sockets.Select(UnixSocket.Count).Order()];
        Assert.Equal([1, 2], counts);
        await IsFreeAsync(sockets.Single(socket => UnixSocket.Count(socket) == 1));
        await IsReachedAsync(domain, qemu);
    }

    [Theory]
    [InlineData("held")]
    [InlineData("absent")]
    [InlineData("replaced by a file")]
    [InlineData("taken over")]
    public async Task Where_the_first_cannot_be_used_the_next_one_is(string trouble)
    {
        (PlainQemu qemu, string[] sockets) = await StartAsync();
        switch (trouble)
        {
            case "held":
                _ = Own(await OracleMonitor.ConnectAsync(sockets[0], cancellationToken: Token));
                break;
            case "taken over":
                _ = await StartAsync("other", sockets[0], Guid.NewGuid(), memoryMib: 32);
                break;
            case "replaced by a file":
                File.Delete(sockets[0]);
                await File.WriteAllTextAsync(sockets[0], "", Token);
                break;
            default:
                File.Delete(sockets[0]);
                break;
        }

        await using Connection connection = await OpenAsync();
        await IsReachedAsync(await connection.LookupByNameAsync("two", Token), qemu);
        Assert.Equal(2, UnixSocket.Count(sockets[1]));
    }

    [Fact]
    public async Task Where_the_first_is_silent_the_next_one_is_used()
    {
        string directory = MakeDirectory("x"), log = Root.File("log");
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        ChildProcess fake = Own(await FakeQemu.StartAsync(
            WorldPrograms.FakeQemu(programs.Directory), log,
            ["-m", "64", "-name", "half", "-uuid", $"{Guid.NewGuid()}", .. Monitor($"{directory}/a"), .. Monitor($"{directory}/b")],
            new Dictionary<string, string> { ["FAKE_SILENT"] = "first" }, Token));
        await using Connection connection = await OpenAsync(timeout: TimeSpan.FromSeconds(2));
        Domain domain = await connection.LookupByNameAsync("half", Token);
        Assert.Equal(fake.Pid, domain.Id);
        MemoryStats sample = await SampleAsync(domain);
        Assert.True(sample.ActualKiB == 65536, $"{sample.Reason}: {sample.Detail}");
    }

    [Fact]
    public async Task When_a_holder_left_its_monitor_is_used()
    {
        (PlainQemu qemu, string[] sockets) = await StartAsync();
        OracleMonitor first = Own(await OracleMonitor.ConnectAsync(sockets[0], cancellationToken: Token));
        _ = Own(await OracleMonitor.ConnectAsync(sockets[1], cancellationToken: Token));
        await using Connection connection = await OpenAsync($"qmp://{Root.File("x")}");
        Domain domain = await DomainOfAsync(connection, qemu);
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
        Assert.Contains($"(process {Environment.ProcessId}, ", sample.Detail, StringComparison.Ordinal);
        await first.DisposeAsync();
        await IsReachedAsync(domain, qemu);
        Assert.Equal(2, UnixSocket.Count(sockets[0]));
    }

    [Fact]
    public async Task When_the_used_one_is_taken_by_its_owner_the_next_one_is_used()
    {
        (PlainQemu qemu, string[] sockets) = await StartAsync();
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("two", Token);
        await IsReachedAsync(domain, qemu);
        string used = sockets.Single(socket => UnixSocket.Count(socket) == 2);
        await using OracleMonitor owner = await OracleMonitor.ConnectAsync(used, TimeSpan.FromSeconds(2), Token);
        await IsReachedAsync(domain, qemu);
        Assert.All(sockets, socket => Assert.Equal(2, UnixSocket.Count(socket)));
    }

    private async Task<(PlainQemu Qemu, string[] Sockets)> StartAsync()
    {
        string directory = MakeDirectory("x");
        string[] sockets = [$"{directory}/a.sock", $"{directory}/b.sock"];
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "two",
            Uuid = Guid.NewGuid(),
            Arguments = [.. Monitor(sockets[0]), .. Monitor(sockets[1])],
        });
        return (qemu, sockets);
    }
}
