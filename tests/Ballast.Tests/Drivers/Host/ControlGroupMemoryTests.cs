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

    [Theory]
    [InlineData("machine.slice/vm")]
    [InlineData("/machine.slice/vm")]
    [InlineData("/sys/fs/cgroup/machine.slice/vm/")]
    public void A_group_is_found_by_its_path(string path)
    {
        Write("sys/fs/cgroup/machine.slice/memory.max", $"{512 * MiB * 1024}");
        Write("sys/fs/cgroup/machine.slice/vm/memory.max", "max");
        Write("sys/fs/cgroup/machine.slice/vm/memory.high", $"{256 * MiB * 1024}");
        Write("sys/fs/cgroup/machine.slice/vm/memory.current", $"{100 * MiB * 1024}");
        MemoryGroup? group = new ControlGroupMemory(_root.Path).Group(path);
        MemoryGroupLimit slices = new(1, 512 * MiB, null, null);
        Assert.Equal(new MemoryGroup(512 * MiB, 256 * MiB, 100 * MiB) { NearestLimit = new MemoryGroupLimit(0, 256 * MiB, null, slices) }, group);
        Assert.Equal(256 * MiB, group?.LimitKiB);
    }

    // As completion offers it, as QEMU's /proc names it, and as it was always taken.
    [Theory]
    [InlineData("/sys/fs/cgroup/memory/vms")]
    [InlineData("/vms")]
    [InlineData("/sys/fs/cgroup/vms")]
    public void A_group_of_the_old_version_is_found_by_its_path(string path)
    {
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        Write("sys/fs/cgroup/memory/vms/memory.limit_in_bytes", $"{512 * MiB * 1024}");
        Assert.Equal(512 * MiB, new ControlGroupMemory(_root.Path).Group(path)?.LimitKiB);
    }

    [Fact]
    public void What_others_hold_under_a_limit_is_not_this_groups()
    {
        const ulong bytes = MiB * 1024;
        Write("sys/fs/cgroup/machine.slice/memory.max", $"{1000 * bytes}");
        Write("sys/fs/cgroup/machine.slice/memory.current", $"{990 * bytes}");
        Write("sys/fs/cgroup/machine.slice/memory.stat", $"anon {500 * bytes}\nfile {490 * bytes}\nkernel {100 * bytes}\nshmem {50 * bytes}");
        Write("sys/fs/cgroup/machine.slice/vm/memory.max", $"{800 * bytes}");
        Write("sys/fs/cgroup/machine.slice/vm/memory.high", "max");
        Write("sys/fs/cgroup/machine.slice/vm/memory.current", $"{300 * bytes}");
        Write("sys/fs/cgroup/machine.slice/vm/memory.stat", $"anon {200 * bytes}\nkernel {40 * bytes}\nshmem {10 * bytes}");

        // Others hold 650 - 250 MiB of the 1000.
        MemoryGroup? group = new ControlGroupMemory(_root.Path).Group("machine.slice/vm");
        MemoryGroupLimit slices = new(1, 1000 * MiB, 650 * MiB, null), own = new(0, 800 * MiB, 250 * MiB, slices);
        Assert.Equal(new MemoryGroup(600 * MiB, null, 300 * MiB) { UnreclaimableKiB = 250 * MiB, NearestLimit = own }, group);
    }

    [Fact]
    public void A_group_of_the_old_version_has_no_limit_that_slows_it_down()
    {
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
        Write("sys/fs/cgroup/memory/vm/memory.limit_in_bytes", $"{512 * MiB * 1024}");
        Write("sys/fs/cgroup/memory/vm/memory.soft_limit_in_bytes", $"{64 * MiB * 1024}");
        Write("sys/fs/cgroup/memory/vm/memory.usage_in_bytes", $"{100 * MiB * 1024}");
        Assert.Equal(
            new MemoryGroup(512 * MiB, null, 100 * MiB) { NearestLimit = new MemoryGroupLimit(0, 512 * MiB, null, null) },
            new ControlGroupMemory(_root.Path).Group("vm"));
    }

    // As libvirt makes them: a scope for each QEMU, with groups of its own below.
    [Theory]
    [InlineData(true, "", "", "", "")]
    [InlineData(true, "900", "", "", "3:900")]
    [InlineData(true, "900", "700", "", "2:700 3:900")]
    [InlineData(true, "900", "", "500", "0:500 3:900")]
    [InlineData(true, "700", "900", "", "2:900 3:700")]
    [InlineData(false, "900", "700", "500", "0:500 2:700 3:900")]
    [InlineData(false, "900", "", "", "3:900")]
    public void Each_limit_is_told_with_the_level_at_which_it_is_set(bool isSecond, string slice, string scope, string own, string limits)
    {
        string path = "machine.slice";
        Limit(slice);
        path += "/machine-qemu.scope";
        Limit(scope);
        path += "/libvirt";
        Limit("");
        path += "/emulator";
        Limit(own);
        List<string> told = [];
        for (MemoryGroupLimit? limit = new ControlGroupMemory(_root.Path).Group(path)!.Value.NearestLimit; limit is not null; limit = limit.Next)
        {
            told.Add($"{limit.Levels}:{limit.LimitKiB / MiB}");
            Assert.Equal(100 * MiB, limit.UnreclaimableKiB);
        }

        Assert.Equal(limits, string.Join(' ', told));

        void Limit(string mib)
        {
            string directory = isSecond ? $"sys/fs/cgroup/{path}" : $"sys/fs/cgroup/memory/{path}";
            if (!isSecond)
                Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
            string limit = mib.Length == 0 ? isSecond ? "max" : "9223372036854771712" : $"{ulong.Parse(mib, System.Globalization.CultureInfo.InvariantCulture) << 20}";
            Write($"{directory}/{(isSecond ? "memory.max" : "memory.limit_in_bytes")}", limit);
            Write($"{directory}/memory.stat", isSecond ? $"anon {100 << 20}\nkernel 0" : $"total_rss {100 << 20}\ntotal_shmem 0");
        }
    }

    // libvirt makes groups of threads below a QEMU's, and no memory is accounted for in those.
    [Fact]
    public void In_a_group_of_threads_the_limits_above_it_hold()
    {
        const string path = "/machine.slice/vm.scope/libvirt/emulator";
        Write("proc/4711/cgroup", $"0::{path}");
        Write($"sys/fs/cgroup{path}/cgroup.type", "threaded");
        Write("sys/fs/cgroup/machine.slice/vm.scope/memory.max", $"{512 * MiB * 1024}");
        Assert.Equal((path, (MemoryGroup?)new MemoryGroup(512 * MiB, null, null) { NearestLimit = new MemoryGroupLimit(2, 512 * MiB, null, null) }), Own());
    }

    [Theory]
    [InlineData("0::/", false)]
    [InlineData("0::/vms", false)]
    [InlineData("0::/nowhere", true)]
    [InlineData("0::/../vms", true)]
    [InlineData("4:memory:/vms", false)]
    [InlineData("0::/..", true)]
    [InlineData("4:memory:/nowhere", true)]
    [InlineData("4:memory:/..", true)]
    [InlineData("nonsense", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_group_that_is_not_seen_from_here_may_have_a_limit(string? line, bool isUnknown)
    {
        Write("sys/fs/cgroup/vms/cgroup.procs", "");
        if (line is not null)
            Write("proc/4711/cgroup", line);
        Assert.Equal(isUnknown, Own().Group is { HasUnknownLimits: true });
    }

    // As systemd mounts the second version beside the first. Of which controllers it has there, its root group tells.
    [Theory]
    [InlineData("", false)]
    [InlineData("cpu io", false)]
    [InlineData("cpu memory", true)]
    [InlineData(null, true)]
    public void Where_the_second_version_is_mounted_beside_the_first_it_may_account_for_memory(string? controllers, bool isUnknown)
    {
        Write("proc/4711/cgroup", "1:name=systemd:/machine.slice/vm\n0::/machine.slice/vm");
        Write("sys/fs/cgroup/systemd/machine.slice/vm/cgroup.procs", "");
        Write("sys/fs/cgroup/unified/machine.slice/vm/cgroup.procs", "");
        if (controllers is null)
            _ = Directory.CreateDirectory(_root.File("sys/fs/cgroup/unified/cgroup.controllers"));
        else
            Write("sys/fs/cgroup/unified/cgroup.controllers", controllers);
        Assert.Equal(isUnknown, Own().Group is { HasUnknownLimits: true });
    }

    [Theory]
    [InlineData("proc/4711/cgroup")]
    [InlineData("sys/fs/cgroup/machine.slice/memory.max")]
    [InlineData("sys/fs/cgroup/machine.slice/memory.high")]
    [InlineData("sys/fs/cgroup/machine.slice/vm/memory.max")]
    [InlineData("sys/fs/cgroup/machine.slice/vm/memory.stat")]
    [InlineData("sys/fs/cgroup/machine.slice/memory.stat")]
    public void What_cannot_be_read_is_not_taken_for_no_limit(string file)
    {
        Write("proc/4711/cgroup", "0::/machine.slice/vm");
        Write("sys/fs/cgroup/machine.slice/memory.max", $"{512 * MiB * 1024}");
        Write("sys/fs/cgroup/machine.slice/vm/memory.max", "max");
        Assert.False(Own().Group!.Value.HasUnknownLimits);

        // Not even root can read a directory as a file; and what is no number and no word of the kernel's is no answer either.
        foreach (bool isNonsense in (bool[])[false, true])
        {
            if (isNonsense && !file.EndsWith("max", StringComparison.Ordinal))
                continue;
            string path = _root.File(file);
            if (Directory.Exists(path))
                Directory.Delete(path);
            File.Delete(path);
            if (isNonsense)
                Write(file, "12 MiB");
            else
                _ = Directory.CreateDirectory(path);
            Assert.True(Own().Group!.Value.HasUnknownLimits);
            if (!file.EndsWith("stat", StringComparison.Ordinal))
                Assert.Equal(ErrorCode.OperationFailed, Assert.Throws<LibvirtException>(() => Limits()).Code);
        }
    }

    [Theory]
    [InlineData("machine.slice/typo")]
    [InlineData("../../../proc")]
    [InlineData("/../cgroup-beside")]
    [InlineData("a\0b")]
    [InlineData("")]
    public void Nothing_but_a_group_below_the_mount_is_read(string path)
    {
        Write("sys/fs/cgroup/machine.slice/memory.max", "4096");
        Write("sys/fs/cgroup-beside/memory.max", "4096");
        Write("proc/memory.max", "4096");
        Assert.Null(new ControlGroupMemory(_root.Path).Group(path));
    }

    private (string? Path, MemoryGroup? Group) Own() => new ControlGroupMemory(_root.Path).Of(Pid);

    private DomainMemoryLimits? Limits() => new ControlGroupMemory(_root.Path).Limits(Pid);

    private void Write(string path, string text)
    {
        string file = _root.File(path);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text.Length == 0 ? "" : text + "\n");
    }
}
