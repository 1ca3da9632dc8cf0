using System.Net.Sockets;
using Ballast.Guests;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration.Identity;

/// <summary>What answers as a monitor does at a QEMU's serial line is the guest, or something within it, and never that QEMU.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class GuestsWordTests : IdentityTest
{
    // A listening socket as descriptor 3.
    private const string Listen =
        """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.bind(sys.argv[1])
        s.listen(1)
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.execvp(sys.argv[2], sys.argv[2:])
        """;

    private static readonly string[] SerialLine = ["-chardev", "socket,id=s,fd=3,server=on,wait=off", "-serial", "chardev:s"];
    private static readonly string[] PassedMonitor = ["-chardev", "socket,id=s,fd=3,server=on,wait=off", "-mon", "chardev=s,mode=control"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Its_host_is_another_domain_than_the_one_that_speaks(bool isSerial)
    {
        (ChildProcess host, string socket) = await StartAsync(isSerial ? SerialLine : PassedMonitor);
        await using Connection connection = await OpenAsync($"qmp://{socket}");
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(65536UL, sample.ActualKiB);
        Assert.Equal(isSerial ? ("inner", 0) : ("outer", host.Pid), (domain.Name, domain.Id));
        Assert.Equal(isSerial, sample.RssKiB is null);
    }

    [Fact]
    public async Task Nor_is_its_host_shown_for_one_that_somebody_holds()
    {
        (_, string socket) = await StartAsync(SerialLine);
        await using NetworkStream holder = await UnixSocket.ConnectAsync(socket, Token);
        LibvirtException held = await Assert.ThrowsAsync<LibvirtException>(async () =>
        {
            await using Connection connection = await OpenAsync($"qmp://{socket}", TimeSpan.FromSeconds(3));
        });
        Assert.Equal(ErrorCode.ResourceBusy, held.Code);
    }

    private async Task<(ChildProcess Host, string Socket)> StartAsync(string[] arguments)
    {
        string socket = $"{MakeDirectory("x")}/s.sock";
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        ChildProcess host = Own(await FakeQemu.StartAsync(
            "/usr/bin/python3", Root.File("log"),
            ["-c", Listen, socket, WorldPrograms.FakeQemu(programs.Directory), "-name", "outer", "-uuid", $"{Guid.NewGuid()}", "-m", "64", .. arguments],
            new Dictionary<string, string> { ["FAKE_SAY_NAME"] = "inner" }, Token));
        return (host, socket);
    }
}
