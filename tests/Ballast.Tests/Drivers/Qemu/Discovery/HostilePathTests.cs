using System.Diagnostics;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>Paths on a stranger's command line that are there to hold up whoever looks.</summary>
public sealed class HostilePathTests : IDisposable
{
    private readonly PrivateDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("/a")]
    [InlineData("/..")]
    [InlineData("/ä")]
    public void A_path_beyond_all_measure_costs_nothing(string part)
    {
        string path = string.Concat(Enumerable.Repeat(part, 500_000));
        long since = Stopwatch.GetTimestamp();
        Assert.False(SafeSocketPath.TryResolve(path, MountTable.Empty, static _ => null, out _, out string? refusal));
        Assert.Contains("longer", refusal, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData("/proc/version")]
    [InlineData("/proc/kmsg")]
    [InlineData("/sys/kernel/mm/transparent_hugepage/enabled")]
    public void What_the_kernel_makes_up_is_no_file_to_read(string path) => Assert.Null(ProcessFile.Read(Environment.ProcessId, path));

    [Fact]
    public void An_ordinary_file_is_read_by_each_way_to_it()
    {
        File.WriteAllText(_directory.File("f"), "text");
        using FileStream held = new(_directory.File("f"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Assert.Equal("text", ProcessFile.Read(Environment.ProcessId, _directory.File("f")));
        Assert.Equal("text", ProcessFile.Read(Environment.ProcessId, Path.GetRelativePath(Environment.CurrentDirectory, _directory.File("f"))));
        using Microsoft.Win32.SafeHandles.SafeFileHandle directory = LinuxFiles.Open(_directory.Path, out _);
        foreach (string own in (string[])["self", "thread-self", "thread-self/../..", "self/task/.."])
            Assert.Equal("text", ProcessFile.Read(Environment.ProcessId, $"/proc/{own}/fd/{directory.DangerousGetHandle()}/f"));
    }

    [Fact]
    public async Task A_file_whose_lease_somebody_has_is_not_waited_for()
    {
        File.WriteAllText(_directory.File("f"), "text");
        const string lease = "import fcntl, signal, sys, time\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\n"
            + "f = open(sys.argv[1], 'r+')\nfcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)\nprint('leased', file=sys.stderr, flush=True)\ntime.sleep(300)";
        await using ChildProcess holder = await ChildProcess.StartAsync("python3", ["-c", lease, _directory.File("f")]);
        await Deadline.UntilAsync(
            Deadline.Default, "lease", _ => Task.FromResult(holder.Errors.Contains("leased", StringComparison.Ordinal)), TestContext.Current.CancellationToken);
        long since = Stopwatch.GetTimestamp();
        Assert.Null(ProcessFile.Read(Environment.ProcessId, _directory.File("f")));
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData("/proc/self/task/1")]
    [InlineData("/proc/self/task/1/")]
    [InlineData("/proc/self/task/1/task/1")]
    [InlineData("/proc/self/task/..")]
    [InlineData("/proc/self/task")]
    [InlineData("/proc/self/fd")]
    [InlineData("/proc/self/fd/..")]
    [InlineData("/proc/self/cwd")]
    [InlineData("/proc/thread-self")]
    [InlineData("/proc/thread-self/..")]
    [InlineData("/proc/thread-self/../..")]
    [InlineData("/proc/thread-self/../../..")]
    public void What_proc_has_of_the_process_itself_is_no_trap(string path)
    {
        MountTable mounts = MountTable.ReadOwn();
        _ = Leads(path, mounts);
        ProcessPath.File(Environment.ProcessId, path, mounts, mounts, history: null)?.Dispose();
    }

    [Fact]
    public void Whatever_a_path_is_made_of_it_leads_where_the_kernel_says_or_nowhere()
    {
        string[] parts = ["proc", "self", "thread-self", "task", "fd", "cwd", "root", "..", ".", "0", "1", $"{Environment.ProcessId}", "", "f"];
        string[] beginnings = ["", "/", "/proc/self/", "/proc/thread-self/", "/proc/self/task/"];
        MountTable mounts = MountTable.ReadOwn();
        Random random = new(1);
        int found = 0;
        for (int i = 0; i < 5000; i++)
        {
            string path = random.GetItems(beginnings, 1)[0] + string.Join('/', random.GetItems(parts, random.Next(1, 9)));
            _ = Leads(path, mounts);
            using SocketEntry? entry = ProcessPath.File(Environment.ProcessId, path, mounts, mounts, history: null);
            using SocketEntry? kernels = SocketEntry.Open(path.Length == 0 ? "." : path, mounts, out _);

            // A thread that is not there is no way for the kernel.
            if (entry is null || kernels is null)
                continue;
            Assert.True(kernels.File == entry.File, path);
            found++;
        }

        Assert.NotInRange(found, 0, 100);
    }

    [Fact]
    public void From_a_held_directory_no_mount_is_entered_that_may_be_a_trap()
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle root = LinuxFiles.Open("/", out _);
        string held = $"/proc/self/fd/{root.DangerousGetHandle()}";
        MountTable mounts = MountTable.ReadOwn();
        Assert.True(Leads($"{held}/bin", mounts));
        Assert.False(Leads($"{held}/proc/version", mounts));
        Assert.False(Leads($"{held}/bin", MountTable.Empty)); // A mount of which nobody knows what it is.
    }

    private static bool Leads(string path, MountTable mounts)
    {
        bool isFound = false;
        foreach (SocketEntry entry in ProcessPath.Entries(Environment.ProcessId, path, null, mounts, mounts, new LookFailures()))
        {
            isFound = true;
            entry.Dispose();
        }

        return isFound;
    }
}
