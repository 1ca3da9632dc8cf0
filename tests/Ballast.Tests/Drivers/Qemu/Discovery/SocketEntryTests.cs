using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>A socket that was bound anew at a path is another one, though it may be given the number of the one before.</summary>
public sealed class SocketEntryTests
{
    [Fact]
    public void A_new_one_is_told_from_the_one_whose_number_it_has()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("q.sock");
        HashSet<MonitorKey> keys = [];
        const int binds = 8;
        for (int i = 0; i < binds; i++)
        {
            using Socket listener = UnixSocket.Listen(path);
            keys.Add(KeyAt(path));
            Thread.Sleep(TimeSpan.FromMilliseconds(20)); // The clock of files moves on.
            File.Delete(path);
        }

        Assert.Equal(binds, keys.Count);
    }

    [Fact]
    public void Its_other_names_lead_to_the_same_one()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("q.sock"), moved = directory.File("moved.sock"), link = directory.File("link");
        using Socket listener = UnixSocket.Listen(path);
        MonitorKey key = KeyAt(path);
        File.CreateSymbolicLink(link, path);
        Assert.Equal(key, KeyAt(link));
        File.Move(path, moved);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(moved, UnixFileMode.UserRead);
        Assert.Equal(key, KeyAt(moved));
    }

    [Fact]
    public async Task One_that_was_connected_to_is_told_from_one_that_was_not()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("q.sock");
        using Socket listener = UnixSocket.Listen(path);
        Assert.False(WasConnectedTo(path));

        // Whatever somebody has set its time to.
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow - TimeSpan.FromDays(1));
        Assert.False(WasConnectedTo(path));

        await AccessTimes.RequireAsync(directory, TestContext.Current.CancellationToken);

        // The clock of files moves on.
        await Deadline.UntilAsync(Deadline.Default, "a later connection", async token =>
        {
            await using NetworkStream client = await UnixSocket.ConnectAsync(path, token);
            using Socket accepted = await listener.AcceptAsync(token);
            return WasConnectedTo(path);
        }, TestContext.Current.CancellationToken);

        // Another one at the same path.
        File.Delete(path);
        using Socket next = UnixSocket.Listen(path);
        Assert.False(WasConnectedTo(path));
    }

    [Theory]
    [InlineData(10, 12, true)]
    [InlineData(null, 12, true)]
    [InlineData(10, 10, false)]
    [InlineData(null, 10, false)]
    [InlineData(null, 4, false)]
    public void Who_sets_its_time_back_does_not_make_it_one_that_was_connected_to(int? bornAt, int accessedAt, bool wasConnectedTo)
    {
        const ushort socket = 0xC1FF;
        FileFacts facts = new(Inode: 1, Device: 1, Mount: null, socket, Owner: 0, Bytes: 0, ModifiedAt: 3, ChangedAt: bornAt is null ? 10 : 11) { BornAt = bornAt };
        Assert.Equal(wasConnectedTo, SocketEntry.IsAccessed(facts, accessedAt));
    }

    private static bool WasConnectedTo(string path)
    {
        using SocketEntry entry = SocketEntry.Open(path, MountTable.Empty, out _)!;
        return entry.WasConnectedTo;
    }

    // As where no table shows who listens.
    private static MonitorKey KeyAt(string path)
    {
        using QemuProcesses processes = new(static (_, failure) => throw failure);
        Sighting sighting = Assert.Single(NamedSockets.Look(path, new HostView(), processes, findsOwner: false));
        return Assert.Single(sighting.Monitors).Endpoint!.Key with { Listener = 0 };
    }
}
