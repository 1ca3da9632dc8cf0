using Ballast.Drivers.Host;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Host;

/// <summary>The host's side of memory, from a pretended host's files and from this one's.</summary>
public sealed class HostMemoryTests : IDisposable
{
    private const int Pid = 4711;

    private readonly PrivateDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Memory_swap_and_pressure_are_the_kernels()
    {
        Write("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  5000 kB\nMemAvailable:  6000 kB\nSwapTotal: 700 kB\nSwapFree: 600 kB");
        Write("sys/kernel/mm/ksm/pages_sharing", "3");
        Write("proc/pressure/memory", "some avg10=1.50 avg60=0.25 avg300=100.00 total=2500000\nfull avg10=0.00 avg60=0.10 avg300=0.00 total=7");
        Assert.Equal(
            new HostMemory
            {
                Reason = MemoryStatsReason.Fresh,
                TotalKiB = 9000,
                FreeKiB = 5000,
                AvailableKiB = 6000,
                SwapTotalKiB = 700,
                SwapFreeKiB = 600,
                MergedKiB = 3 * (ulong)Environment.SystemPageSize / 1024,
                SomePressure = new MemoryPressure(0.015, 0.0025, 1, TimeSpan.FromSeconds(2.5)),
                FullPressure = new MemoryPressure(0, 0.001, 0, TimeSpan.FromMicroseconds(7)),
            }, new HostNode(_root.Path).HostMemory(null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("some avg10=nan avg60=0 avg300=0 total=0")]
    [InlineData("some avg10=1 avg60=0 avg300=0")]
    [InlineData("some avg10=1 avg60=0 avg300=0 total=99999999999999999999999999")]
    public void What_the_kernel_does_not_tell_is_not_zero(string pressure)
    {
        Write("proc/meminfo", "MemTotal:  9000 kB");
        Write("proc/pressure/memory", pressure);
        Assert.Equal(new HostMemory { Reason = MemoryStatsReason.Fresh, TotalKiB = 9000 }, new HostNode(_root.Path).HostMemory("nowhere"));
    }

    [Fact]
    public void A_process_tells_what_no_balloon_gives_back()
    {
        Write("proc/uptime", "1000.50 4000.00");
        Write("proc/4711/status", "Name:\tqemu\nVmLck:\t  10 kB\nVmPin:\t  20 kB\nVmSwap:\t  30 kB\nHugetlbPages:\t  40 kB");
        Write("proc/4711/ksm_stat", "ksm_rmap_items 9\nksm_zero_pages 3\nksm_merging_pages 8\nksm_process_profit -7");
        Write("proc/4711/cgroup", "0::/vms/one");
        Write("sys/fs/cgroup/vms/one/memory.max", "max");
        Write("sys/fs/cgroup/vms/memory.max", $"{1 << 30}");
        ProcessMemory memory = new ProcessMemoryFiles(_root.Path).Read(Pid, 90050);
        Assert.Equal(
            new ProcessMemory
            {
                Reason = MemoryStatsReason.Fresh,
                LockedKiB = 10,
                PinnedKiB = 20,
                SwappedKiB = 30,
                HugePagesKiB = 40,
                MergedKiB = 8 * (ulong)Environment.SystemPageSize / 1024,
                RunTime = TimeSpan.FromSeconds(100),
                GroupPath = "/vms/one",
                Group = new MemoryGroup(1 << 20, null, null) { NearestLimit = new MemoryGroupLimit(1, 1 << 20, null, null) },
            }, memory);
    }

    [Theory]
    [InlineData("ksm/pages_sharing", "7", 7ul)]
    [InlineData("ksm/pages_sharing", "x", null)]
    [InlineData("ksm/run", "0", null)]
    [InlineData("hugepages/x", "0", 0ul)]
    public void A_kernel_without_KSM_merges_nothing_and_one_that_does_not_tell_may_merge(string file, string text, ulong? pages)
    {
        Write($"sys/kernel/mm/{file}", text);
        Assert.Equal(pages * (ulong)Environment.SystemPageSize / 1024, new HostNode(_root.Path).HostMemory(null).MergedKiB);
    }

    [Fact]
    public void One_that_is_gone_tells_nothing() =>
        Assert.Equal(new ProcessMemory { Reason = MemoryStatsReason.PermissionDenied }, new ProcessMemoryFiles(_root.Path).Read(Pid, 0));

    [Fact]
    public void This_host_and_this_process_are_read()
    {
        HostMemory host = new HostNode().HostMemory(null);
        Assert.InRange(host.AvailableKiB!.Value, 1u, host.TotalKiB!.Value);
        Assert.True(host.SwapFreeKiB <= host.SwapTotalKiB);
        ProcessMemory self = new ProcessMemoryFiles().Read(Environment.ProcessId, 1);
        Assert.Equal(MemoryStatsReason.Fresh, self.Reason);
        Assert.NotNull(self.SwappedKiB);
        Assert.True(self.RunTime > TimeSpan.Zero);
    }

    private void Write(string path, string text)
    {
        string file = _root.File(path);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text + "\n");
    }
}
