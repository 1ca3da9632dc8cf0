using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Guests;
using Ballast.Telemetry;
using Ballast.Tests.Fakes;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A system call of a look need not return: a file system or a process may keep it waiting. That costs a thread, and nobody waits for it.</summary>
[Collection(ExclusiveCollection.Name)]
public sealed class HangingLookTests : IDisposable
{
    // Far from a test's patience, and from what a busy machine takes for a look that hangs nowhere.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly ManualResetEventSlim _return = new();
    private int _hung;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _return.Set();
        HostCalls.Fault = null;
        SpinWait.SpinUntil(() => HostLook.StuckCalls == 0, Soon);
        _return.Dispose();
    }

    [Fact]
    public async Task What_hangs_is_left_out_until_it_returns()
    {
        const string path = "/tmp";
        Hang(path);
        List<LookFailure> noted = [];

        Assert.Equal((false, true), await LookAsync());
        Assert.Equal([new LookFailure(HostLook.LeftOut, path)], noted);
        Assert.True(IsLeftOut(path));
        Assert.Equal(1, HostLook.StuckCalls);
        Assert.Contains("1 such calls now", QmpErrors.CannotLook(noted[0]).Message, StringComparison.Ordinal);

        // Nobody calls it again, not even outside of a look.
        Assert.Equal((false, true), await LookAsync());
        Assert.Null(LinuxFiles.Stat(path, followsLinks: true));
        Assert.Equal(1, _hung);

        _return.Set();
        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        Assert.Equal((true, true), await LookAsync());
        Assert.Single(noted);

        Task<(bool, bool)> LookAsync() => HostLook.RunAsync(
            static () => (LinuxFiles.Stat(path, followsLinks: true) is not null, LinuxFiles.Stat("/", followsLinks: true) is not null), noted.Add, Token);
    }

    [Fact]
    public async Task What_is_left_behind_runs_no_further()
    {
        Hang("/tmp");
        int went = 0;
        using SemaphoreSlim ended = new(0);
        await HostLook.RunAsync(
            () =>
            {
                try
                {
                    _ = LinuxFiles.Stat("/tmp", followsLinks: true);
                    return Interlocked.Increment(ref went);
                }
                finally
                {
                    ended.Release();
                }
            },
            null,
            Token);
        Assert.True(await ended.WaitAsync(Soon, Token));
        Assert.Equal((1, 0), (went, ended.CurrentCount));

        _return.Set();
        Assert.True(await ended.WaitAsync(Soon, Token));
        Assert.Equal(1, went);
    }

    [Fact]
    public async Task No_more_than_a_few_threads_hang()
    {
        Hang("/tmp/hangs");
        Assert.Equal(0, await HostLook.RunAsync(Many, null, Token));
        Assert.Equal(HangingCalls.MostOfDirectory, HostLook.StuckCalls);
        Assert.Equal(0, await HostLook.RunAsync(Many, null, Token));
        Assert.Equal(HangingCalls.MostOfDirectory, _hung);
        Assert.Contains("too many system calls about files of its kind", QmpErrors.CannotLook(new LookFailure(HostLook.LeftOut, "/tmp/hangs9")).Message, StringComparison.Ordinal);

        // What has nothing to do with it is looked at.
        Assert.True(await HostLook.RunAsync(static () => LinuxFiles.Stat("/usr/bin", followsLinks: true) is not null, null, Token));
    }

    [Fact]
    public async Task Many_that_hang_side_by_side_take_no_more_threads_than_a_few()
    {
        const int many = 100;
        Hang("/tmp/hangs");
        Task<bool>[] looks = [.. Enumerable.Range(0, many).Select(i => HostLook.RunOfOneAsync(
            () => LinuxFiles.Stat(string.Create(CultureInfo.InvariantCulture, $"/tmp/hangs{i}"), followsLinks: true) is null, null, Token))];

        // Nor does the host's own look wait for a place.
        Assert.True(await HostLook.RunAsync(static () => LinuxFiles.Stat("/usr/bin", followsLinks: true) is not null, null, Token).WaitAsync(Soon, Token));
        foreach (Task<bool> look in looks)
            Assert.True(await look.WaitAsync(Soon, Token));
        Assert.InRange(_hung, HangingCalls.MostOfDirectory, HostLook.MostAtOnce + HangingCalls.MostOfDirectory - 1);
        Assert.Equal(_hung, HostLook.StuckCalls);
    }

    [Fact]
    public async Task Each_call_counts_though_another_hangs_in_the_same()
    {
        using SemaphoreSlim returns = new(0);
        HostCalls.Fault = (_, what) =>
        {
            if (what == "/tmp" && !_return.IsSet)
            {
                Interlocked.Increment(ref _hung);
                returns.Wait(CancellationToken.None);
            }

            return 0;
        };
        Task[] looks = [.. Enumerable.Range(0, 2).Select(_ => HostLook.RunAsync(static () => LinuxFiles.Stat("/tmp", followsLinks: true) is null, null, Token))];
        await Task.WhenAll(looks).WaitAsync(Soon, Token);
        Assert.Equal((2, 2), (_hung, HostLook.StuckCalls));

        returns.Release();
        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 1);
        Assert.True(IsLeftOut("/tmp"));
        _return.Set();
        returns.Release();
        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        Assert.False(IsLeftOut("/tmp"));
    }

    [Fact]
    public async Task A_file_that_hangs_when_it_is_read_is_left_out()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("vm.cfg");
        await File.WriteAllTextAsync(path, "[name]\n", Token);
        Hang("/proc/self/fd/", "read");
        Assert.Null(await HostLook.RunAsync(() => ProcessFile.Read(Environment.ProcessId, path), null, Token).WaitAsync(Soon, Token));
        Assert.Equal(1, _hung);
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("statx")]
    [InlineData("open")]
    public async Task A_named_socket_that_hangs_keeps_nobody_waiting(string call)
    {
        await using FakeQmp fake = FakeQmp.Start();
        Hang(fake.Path, call);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => Task.Run(OpenAsync, Token).WaitAsync(Soon, Token));
        Assert.Equal(1, _hung);
        Assert.Contains("the system call does not return", error.Message, StringComparison.Ordinal);
        _return.Set();
        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        await OpenAsync();

        // What was left behind has not connected when it returned, late.
        Assert.Equal(1, fake.Clients);

        async Task OpenAsync()
        {
            await using Connection connection = await Connection.OpenAsync($"qmp://{fake.Path}", cancellationToken: Token);
        }
    }

    [Fact]
    public async Task Where_nobody_can_look_nobody_is_said_to_be_missing()
    {
        Hang("/tmp/hangs");
        await using QemuInventory inventory = new([new HangingScope("/tmp/hangs")], TimeProvider.System, ConnectionLog.None);
        LibvirtException unseen = await Assert.ThrowsAsync<LibvirtException>(async () => await inventory.RefreshAsync(connects: false, Soon, Token));
        Assert.Contains("/tmp/hangs", unseen.Message, StringComparison.Ordinal);
        unseen = await Assert.ThrowsAsync<LibvirtException>(async () => await inventory.LookupAsync(static _ => true, Soon, Token));
        Assert.Contains("/tmp/hangs", unseen.Message, StringComparison.Ordinal);
        Assert.NotNull(inventory.LookError);

        _return.Set();
        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        Assert.Empty(await inventory.RefreshAsync(connects: false, Soon, Token));
        Assert.Null(await inventory.LookupAsync(static _ => true, Soon, Token));
        Assert.Null(inventory.LookError);
    }

    [Fact]
    public async Task One_path_of_a_process_that_hangs_stands_for_all_of_them()
    {
        int self = Environment.ProcessId;
        Hang("/tmp");
        string text = await HostLook.RunAsync(() => Reasons(), null, Token);
        Assert.Contains("does not answer", text, StringComparison.Ordinal);
        Assert.Equal((1, 1), (_hung, HostLook.StuckCalls));

        string Reasons()
        {
            LookFailures reasons = new();
            HostView view = new();
            foreach (string path in (string[])["/tmp", "/tmp/below", "/usr"])
            {
                foreach (SocketEntry entry in ProcessPath.Entries(self, path, null, view.OwnMounts, view.OwnMounts, reasons))
                    entry.Dispose();
            }

            return reasons.ToString();
        }
    }

    [Theory]
    [InlineData("pread")]
    [InlineData("statx")]
    [InlineData("send")]
    public async Task What_needs_nobody_but_the_kernel_is_waited_for(string slow)
    {
        HostCalls.Fault = (call, _) =>
        {
            if (call == slow && Interlocked.Increment(ref _hung) == 1)
                Thread.Sleep(TimeSpan.FromSeconds(1));
            return 0;
        };
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using KeptFile file = new(LinuxFiles.OpenToRead("/proc/self/stat"));
        List<LookFailure> noted = [];
        Assert.True(await HostLook.RunAsync(Look, noted.Add, Token));
        Assert.Empty(noted);
        Assert.NotEqual(0, _hung);

        bool Look()
        {
            Span<byte> text = stackalloc byte[16];
            return slow switch
            {
                "pread" => file.TryRead(ref text),
                "statx" => LinuxFiles.StatOwn(socket.SafeHandle) is not null,
                _ => UnixSocketDiag.PeerOf((uint)LinuxFiles.StatOwn(socket.SafeHandle)!.Value.Inode) is not null,
            };
        }
    }

    [Fact]
    public async Task A_look_that_is_left_holds_no_entry()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("q.sock");
        await File.WriteAllTextAsync(path, "", Token);
        HostCalls.Fault = (call, what) =>
        {
            if (call == "statx" && what == path && Interlocked.Increment(ref _hung) == 1)
                _return.Wait(CancellationToken.None);
            return 0;
        };
        Assert.True(await HostLook.RunAsync(
            () =>
            {
                using SocketEntry? entry = SocketEntry.Open(path, MountTable.Empty, out _);
                return entry is null;
            },
            null,
            Token));
        Assert.Equal((1, 1), (_hung, Holders()));
        _return.Set();
        await Waiting.UntilAsync("return", () => Holders() == 0);

        int Holders() => Directory.GetFiles("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget == path);
    }

    [Fact]
    public async Task Whoever_asks_is_answered_and_the_end_waits_for_nobody()
    {
        HangingScope scope = new("/tmp");
        Hang("/tmp");
        QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);
        await Assert.ThrowsAsync<LibvirtException>(() => inventory.RefreshAsync(connects: false, Soon, Token).AsTask().WaitAsync(Soon, Token));

        // Another hangs when the connection is closed, and many wait for their turn.
        scope.Path = "/usr";
        Hang("/usr");
        Task[] asking = [.. Enumerable.Range(0, 20).Select(_ => inventory.RefreshAsync(connects: false, Soon, Token).AsTask())];
        await Waiting.UntilAsync("hanging call", () => Volatile.Read(ref _hung) == 2);
        long begin = Stopwatch.GetTimestamp();
        await inventory.DisposeAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.Zero, Soon);
        foreach (Task asked in asking)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => asked.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Whoever_gives_up_does_not_wait_for_a_look_that_hangs()
    {
        Hang("/tmp");
        await using QemuInventory inventory = new([new HangingScope("/tmp")], TimeProvider.System, ConnectionLog.None);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task asking = inventory.RefreshAsync(connects: false, Soon, end.Token).AsTask();
        await Waiting.UntilAsync("hanging call", () => Volatile.Read(ref _hung) == 1);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(Soon, Token));
    }

    /// <summary>Each call of a look returns, but late: there are as many as the look has things to look at.</summary>
    [Theory]
    [InlineData("/proc/42000{0:00}/exe")]
    [InlineData("/proc/42000{0:00}/cmdline")]
    [InlineData("/slow/{0}/socket")]
    [InlineData("/slow/{0}")]
    public async Task Calls_that_are_all_late_keep_nobody_longer_than_a_look_may_take(string path)
    {
        string[] all = [.. Enumerable.Range(0, 99).Select(i => string.Format(CultureInfo.InvariantCulture, path, i))];
        MakeLate(all.Contains);
        try
        {
            Assert.True(await HostLook.RunAsync(() => Array.TrueForAll(all, one => LinuxFiles.ReadLink(one) is null), null, Token));
        }
        catch (LookStuckException)
        {
            // Of what no directory and no kind is left out.
        }

        // Each is waited for at least so long, where nothing of its kind is left out; where it is, they are fewer.
        TimeSpan patience = TimeSpan.FromMilliseconds(200);
        Assert.InRange(_hung, 2, (int)(HostLook.Longest / patience) + 1);
    }

    [Theory]
    [InlineData("/slow/{0}/socket")]
    [InlineData("/slow/{0}")]
    public async Task What_is_late_again_and_again_is_left_out_and_the_rest_is_seen(string path)
    {
        string[] all = [.. Enumerable.Range(0, 2 * HangingCalls.MostOfKind).Select(i => string.Format(CultureInfo.InvariantCulture, path, i))];
        MakeLate(all.Contains);
        Assert.True(await HostLook.RunAsync(
            () => Array.TrueForAll(all, static one => LinuxFiles.Stat(one, followsLinks: true) is null) && LinuxFiles.ReadLink("/proc/self/exe") is not null, null, Token));
    }

    [Fact]
    public async Task What_is_late_once_is_looked_at_again()
    {
        MakeLate(what => what == "/tmp" && Volatile.Read(ref _hung) == 0);
        List<LookFailure> noted = [];
        Assert.True(await HostLook.RunAsync(
            static () =>
            {
                SpinWait.SpinUntil(static () => HostLook.StuckCalls == 0, Soon);
                return LinuxFiles.Stat("/tmp", followsLinks: true) is not null;
            },
            noted.Add,
            Token));
        Assert.Equal([new LookFailure(HostLook.LeftOut, "/tmp")], noted);
    }

    private static bool IsLeftOut(string path) => HangingCalls.LeavesOut(new LookTarget(LookKind.Named, path));

    private static int Many()
    {
        for (int i = 0; i < 2 * HangingCalls.MostOfDirectory; i++)
            _ = LinuxFiles.Stat(string.Create(CultureInfo.InvariantCulture, $"/tmp/hangs{i}"), followsLinks: true);
        return 0;
    }

    // Later than the longest wait for one call.
    private void MakeLate(Func<string, bool> isLate) => HostCalls.Fault = (_, what) =>
    {
        if (!isLate(what))
            return 0;
        Interlocked.Increment(ref _hung);
        Thread.Sleep(TimeSpan.FromMilliseconds(600));
        return 0;
    };

    private void Hang(string start, string? only = null) => HostCalls.Fault = (call, what) =>
    {
        if (!what.StartsWith(start, StringComparison.Ordinal) || call != (only ?? call))
            return 0;
        Interlocked.Increment(ref _hung);
        _return.Wait(CancellationToken.None);
        return 0;
    };

    private sealed class HangingScope(string path) : IQemuScope
    {
        public string Path { get; set; } = path;

        public bool MayHaveChanged() => true;

        public IEnumerable<Sighting> Look(HostView view, QemuProcesses processes)
        {
            _ = LinuxFiles.Stat(Path, followsLinks: true);
            return [];
        }

        public bool Disregard(MonitorKey key, bool isCertain) => true;
    }
}
