using Ballast.Drivers.Host;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Host;

/// <summary>Memory limits from a pretended host's files.</summary>
public sealed class ControlGroupMemoryTests : IDisposable
{
    private const int Pid = 4711;
    private const ulong MiB = 1024;

    private readonly PrivateDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void The_narrowest_limit_on_the_way_up_is_the_one_that_holds()
    {
        Write("proc/4711/cgroup", "0::/machine.slice/vm:1.scope/libvirt/emulator");
        Write("sys/fs/cgroup/machine.slice/memory.max", $"{512 * MiB * 1024}");
        Write("sys/fs/cgroup/machine.slice/memory.high", "max");
        Write("sys/fs/cgroup/machine.slice/vm:1.scope/memory.max", $"{1024 * MiB * 1024}");
        Write("sys/fs/cgroup/machine.slice/vm:1.scope/memory.high", $"{256 * MiB * 1024}");
        Write("sys/fs/cgroup/machine.slice/vm:1.scope/memory.swap.max", $"{64 * MiB * 1024}");
        Assert.Equal(new DomainMemoryLimits(512 * MiB, 256 * MiB, (512 + 64) * MiB), Limits());
    }

    [Fact]
    public void No_limit_is_null()
    {
        Write("proc/4711/cgroup", "0::/user.slice");
        Write("sys/fs/cgroup/user.slice/memory.max", "max");
        Write("sys/fs/cgroup/user.slice/memory.swap.max", "0");
        Assert.Equal(new DomainMemoryLimits(null, null, null), Limits());
    }

    [Fact]
    public void The_old_version_counts_memory_and_swap_together_and_has_a_number_for_no_limit()
    {
        Write("proc/4711/cgroup", "9:name=systemd:/x\n4:memory:/vm\n0::/y");
        Write("sys/fs/cgroup/memory/vm/memory.limit_in_bytes", $"{512 * MiB * 1024}");
        Write("sys/fs/cgroup/memory/vm/memory.soft_limit_in_bytes", "9223372036854771712");
        Write("sys/fs/cgroup/memory/vm/memory.memsw.limit_in_bytes", $"{600 * MiB * 1024}");
        Write("sys/fs/cgroup/y/memory.max", "4096");
        Assert.Equal(new DomainMemoryLimits(512 * MiB, null, 600 * MiB), Limits());
    }

    [Theory]
    [InlineData("0::/nowhere")]
    [InlineData("0::/../../../../proc")]
    [InlineData("4:memory:/../../../elsewhere")]
    [InlineData("nonsense")]
    public void A_group_that_is_not_seen_from_here_has_no_limits_to_tell(string line)
    {
        Write("proc/4711/cgroup", line);
        Write("proc/memory.max", "4096");
        Write("elsewhere/memory.limit_in_bytes", "4096");
        Assert.Null(Limits());
    }

    [Fact]
    public void Nor_has_a_process_that_is_gone() => Assert.Null(Limits());

    private DomainMemoryLimits? Limits() => new ControlGroupMemory(_root.Path).Limits(Pid);

    private void Write(string path, string text)
    {
        string file = _root.File(path);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text + "\n");
    }
}
