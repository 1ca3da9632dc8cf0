using Ballast.Guests;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration.Identity;

/// <summary>Monitors that the command line's own text does not show, or that no unix socket leads to.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class OtherMonitorsTests : IdentityTest
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_file_for_readconfig_says_is_found(bool isRelative)
    {
        string directory = MakeDirectory("x");
        await File.WriteAllTextAsync(
            $"{directory}/vm.cfg",
            $"""
            # A comment.
            [name]
              guest = "filed"
            [chardev "m"]
              backend = "socket"
              path = "{(isRelative ? "q.sock" : $"{directory}/q.sock")}"
              server = "on"
              wait = "off"
            [mon "q"]
              chardev = "m"
              mode = "control"

            """, Token);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Uuid = Guid.NewGuid(),
            Arguments = ["-readconfig", isRelative ? "vm.cfg" : $"{directory}/vm.cfg"],
            Through = ["env", "-C", directory],
        });
        foreach (string uri in (string[])[Host, $"qmp://{directory}"])
        {
            await using Connection connection = await OpenAsync(uri);
            await IsReachedAsync(await connection.LookupByNameAsync("filed", Token), qemu);
        }
    }

    [Theory]
    [InlineData("/proc/kmsg")]
    [InlineData("/sys/kernel/tracing/trace_pipe")]
    [InlineData("/dev/zero")]
    [InlineData("/proc/kcore")]
    public async Task A_file_for_readconfig_whose_reading_never_ends_holds_up_nobody(string file)
    {
        string socket = $"{MakeDirectory("x")}/q.sock";
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        ChildProcess fake = Own(await FakeQemu.StartAsync(
            WorldPrograms.FakeQemu(programs.Directory), Root.File("log"), ["-name", "trap", "-m", "64", "-readconfig", file, .. Monitor(socket)], null, Token));
        await using Connection connection = await OpenAsync();
        Domain domain = await Task.Run(async () => await connection.LookupByNameAsync("trap", Token), Token).WaitAsync(Deadline.Default, Token);
        Assert.Equal(fake.Pid, domain.Id);
        Assert.Equal(65536UL, (await SampleAsync(domain)).ActualKiB);
    }

    [Theory]
    [InlineData("tcp:127.0.0.1:PORT,server=on,wait=off", "tcp:127.0.0.1:PORT")]
    [InlineData("telnet:127.0.0.1:PORT,server=on,wait=off", "telnet:127.0.0.1:PORT")]
    [InlineData("null", "null")]
    public async Task One_that_no_unix_socket_leads_to_is_said_to_be_that(string monitor, string named)
    {
        using HeldPort held = new();
        int port = held.Port;
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "elsewhere",
            Uuid = Guid.NewGuid(),
            Arguments = ["-qmp", monitor.Replace("PORT", $"{port}", StringComparison.Ordinal)],
        });
        await IsRefusedAsync("elsewhere", qemu, named.Replace("PORT", $"{port}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_without_any_is_said_to_have_none()
    {
        PlainQemu qemu = await StartAsync(new PlainQemuOptions { Name = "mute", Uuid = Guid.NewGuid(), Arguments = [] });
        await IsRefusedAsync("mute", qemu, "'mute' offers no QMP monitor");
    }

    private static async Task IsRefusedAsync(string name, PlainQemu qemu, string text)
    {
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync(name, Token);
        Assert.Equal(qemu.Pid, domain.Id);
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(MemoryStatsReason.NoMonitor, sample.Reason);
        Assert.Contains(text, sample.Detail, StringComparison.Ordinal);
        Assert.Contains("-qmp unix:PATH,server=on,wait=off", sample.Detail, StringComparison.Ordinal);
        Assert.NotNull(sample.RssKiB);
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
        Assert.Equal(ErrorCode.OperationUnsupported, refused.Code);
        Assert.True(qemu.IsAlive);
    }
}
