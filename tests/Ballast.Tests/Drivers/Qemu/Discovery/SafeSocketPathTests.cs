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
    [InlineData("/proc/self/fd/7/s", "fd/7/s")]
    [InlineData("//proc/.//thread-self/cwd/../s", "task/0/cwd/../s")]
    [InlineData("/proc/thread-self/../../fd/7/s", "fd/7/s")]
    [InlineData("/proc/thread-self/../17/fd/7/s", "task/17/fd/7/s")]
    [InlineData("/proc/thread-self/../../../self/cwd/s", "cwd/s")]
    [InlineData("/proc/thread-self/../../../17/cwd/s", null)]
    [InlineData("/proc/thread-self/../fd/7/s", "task/fd/7/s")]
    [InlineData("/proc/self/task/17/../../fd/../cwd/s", "cwd/s")]
    [InlineData("/proc/self/task/17/fd/../fd/7/s", "task/17/fd/7/s")]
    [InlineData("/proc/self/task/1", "task/1")]
    [InlineData("/proc/self/task/..", null)]
    [InlineData("/proc/self/../self/root/run/s", "root/run/s")]
    [InlineData("/proc/self/../17/cwd/s", null)]
    [InlineData("/proc/self", null)]
    [InlineData("/jail/proc/self/cwd/s", "cwd/s")]
    [InlineData("/run/self/cwd/s", null)]
    public void A_processs_own_directory_is_not_entered_for_it(string path, string? below)
    {
        MountTable mounts = new(new Dictionary<string, string> { ["/"] = "ext4", ["/proc"] = "proc", ["/jail/proc"] = "proc", ["/run"] = "tmpfs" });
        List<string> read = [];
        Assert.True(SafeSocketPath.TryResolve(path, mounts, Read, out string resolved, out _));
        Assert.Equal(below, SafeSocketPath.BelowFollower(resolved, mounts));
        Assert.DoesNotContain(read, link => link.Contains("/proc/self", StringComparison.Ordinal) || link.Contains("/proc/thread-self", StringComparison.Ordinal));

        // Its links would lead to this process's files.
        string? Read(string link)
        {
            read.Add(link);
            return null;
        }
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

    [Theory]
    [InlineData("lowerdir=/lower/a,upperdir=/u,workdir=/w", true)]
    [InlineData("lowerdir=/l:/lower/b/c,upperdir=/u,workdir=/w", true)]
    [InlineData("lowerdir+=/hosts/lower,datadir+=/d", true)]
    [InlineData("lowerdir=/l:/lowers,upperdir=/u,workdir=/lower/w", false)]
    [InlineData("lowerdir=l/lower:/disk", false)]
    public void An_overlay_hangs_where_one_of_its_layers_does(string layers, bool hangs)
    {
        MountTable host = MountTable.Parse("30 1 0:30 / /hosts rw - fuse.images images rw\n", null);
        string text = $"""
            20 1 8:1 / / rw - ext4 /dev/sda1 rw
            21 20 0:21 / /lower rw - nfs4 server:/images rw
            22 20 0:22 / /disk rw - xfs /dev/sdb rw
            23 20 0:23 / /merged rw,relatime shared:1 - overlay overlay rw,{layers}
            """;
        MountTable mounts = MountTable.Parse(text, host);

        Assert.Equal(hangs, mounts.TypeAt("/merged") is { } type && MountTable.CanHang(type));
        Assert.Equal(mounts.TypeAt("/merged"), mounts.TypeOf(23));
        Assert.Equal(hangs, !SafeSocketPath.TryResolve("/merged/run/q.sock", mounts, _ => null, out _, out string? refusal));
        Assert.Equal(hangs, refusal?.Contains("below an overlay", StringComparison.Ordinal) == true);
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
    public void This_hosts_mounts_are_read() => Assert.Equal("proc", MountTable.ReadOwn().TypeAt("/proc"));
}
