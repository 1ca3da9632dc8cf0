using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Guests;
using Ballast.Telemetry;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Telemetry;

namespace Ballast.Tests.Integration;

/// <summary>What hangs costs what is known of it no more than the time that it hangs, and says nothing of others.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LookHangTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_search_for_an_owner_that_hangs_again_is_made_up_for_too()
    {
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-name", "later"], monitors: 1, Token);
        SocketScope scope = new(qemu.MonitorPaths[0]);
        await using QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);
        await WhileHangingAsync(IsMemory, async () => Assert.Null(await inventory.ConnectNamedAsync(scope, Timeout, Token).AsTask().In()));
        await WhileHangingAsync(IsMemory, async () => Assert.Null(Assert.Single(await ListAsync(inventory)).Instance.Process));
        Assert.Equal(qemu.Pid, Assert.Single(await ListAsync(inventory)).Instance.Process?.Pid);

        bool IsMemory(string call, string what) => what == $"/proc/{qemu.Pid}/cmdline";
    }

    [Fact]
    public async Task What_a_file_says_that_hangs_is_not_left_out_of_the_xml()
    {
        using PrivateDirectory files = new();
        string file = files.File("vm.cfg");
        await File.WriteAllTextAsync(file, "[rtc]\n  base = \"localtime\"\n", Token);
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-name", "told", "-readconfig", file], monitors: 1, Token);
        HeardLog heard = new();
        await using Connection connection = await Connection.OpenAsync($"qmp://{qemu.DirectoryPath}", new ConnectionOptions { LoggerFactory = heard }, Token);
        Domain domain = await connection.LookupByNameAsync("told", Token);
        await WhileHangingAsync(IsFile, async () =>
        {
            for (int i = 0; i < 2; i++)
            {
                LibvirtException unseen = await Assert.ThrowsAsync<LibvirtException>(() => domain.GetXmlAsync(cancellationToken: Token).AsTask().In());
                Assert.Equal((ErrorCode.SystemError, HostLook.LeftOut), (unseen.Code, unseen.Int1));
                Assert.Contains($"the paths of process {qemu.Pid}", unseen.Message, StringComparison.Ordinal);
            }

            const int cannotLook = 112;
            Assert.Contains($"the paths of process {qemu.Pid}", await heard.HearAsync(cannotLook), StringComparison.Ordinal);
        });
        Assert.Contains("localtime", await domain.GetXmlAsync(cancellationToken: Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_hangs_makes_no_call_look_at_the_whole_host()
    {
        using PrivateDirectory files = new();
        string file = files.File("vm.cfg");
        await File.WriteAllTextAsync(file, "[name]\n  guest = \"filed\"\n", Token);
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-readconfig", file], monitors: 1, Token);
        SocketScope scope = new(qemu.MonitorPaths[0]);
        await using QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);
        List<string> seen = [];
        await WhileHangingAsync(HangsAndIsSeen, async () =>
        {
            Assert.Null(await inventory.ConnectNamedAsync(scope, Timeout, Token).AsTask().In());
            Assert.True(Assert.Single(await ListAsync(inventory)).Instance.Process is { HasStuckFile: true });
            seen.Clear();
            Assert.Single(await ListAsync(inventory));

            // A look at it would ask for more than whether it is the same.
            Assert.Single(seen, qemu.MonitorPaths[0]);
        });
        Assert.True(Assert.Single(await ListAsync(inventory)).Instance.Process is { HasStuckFile: false });

        bool HangsAndIsSeen(string call, string what)
        {
            lock (seen)
                seen.Add(what);
            return IsFile(call, what);
        }
    }

    [Fact]
    public async Task A_process_that_is_no_qemu_hides_none_when_its_memory_hangs()
    {
        await using ChildProcess process = await ChildProcess.StartAsync("sleep", ["1000"]);
        await using QemuInventory knows = OfHost(), isNew = OfHost();
        Assert.Null(await knows.LookupAsync(static _ => false, Timeout, Token));
        List<string> calls = [];
        await WhileHangingAsync(HangsAndIsSeen, async () =>
        {
            // What is known holds for a while.
            await Deadline.UntilAsync(Deadline.Default, "a call that hangs", async _ =>
            {
                Assert.Null(await knows.LookupAsync(static _ => false, Timeout, Token).AsTask().In());
                return HostLook.StuckCalls == 1;
            }, Token);
            calls.Clear();
            Assert.Null(await knows.LookupAsync(static _ => false, Timeout, Token).AsTask().In());
            Assert.Equal(["readlink"], calls);
            Assert.Null(await isNew.LookupAsync(static _ => false, Timeout, Token).AsTask().In());
            Assert.Equal(1, HostLook.StuckCalls);
            Assert.Null(knows.LookError);
        });

        bool HangsAndIsSeen(string call, string what)
        {
            if (what.StartsWith($"/proc/{process.Pid}/", StringComparison.Ordinal))
                calls.Add(call);
            return what == $"/proc/{process.Pid}/cmdline";
        }
    }

    // What a process names is read through a descriptor.
    private static bool IsFile(string call, string what) => call == "read" && what.StartsWith("/proc/self/fd/", StringComparison.Ordinal);

    private static async Task WhileHangingAsync(Func<string, string, bool> hangs, Func<Task> run)
    {
        using ManualResetEventSlim returns = new();
        HostCalls.Fault = (call, what) =>
        {
            if (hangs(call, what))
                returns.Wait(CancellationToken.None);
            return 0;
        };
        try
        {
            await run();
            Assert.Equal(1, HostLook.StuckCalls);
        }
        finally
        {
            returns.Set();
            HostCalls.Fault = null;
        }

        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
    }

    private static async Task<IReadOnlyList<QemuDomain>> ListAsync(QemuInventory inventory) =>
        await inventory.RefreshAsync(connects: false, Timeout, Token).AsTask().In();

    private static QemuInventory OfHost() => new([new HostScope(new QemuTrust([]), MonitorManagers.Known)], TimeProvider.System, ConnectionLog.None);
}
