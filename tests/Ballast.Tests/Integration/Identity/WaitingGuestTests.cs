using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that waits for its controller starts the guest for whoever connects first.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class WaitingGuestTests : IdentityTest
{
    private string Socket => Root.File("wait.sock");

    // QEMU opens it after the one that it waits at.
    private string Later => Root.File("later.sock");

    [Theory]
    [InlineData("server=on", true)]
    [InlineData("server", true)]
    [InlineData("server=on,wait=on", false)]
    public async Task It_is_listed_with_that_reason_and_does_not_start(string options, bool hasUuid)
    {
        PlainQemu qemu = await StartAsync(options, hasUuid);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token);
        foreach (string uri in (string[])[Host, daemon.Uri])
        {
            await using Connection connection = await OpenAsync(uri);
            Domain domain = await DomainOfAsync(connection, qemu);
            Assert.Equal("waiting", domain.Name);
            MemoryStats sample = await SampleAsync(domain);
            Assert.Equal(MemoryStatsReason.MonitorBusy, sample.Reason);
            if (uri == Host)
            {
                Assert.Contains("waits for its controller", sample.Detail, StringComparison.Ordinal);
                Assert.Contains($"'{Socket}'", sample.Detail, StringComparison.Ordinal);
                Assert.NotNull(sample.RssKiB);
            }

            Assert.Equal(DomainState.NoState, (await domain.GetStateAsync(Token)).State);
            _ = await connection.GetAllDomainStatsAsync(cancellationToken: Token);
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
            Assert.Equal(ErrorCode.ResourceBusy, refused.Code);
        }

        foreach (string[] command in (string[][])[["list"], ["dommemstat", "waiting"], ["domstate", "waiting"], ["setmem", "waiting", "40000"]])
            _ = await BallastProgram.RunAsync(Token, ["-c", Host, .. command]);

        // It would have gone on at the first connection.
        await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
        Assert.Equal(1, UnixSocket.Count(Socket));
        Assert.False(File.Exists(Later));
        Assert.True(qemu.IsAlive);
    }

    [Fact]
    public async Task After_its_controller_came_and_left_it_is_used()
    {
        PlainQemu qemu = await StartAsync("server=on", hasUuid: true);
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainOfAsync(connection, qemu);
        Assert.Equal(MemoryStatsReason.MonitorBusy, (await SampleAsync(domain)).Reason);
        OracleMonitor controller = await OracleMonitor.ConnectAsync(Socket, cancellationToken: Token);
        await ListensAsync(Later);
        _ = await DomainOfAsync(connection, qemu);
        await controller.DisposeAsync();
        await Deadline.UntilAsync(Deadline.Default, "QEMU's look at who left", _ => Task.FromResult(UnixSocket.Count(Socket) == 1), Token);

        MemoryStats sample = await SampleAsync(domain);
        Assert.True(sample.ActualKiB == qemu.MemoryKib, $"{sample.Reason}: {sample.Detail}");
    }

    [Fact]
    public async Task To_name_its_socket_is_to_start_it()
    {
        PlainQemu qemu = await StartAsync("server=on", hasUuid: true);
        await using Connection named = await OpenAsync($"qmp://{Socket}");
        MemoryStats sample = await SampleAsync(await DomainOfAsync(named, qemu));
        Assert.True(sample.ActualKiB == qemu.MemoryKib, $"{sample.Reason}: {sample.Detail}");
        Assert.True(File.Exists(Later));
    }

    private async Task<PlainQemu> StartAsync(string options, bool hasUuid)
    {
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "waiting",
            Uuid = hasUuid ? Guid.NewGuid() : null,
            Arguments = ["-qmp", $"unix:{Socket},{options}", "-chardev", $"socket,id=l,path={Later},server=on,wait=off", "-mon", "chardev=l,mode=readline"],
            Waits = true,
        });
        await ListensAsync(Socket);
        return qemu;
    }
}
