using System.Net.Sockets;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class ConnectTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_monitor_that_does_not_greet_is_left_at_once_when_time_is_up()
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        FakeTimeProvider time = new();
        Task<Connection> opening = FakeSession.ConnectAsync(fake, time, Timeout);
        await fake.ConnectedAsync();
        time.Advance(Timeout);

        LibvirtException error = await opening.FailsAsync(ErrorCode.OperationTimeout);

        Assert.Equal($"Timed out during operation: QEMU monitor '{fake.Path}' sent no greeting within 2 s", error.Message);
        await fake.DisconnectedAsync();
        Assert.Empty(fake.Commands);
    }

    [Fact]
    public async Task A_monitor_that_stopped_greeting_fails_later_callers_at_once_and_one_waits_whether_it_greets_again()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, Timeout);
        fake.GreetingText = null;
        await session.LoseAsync(fake);

        Task<MemoryStat[]> first = session.StatsAsync();
        await fake.ConnectedAsync(2);
        time.Advance(Timeout);
        await first.FailsAsync(ErrorCode.OperationTimeout);
        await fake.DisconnectedAsync();
        await Deadline.UntilAsync(Deadline.Default, "end of the attempt", _ => IsKnownSilentAsync(session), TestContext.Current.CancellationToken);
        Assert.Equal(2, fake.Clients);

        time.Advance(Timeout);
        Task<MemoryStat[]> probe = session.StatsAsync();
        await fake.ConnectedAsync(3);
        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("it was not asked again", error.Message, StringComparison.Ordinal);
        Assert.False(probe.IsCompleted);
        await fake.SendAsync(FakeQmp.Greeting);

        Assert.Equal(2, (await probe.In()).Length);
        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(3, fake.Clients);
    }

    [Theory]
    [InlineData("""{"QMP": {}}""", "its greeting has no version")]
    [InlineData("""{"QMP": 5}""", "its greeting is not an object")]
    [InlineData("""{"hello": 5}""", "it sent a message of no known kind")]
    [InlineData("""{"return": {}}""", "it sent a message out of turn")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "no"}}""", "it did not greet as QEMU does")]
    [InlineData("SSH-2.0-OpenSSH_9.2", "it sent something that is not JSON")]
    [InlineData("HTTP/1.1 400 Bad Request", "it sent something that is not JSON")]
    [InlineData("\0\0\0\0", "it sent something that is not JSON")]
    [InlineData("""{"QMP": ]}""", "it sent something that is not JSON")]
    public async Task What_does_not_greet_as_QEMU_is_no_monitor(string greeting, string complaint)
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        Task<Connection> opening = FakeSession.ConnectAsync(fake);
        await fake.ConnectedAsync();
        await fake.SendRawAsync(greeting + "\r\n");

        LibvirtException error = await opening.FailsAsync(ErrorCode.SystemError);

        Assert.Equal(ErrorOrigin.Rpc, error.Origin);
        Assert.Equal($"Connection to QEMU monitor '{fake.Path}' was lost: {complaint}", error.Message);
        await fake.DisconnectedAsync();
        Assert.Empty(fake.Commands);
    }

    [Fact]
    public async Task A_monitor_that_refuses_capabilities_is_left()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("qmp_capabilities", FakeQmp.Error("GenericError", "no"));

        LibvirtException error = await FakeSession.ConnectAsync(fake).FailsAsync(ErrorCode.SystemError);

        Assert.Contains("refused to leave capabilities negotiation", error.Message, StringComparison.Ordinal);
        await fake.DisconnectedAsync();
    }

    [Fact]
    public async Task The_out_of_band_capability_is_never_asked_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal("""{"execute":"qmp_capabilities"}""", fake.Commands[0].Text);
    }

    [Fact]
    public async Task A_socket_that_is_missing_is_a_system_error_with_its_number()
    {
        using PrivateDirectory directory = new();

        LibvirtException error = await OpenAsync(directory.File("none")).FailsAsync(ErrorCode.SystemError);

        Assert.Equal((2, ErrorOrigin.Qemu), (error.Int1, error.Origin));
        Assert.Equal($"Failed to connect socket to '{directory.File("none")}': No such file or directory; QEMU creates one there if it is started with -qmp unix:PATH,server=on,wait=off", error.Message);
    }

    [Fact]
    public async Task A_socket_that_nobody_listens_on_is_a_system_error_with_its_number()
    {
        using PrivateDirectory directory = new();
        using Socket bound = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bound.Bind(new UnixDomainSocketEndPoint(directory.File("s")));

        Assert.Equal(111, (await OpenAsync(directory.File("s")).FailsAsync(ErrorCode.SystemError)).Int1);
    }

    [Fact]
    public async Task A_file_that_is_no_socket_is_a_system_error_with_its_number()
    {
        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("f"), "", Token);

        Assert.Equal(111, (await OpenAsync(directory.File("f")).FailsAsync(ErrorCode.SystemError)).Int1);
        Assert.Equal(20, (await OpenAsync(directory.File("f/s")).FailsAsync(ErrorCode.SystemError)).Int1);
    }

    [Fact]
    public async Task A_path_that_is_too_long_for_a_file_is_a_system_error_with_its_number()
    {
        // A socket's own limit of 107 bytes is none: it is connected to through a descriptor.
        Assert.Equal(2, (await OpenAsync("/" + new string('x', 255)).FailsAsync(ErrorCode.SystemError)).Int1);
        Assert.Equal(36, (await OpenAsync("/" + new string('x', 256)).FailsAsync(ErrorCode.SystemError)).Int1);
        Assert.Equal(36, (await OpenAsync("/" + new string('x', 5000)).FailsAsync(ErrorCode.SystemError)).Int1);
    }

    [Theory]
    [InlineData(13, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(111, false)]
    public void Permission_denied_is_told_from_other_failures_to_connect(int errno, bool isDenied)
    {
        LibvirtException error = QmpErrors.CannotConnect("/s", errno);

        Assert.Equal((ErrorCode.SystemError, errno), (error.Code, error.Int1));
        Assert.Equal(isDenied, QmpErrors.IsPermissionDenied(error));
    }

    [Fact]
    public async Task A_connection_needs_an_absolute_path_of_one_socket()
    {
        foreach (string uri in (string[])["qmp:relative/path", "qmp://host/path"])
            await Connection.OpenAsync(uri, cancellationToken: Token).In().FailsAsync(ErrorCode.NoConnect);
    }

    [Fact]
    public async Task Another_guest_behind_the_same_socket_is_another_domain()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Uuid = "6fd2d2d0-0002-4a6c-9a0b-3c1c5f8f4e11";
        fake.Guest.Name = "other";
        await session.LoseAsync(fake);

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.NoDomain);

        Assert.Contains("6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11", error.Message, StringComparison.Ordinal);
        Assert.Equal("other", Assert.Single(await session.Connection.ListDomainsAsync(cancellationToken: Token)).Name);
    }

    // Who joined the attempt in its end may wait for the time, which stands still.
    private static async Task<bool> IsKnownSilentAsync(FakeSession session)
    {
        Task<MemoryStat[]> call = session.StatsAsync();
        await Task.WhenAny(call, Task.Delay(TimeSpan.FromMilliseconds(100)));
        return call.IsFaulted && call.Exception.InnerException!.Message.Contains("not asked again", StringComparison.Ordinal);
    }

    private static Task<Connection> OpenAsync(string path) => Connection.OpenAsync($"qmp://{path}").In();
}
