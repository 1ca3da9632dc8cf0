using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>How much is left out where many calls hang: all of one kind, and nothing of another.</summary>
[Collection(ExclusiveCollection.Name)]
public sealed class HangingKindsTests : IDisposable
{
    // No process has such an id.
    private const int NoPid = 4_200_000;

    private static readonly string[] Kinds = ["kernel", "memory", "paths", "named"];

    private readonly ManualResetEventSlim _return = new();
    private readonly List<LookTarget> _hanging = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _return.Set();
        HostCalls.Fault = null;
        foreach (LookTarget target in _hanging)
            HangingCalls.Change(target, -1);
        SpinWait.SpinUntil(() => HostLook.StuckCalls == 0, TimeSpan.FromSeconds(5));
        _return.Dispose();
    }

    [Theory]
    [InlineData("kernel", "")]
    [InlineData("memory", "memory")]
    [InlineData("paths", "paths")]
    [InlineData("named", "named")]
    [InlineData("named in the root", "")]
    [InlineData("named in /proc", "named")]
    public async Task A_kind_that_is_full_leaves_the_others_alone(string full, string leftOut)
    {
        int many = full == "named in the root" ? HangingCalls.MostOfDirectory : HangingCalls.MostOfKind;
        HostCalls.Fault = (_, what) =>
        {
            if (what.Contains("hang", StringComparison.Ordinal) || what.Contains("/42000", StringComparison.Ordinal))
                _return.Wait(CancellationToken.None);
            return 0;
        };
        await Task.WhenAll(Enumerable.Range(0, many).Select(i => HostLook.RunAsync(() => Touch(full, i), null, Token))).In();
        Assert.Equal(many, HostLook.StuckCalls);
        foreach (string kind in Kinds)
            Assert.Equal((kind, kind != leftOut), (kind, await HostLook.RunAsync(() => CanSee(kind), null, Token).In()));

        // What was named in the root itself is left out with four others there.
        Assert.Equal(
            full is "named in the root" || leftOut == "named",
            await HostLook.RunAsync(static () => LinuxFiles.Stat("/usr", followsLinks: true) is null, null, Token).In());
    }

    [Fact]
    public void Many_calls_about_one_thing_leave_out_nothing_else()
    {
        for (int i = 0; i < 2 * HostLook.MostAtOnce; i++)
            Hang(LookKind.Named, "/hangs/vms/one");
        Assert.True(HangingCalls.LeavesOut(new(LookKind.Named, "/hangs/vms/one")));
        Assert.False(HangingCalls.LeavesOut(new(LookKind.Named, "/hangs/vms/two")));
        Assert.Equal(2 * HostLook.MostAtOnce, HostLook.StuckCalls);
    }

    [Theory]
    [InlineData("/hangs/vms/one")]
    [InlineData("/hangs/vms/{0}")]
    public void Calls_in_one_directory_never_leave_out_another(string path)
    {
        for (int i = 0; i < 2 * HostLook.MostAtOnce; i++)
            Hang(LookKind.Named, string.Format(CultureInfo.InvariantCulture, path, i));
        Assert.True(HangingCalls.LeavesOut(new(LookKind.Named, string.Format(CultureInfo.InvariantCulture, path, 0))));
        Assert.False(HangingCalls.LeavesOut(new(LookKind.Named, "/run/vms/one")));

        // As many more as make three directories do.
        Hang(LookKind.Named, "/hangs/2/one");
        Assert.False(HangingCalls.LeavesOut(new(LookKind.Named, "/run/vms/one")));
        for (int i = 0; i < HangingCalls.MostOfKind - 1; i++)
            Hang(LookKind.Named, $"/hangs/{3 + i}/one");
        Assert.True(HangingCalls.LeavesOut(new(LookKind.Named, "/run/vms/one")));
    }

    [Fact]
    public void What_has_returned_counts_no_more()
    {
        for (int i = 0; i < 2 * HangingCalls.MostOfKind; i++)
            Hang(LookKind.Named, $"/hangs/{i % 2}/{i / 3}");
        while (_hanging.Count > 0)
        {
            HangingCalls.Change(_hanging[0], -1);
            _hanging.RemoveAt(0);
        }

        for (int i = 0; i < HangingCalls.MostOfKind - 1; i++)
            Hang(LookKind.Named, $"/hangs/{i}/one");
        Assert.False(HangingCalls.LeavesOut(new(LookKind.Named, "/run/vms/one")));
        Hang(LookKind.Named, "/hangs/last/one");
        Assert.True(HangingCalls.LeavesOut(new(LookKind.Named, "/run/vms/one")));
    }

    [Fact]
    public void What_is_only_slow_is_waited_for_whatever_hangs_elsewhere()
    {
        // Twice the time of a file system that is far away; a call is waited for that long at least.
        TimeSpan slow = TimeSpan.FromMilliseconds(100);
        TimeSpan first = HangingCalls.Patience(new(LookKind.Named, "/hangs/one"));
        for (int i = 0; i < HangingCalls.MostOfKind - 1; i++)
        {
            Hang(LookKind.Named, $"/hangs/{i}");
            Hang(LookKind.Memory, string.Create(CultureInfo.InvariantCulture, $"/proc/{NoPid + i}/cmdline"));
        }

        Assert.True(HangingCalls.Patience(new(LookKind.Named, "/run/one")) >= slow);
        Assert.True(HangingCalls.Patience(new(LookKind.Named, "/hangs/one")) < slow);
        Assert.Equal(first, HangingCalls.Patience(new(LookKind.Paths, HostLook.PathsOf(1))));
        Assert.Equal(first, HangingCalls.Patience(new(LookKind.Kernel, "/proc")));
    }

    private void Hang(LookKind kind, string what)
    {
        HangingCalls.Change(new(kind, what), 1);
        _hanging.Add(new(kind, what));
    }

    private static bool Touch(string kind, int i) => kind switch
    {
        "kernel" => LinuxFiles.ReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{NoPid + i}/exe")) is not null,
        "memory" => LinuxFiles.ReadStart(string.Create(CultureInfo.InvariantCulture, $"/proc/{NoPid + i}/maps"), new byte[16]).Length > 0,
        "paths" => CanFollow(NoPid + i, "/hang"),
        "named" => LinuxFiles.Stat($"/hangs/{i}/socket", followsLinks: true) is not null,
        "named in the root" => LinuxFiles.Stat($"/hangs{i}", followsLinks: true) is not null,
        _ => LinuxFiles.Stat(string.Create(CultureInfo.InvariantCulture, $"/proc/{NoPid + i}/root/vms"), followsLinks: true) is not null,
    };

    private static bool CanSee(string kind) => kind switch
    {
        "kernel" => ProcessTable.Pids().Count > 0 && LinuxFiles.ReadLink("/proc/self/exe") is not null,
        "memory" => LinuxFiles.ReadStart("/proc/self/cmdline", new byte[16]).Length > 0,
        "paths" => CanFollow(Environment.ProcessId, "/usr/bin"),
        _ => LinuxFiles.Stat("/usr/bin", followsLinks: true) is not null,
    };

    private static bool CanFollow(int pid, string path)
    {
        using HostLook.Subject about = HostLook.About(HostLook.PathsOf(pid));
        return LinuxFiles.Stat(path, followsLinks: true) is not null;
    }
}
