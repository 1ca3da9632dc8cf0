using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A monitor that somebody else uses is left to them.</summary>
public sealed class HeldMonitorTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1999, 0)]
    [InlineData(20_000, 10)]
    [InlineData(1_000_000, 500)]
    public void Queues_are_looked_at_less_often_where_there_are_thousands_of_sockets(int listeners, int skipped) =>
        Assert.Equal(skipped, MonitorCourtesy.LooksToSkip(listeners));

    [Fact]
    public async Task A_held_monitor_is_busy_and_never_connected_to()
    {
        await using FakeQmp fake = FakeQmp.Start();
        using Socket owner = Connect(fake.Path);
        await fake.ConnectedAsync();

        LibvirtException error = await FakeSession.ConnectAsync(fake).FailsAsync(ErrorCode.ResourceBusy);

        Assert.Equal(ErrorOrigin.Qemu, error.Origin);
        Assert.True(error.IsTransient);
        Assert.Contains("is held by", error.Message, StringComparison.Ordinal);
        owner.Dispose();
        await fake.DisconnectedAsync();
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task A_monitor_that_becomes_free_soon_is_waited_for()
    {
        await using FakeQmp fake = FakeQmp.Start();
        Socket owner = Connect(fake.Path);
        await fake.ConnectedAsync();
        Microsoft.Extensions.Time.Testing.FakeTimeProvider time = new();

        Task<Connection> opening = FakeSession.ConnectAsync(fake, time);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.False(opening.IsCompleted);
        owner.Dispose();
        await Waiting.UntilAsync("connection", () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            return opening.IsCompleted;
        });

        await (await opening).DisposeAsync();
    }

    [Fact]
    public async Task The_sample_of_a_monitor_that_was_taken_over_says_that_it_is_busy()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        using Socket owner = await TakeOverAsync(fake, session);

        Assert.Equal(MemoryStatsReason.MonitorBusy, (await session.SampleAsync()).Reason);
        await session.StatsAsync().FailsAsync(ErrorCode.ResourceBusy);
        Assert.Equal(default, await session.Domain.GetStateAsync(TestContext.Current.CancellationToken));
        Assert.Equal(new DomainControlInfo(DomainControlState.Error, 2, 0), await session.Domain.GetControlInfoAsync(TestContext.Current.CancellationToken));
    }

    // On a machine with much to do, time is up before anybody could look. So little time is as much as that.
    [Fact]
    public async Task A_held_monitor_is_busy_though_time_is_up_before_that_is_found_out()
    {
        TimeSpan little = TimeSpan.FromMilliseconds(20);
        await using FakeQmp held = FakeQmp.Start();
        using Socket owner = Connect(held.Path);
        await held.ConnectedAsync();
        LibvirtException error = await FakeSession.ConnectAsync(held, timeout: little).FailsAsync(ErrorCode.ResourceBusy);
        Assert.Contains($"(process {Environment.ProcessId}", error.Message, StringComparison.Ordinal);

        Microsoft.Extensions.Time.Testing.FakeTimeProvider time = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, little);
        using Socket taker = await TakeOverAsync(fake, session);
        for (int look = 0; look < 3; look++)
        {
            Task<IReadOnlyList<DomainMemorySample>> looking = session.Connection.GetAllMemoryStatsAsync(cancellationToken: TestContext.Current.CancellationToken).In();
            await Waiting.UntilAsync("sample", () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(1));
                return looking.IsCompleted;
            });
            Assert.Equal(MemoryStatsReason.MonitorBusy, Assert.Single(await looking).Stats.Reason);
        }
    }

    [Fact]
    public async Task A_monitor_that_serves_us_and_does_not_greet_is_hung()
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        await FakeSession.ConnectAsync(fake, timeout: TimeSpan.FromMilliseconds(20)).FailsAsync(ErrorCode.OperationTimeout);
    }

    [Fact]
    public async Task Who_waits_to_be_accepted_is_not_served()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("s");
        using Socket listener = Listen(path);
        Socket client = Connect(path);
        Assert.Empty(Served());
        using Socket accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Single(Served());
        client.Dispose();
        Assert.Empty(Served());

        IEnumerable<uint> Served() => UnixSocketTable.Read(NetNamespace.Own)!.ServedAt(Assert.IsType<SocketFile>(SocketFile.Of(path)))!;
    }

    [Fact]
    public async Task Who_waits_to_be_accepted_counts_as_an_owner_and_who_left_does_not()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("s");
        using Socket listener = Listen(path);
        Assert.False(UnixSocketTable.IsHeld(path));

        Socket client = Connect(path);
        Assert.True(UnixSocketTable.IsHeld(path));
        client.Dispose();
        Assert.False(UnixSocketTable.IsHeld(path));

        client = Connect(path);
        using Socket left = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        using Socket accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.True(UnixSocketTable.IsHeld(path));
        client.Dispose();
        Assert.False(UnixSocketTable.IsHeld(path));
    }

    [Fact]
    public async Task The_other_end_of_one_connection_is_told_when_it_was_accepted()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("s");
        using Socket listener = Listen(path);
        using Socket client = Connect(path);
        uint inode = Inode(client);
        Assert.Equal(0u, UnixSocketDiag.PeerOf(inode));

        Socket accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Inode(accepted), UnixSocketDiag.PeerOf(inode));
        accepted.Dispose();
        Assert.Equal(0u, UnixSocketDiag.PeerOf(inode));

        client.Dispose();
        Assert.Null(UnixSocketDiag.PeerOf(inode));

        static uint Inode(Socket socket) => Assert.IsType<uint>(ProcessSockets.Read(Environment.ProcessId, (int)socket.Handle));
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("ünïcode")]
    [InlineData("many  spaces ")]
    public void A_path_is_found_whatever_characters_it_has(string name)
    {
        using PrivateDirectory directory = new();
        string path = directory.File(name);
        using Socket listener = Listen(path);
        using Socket client = Connect(path);

        Assert.True(UnixSocketTable.IsHeld(path));
        Assert.False(UnixSocketTable.IsHeld(path[..^1]));
        Assert.False(UnixSocketTable.IsHeld(directory.Path));
    }

    [Fact]
    public async Task A_monitor_whose_queue_is_full_of_the_dead_is_hung_and_not_held()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("s");
        using Socket listener = Listen(path);
        List<Socket> queued = [];
        while (TryConnect(path, queued))
        {
        }

        queued.ForEach(socket => socket.Dispose());

        LibvirtException error =
            await Connection.OpenAsync($"qmp://{path}", cancellationToken: TestContext.Current.CancellationToken).In().FailsAsync(ErrorCode.OperationTimeout);

        Assert.Contains("does not accept connections", error.Message, StringComparison.Ordinal);
    }

    private static async Task<Socket> TakeOverAsync(FakeQmp fake, FakeSession session)
    {
        Socket owner = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await owner.ConnectAsync(new UnixDomainSocketEndPoint(fake.Path));
        await session.LoseAsync(fake);
        await fake.ConnectedAsync(2);
        return owner;
    }

    private static Socket Listen(string path)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
    }

    private static Socket Connect(string path)
    {
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        return client;
    }

    private static bool TryConnect(string path, List<Socket> sockets)
    {
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        sockets.Add(client);
        try
        {
            client.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
