using System.Net.Sockets;
using System.Runtime.InteropServices;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Guests;
using Ballast.Transports;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class PathAndUuidTests
{
    [Fact]
    public void A_derived_uuid_is_the_same_for_the_same_process_and_no_other()
    {
        Guid first = DerivedUuid.From("17/1234");

        Assert.Equal(first, DerivedUuid.From("17/1234"));
        Assert.NotEqual(first, DerivedUuid.From("17/1235"));
        Assert.NotEqual(first, DerivedUuid.From("18/1234"));
        Assert.Equal(8, first.Version);
        Assert.Equal(0x8, first.Variant & 0xC);
    }

    [Fact]
    public void Links_are_followed_wherever_they_are()
    {
        using PrivateDirectory directory = new();
        string root = Resolve(directory.Path);
        Directory.CreateDirectory(directory.File("real/inner"));
        File.WriteAllText(directory.File("real/inner/s"), "");
        File.CreateSymbolicLink(directory.File("absolute"), directory.File("real"));
        File.CreateSymbolicLink(directory.File("relative"), "real/inner");
        File.CreateSymbolicLink(directory.File("real/up"), "../real/./inner/../inner");
        File.CreateSymbolicLink(directory.File("chain"), "relative/s");

        foreach (string path in (string[])
            [
                "real/inner/s", "absolute/inner/s", "relative/s", "real/up/s", "absolute/up/s", "chain",
                "real//inner/./s", "real/inner/../../relative/s", "real/inner/s/",
            ])
        {
            Assert.Equal($"{root}/real/inner/s", Resolve(directory.File(path)));
        }
    }

    [Fact]
    public void Dots_behind_a_link_lead_out_of_where_it_leads()
    {
        using PrivateDirectory directory = new();
        Directory.CreateDirectory(directory.File("a/b"));
        File.CreateSymbolicLink(directory.File("link"), "a/b");

        Assert.Equal($"{Resolve(directory.Path)}/a/s", Resolve(directory.File("link/../s")));
    }

    [Fact]
    public void What_does_not_exist_is_left_as_it_is()
    {
        Assert.Equal("/none/such/s", Resolve("/none/such/s"));
        Assert.Equal("/s", Resolve("/none/../../s"));
        Assert.Equal("/", Resolve("/"));
        Assert.Equal("/" + new string('x', 5000), Resolve("/" + new string('x', 5000)));
        Assert.Equal("/etc/passwd/s", Resolve("/etc/passwd/s"));
    }

    [Fact]
    public void Links_that_lead_to_each_other_lead_nowhere()
    {
        using PrivateDirectory directory = new();
        File.CreateSymbolicLink(directory.File("a"), "b");
        File.CreateSymbolicLink(directory.File("b"), "a");
        File.CreateSymbolicLink(directory.File("self"), "self/self/self");

        Assert.StartsWith(Resolve(directory.Path), Resolve(directory.File("a")), StringComparison.Ordinal);
        Assert.StartsWith(Resolve(directory.Path), Resolve(directory.File("self")), StringComparison.Ordinal);
    }

    // The kernel's numbers, which the runtime's own exceptions do not keep.
    [Fact]
    public void A_connection_that_is_refused_says_why_in_the_kernels_number()
    {
        using PrivateDirectory directory = new();
        File.CreateSymbolicLink(directory.File("loop"), "loop");
        File.WriteAllText(directory.File("file"), "");

        Assert.Equal(2, Connect(directory.File("none")));
        Assert.Equal(40, Connect(directory.File("loop")));
        Assert.Equal(20, Connect(directory.File("file/s")));
        Assert.Equal(111, Connect(directory.File("file")));
        Assert.Equal(2, Connect(directory.File(new string('x', 108))));
        Assert.Equal(36, Connect(directory.File(new string('x', 256))));
    }

    [Fact]
    public void Who_may_not_use_a_socket_is_told_so()
    {
        if (Environment.UserName != "root")
            return; // Others cannot become somebody else.
        using PrivateDirectory directory = new();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("s")));
        listener.Listen(1);
        int error = 0;

        // A thread of its own, for the kernel gives each thread its own user for files.
        Thread stranger = new(() =>
        {
            _ = SetFileSystemUser(65534);
            error = Connect(directory.File("s"));
        });
        stranger.Start();
        Assert.True(stranger.Join(Waiting.Limit));

        Assert.Equal(13, error);
        Assert.Equal(0, Connect(directory.File("s")));
    }

    [DllImport("libc", EntryPoint = "setfsuid")]
    private static extern int SetFileSystemUser(uint user);

    private static string Resolve(string path) =>
        SafeSocketPath.TryResolve(path, MountTable.Empty, LinuxFiles.ReadLink, out string resolved, out _) ? resolved : path;

    private static int Connect(string path)
    {
        int error = UnixSocketClient.TryConnect(path, out SafeHandle? socket);
        Assert.Equal(error != 0, socket is null);
        socket?.Dispose();
        return error;
    }
}
