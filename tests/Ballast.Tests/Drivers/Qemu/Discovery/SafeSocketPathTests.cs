using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public sealed class SafeSocketPathTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Symbolic_links_are_followed_one_by_one()
    {
        Directory.CreateDirectory(_directory.File("real/deep"));
        File.CreateSymbolicLink(_directory.File("absolute"), _directory.File("real"));
        File.CreateSymbolicLink(_directory.File("relative"), "absolute/deep");
        Assert.True(SafeSocketPath.TryResolve(_directory.File("relative/../deep/./s"), MountTable.Empty, LinuxFiles.ReadLink, out string path, out _));
        Assert.Equal(_directory.File("real/deep/s"), path);
    }

    [Theory]
    [InlineData("fuse.sshfs")]
    [InlineData("nfs4")]
    [InlineData("autofs")]
    public void A_file_system_that_can_hang_is_not_entered_even_through_a_link(string type)
    {
        File.CreateSymbolicLink(_directory.File("trap"), "/some/mount/below");
        MountTable mounts = new(new Dictionary<string, string> { ["/some/mount"] = type });
        Assert.False(SafeSocketPath.TryResolve(_directory.File("trap/s"), mounts, LinuxFiles.ReadLink, out _, out string? refusal));
        Assert.Contains(type, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loop_of_links_ends()
    {
        File.CreateSymbolicLink(_directory.File("a"), "b");
        File.CreateSymbolicLink(_directory.File("b"), "a");
        Assert.False(SafeSocketPath.TryResolve(_directory.File("a/s"), MountTable.Empty, LinuxFiles.ReadLink, out _, out string? refusal));
        Assert.Contains("loop", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void This_hosts_mounts_are_read() => Assert.Equal("proc", MountTable.Read("self").TypeAt("/proc"));
}
