using System.Globalization;
using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Guests;
using Ballast.Telemetry;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Telemetry;
using QemuProcess = Ballast.Drivers.Qemu.Processes.QemuProcess;

namespace Ballast.Tests.Integration;

/// <summary>What users may do whom nobody trusts: start thousands of processes that are called as QEMU's are, and open thousands of sockets.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class StrangersTests : IAsyncDisposable
{
    private const uint Stranger = 23456;
    private const int Crowd = 40;

    private readonly PrivateDirectory _directory = new();
    private readonly List<IAsyncDisposable> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        HostCalls.Fault = null;
        foreach (IAsyncDisposable started in _started)
            await started.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Of_a_crowd_a_few_are_listed_and_nothing_of_them_is_kept_or_read()
    {
        int[] crowd = await StartCrowdAsync(Crowd, arguments: 30_000);
        await using Connection connection = await Connection.OpenAsync("qmp:///", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        for (int look = 0; look < 3; look++)
        {
            int[] listed = [.. (await connection.ListDomainsAsync(cancellationToken: Token)).Select(domain => domain.Id ?? 0).Intersect(crowd)];
            Assert.Equal(StrangerCrowd.MostOfUser, listed.Length);
        }

        string[] open = [.. Directory.EnumerateFiles("/proc/self/fd").Select(file => LinuxFiles.ReadLink(file)).OfType<string>()];
        Assert.DoesNotContain(open, target => Array.Exists(crowd, pid => IsOf(target, pid)));
    }

    [Fact]
    public async Task Whose_a_socket_is_costs_nobody_a_look_who_runs_another_program()
    {
        string socket = _directory.File("q.sock");
        ChildProcess qemu = await ChildProcess.StartAsync(
            "qemu-system-x86_64", ["-M", "none", "-S", "-display", "none", "-nodefaults", "-qmp", $"unix:{socket},server=on,wait=off"]);
        _started.Add(qemu);
        await Waiting.UntilAsync("monitor", () => UnixSocket.IsListening(socket));
        List<int> others = [];
        for (int i = 0; i < 8; i++)
        {
            ChildProcess other = await ChildProcess.StartAsync("sleep", ["1000"]);
            _started.Add(other);
            others.Add(other.Pid);
        }

        HostView view = new();
        uint listener = view.FindListener(SocketFile.Of(socket)!.Value)!.Value.Listener.Inode;
        List<string> looks = [];
        HostCalls.Fault = (_, what) =>
        {
            if (others.Exists(pid => IsOf(what, pid)))
                looks.Add(what);
            return 0;
        };
        using QemuProcesses processes = new(static (_, failure) => throw failure);
        Assert.Equal(qemu.Pid, processes.OwnersOf(listener, view).First().Pid);
        Assert.All(looks, look => Assert.EndsWith("/exe", look, StringComparison.Ordinal));

        // Who asks for all there may be gets an answer about each.
        Assert.Equal([qemu.Pid], processes.OwnersOf(listener, view).Select(process => process.Pid));
        Assert.All(others, pid => Assert.Contains($"/proc/{pid}/cmdline", looks));
    }

    [Fact]
    public async Task Trust_is_decided_before_the_command_line_is_read()
    {
        int[] crowd = await StartCrowdAsync(4, arguments: 30_000);
        using QemuProcesses processes = new(static (_, failure) => throw failure);
        List<(string Call, string What)> calls = [];
        HostCalls.Fault = (call, what) =>
        {
            if (Array.Exists(crowd, pid => IsOf(what, pid)))
                calls.Add((call, what));
            return 0;
        };
        QemuTrust trust = new([]);
        QemuProcess[] found = [.. Find(trust.Trusts, trust.Refuse)];
        HostCalls.Fault = null;

        Assert.Equal(crowd.Order(), found.Select(process => process.Pid).Order());
        Assert.All(found, process =>
        {
            Assert.True(process is { IsStranger: true, IsHelper: false, HasExited: false });
            Assert.True(process.CommandLine.IsUnread);
            Assert.Null(process.CommandLine.Name);
            Assert.NotNull(process.ReadRssKiB());
        });

        // Whoever keeps the lock of its memory would keep us waiting there.
        Assert.DoesNotContain(calls, call => call.What.EndsWith("/cmdline", StringComparison.Ordinal) || call.What.EndsWith("/environ", StringComparison.Ordinal) || call.What.Contains("/fd", StringComparison.Ordinal));

        // Whoever is trusted from now on is the same process, and says who it is; and no more of it is kept than any QEMU says.
        foreach (QemuProcess process in Find(_ => true, (_, _) => null))
        {
            Assert.True(process.Believe());
            Assert.Equal((false, "stranger"), (process.IsStranger, process.CommandLine.Name));
            Assert.True(process.CommandLine.IsThatOf(process.Pid));
            Assert.False(process.CommandLine.IsThatOf(Environment.ProcessId));
            Assert.True(process.CommandLine.Mentions("stranger"));
            Assert.False(process.CommandLine.Mentions("the-last"));
            Assert.Contains(process, found);
        }

        IEnumerable<QemuProcess> Find(Func<uint, bool> trusts, Func<int, uint, string?> refuse) =>
            processes.Look(new HostView(), trusts, refuse).Where(process => crowd.Contains(process.Pid));
    }

    [Fact]
    public void Users_with_many_ids_are_no_larger_crowd()
    {
        StrangerCrowd crowd = new([]);
        int shown = 0;
        for (uint uid = 100_000; uid < 102_000; uid++)
        {
            for (int i = 0; i < StrangerCrowd.MostOfUser + 1; i++)
            {
                if (!crowd.HasRoom(uid))
                    continue;
                crowd.Enter(uid);
                shown++;
            }
        }

        Assert.Equal(StrangerCrowd.Most, shown);
        Assert.Equal(1, crowd.More[100_000]);
        Assert.Equal(StrangerCrowd.Most, crowd.More.Count);
    }

    [Fact]
    public async Task Those_that_are_not_shown_are_counted_in_one_line()
    {
        await StartCrowdAsync(Crowd, arguments: 1);
        using HeardLog heard = new();
        ConnectionLog log = ConnectionLog.Of(new ConnectionOptions { LoggerFactory = heard });
        await using QemuInventory inventory = new([new HostScope(new QemuTrust([]), MonitorManagers.Known)], TimeProvider.System, log);
        for (int look = 0; look < 3; look++)
            _ = await inventory.RefreshAsync(connects: false, TimeSpan.FromSeconds(20), Token);
        const int notShown = 114;
        string said = $"{Crowd - StrangerCrowd.MostOfUser} more untrusted processes of user {Stranger} have QEMU's name and are not listed";
        await Waiting.UntilAsync(said, () => heard.Lines.Count(line => line.Event == notShown && line.Text.StartsWith(said, StringComparison.Ordinal)) == 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whoever_listens_where_it_did_is_found_without_the_table_of_all_sockets(bool isDirectory)
    {
        string path = _directory.File("m.sock");
        ChildProcess qemu = await ChildProcess.StartAsync("qemu-system-x86_64", [
            "-S", "-accel", "tcg,tb-size=1", "-M", "none", "-nodefaults", "-display", "none", "-qmp", $"unix:{path},server=on,wait=off"]);
        _started.Add(qemu);
        await Waiting.UntilAsync("socket", () => UnixSocket.IsListening(path));
        IQemuScope scope = isDirectory ? new DirectoryScope(_directory.Path, []) : new HostScope(new QemuTrust([]), MonitorManagers.Known);
        using QemuProcesses processes = new(static (_, failure) => throw failure);
        Assert.True(await UntilFoundAsync() > 0);

        Assert.Equal(0, Look(out Sighting? again));
        Assert.Equal(path, again?.Monitors[0].Endpoint?.BoundName);
        qemu.Kill();
        await qemu.WaitForExitAsync(Token);
        _ = Look(out Sighting? gone);
        Assert.Null(gone);

        async Task<int> UntilFoundAsync()
        {
            int tables = 0;
            await Waiting.UntilAsync("QEMU", () =>
            {
                tables = Look(out Sighting? found);
                return found?.Monitors[0].Endpoint is not null;
            });
            return tables;
        }

        int Look(out Sighting? found)
        {
            int tables = 0;
            HostCalls.Fault = (call, what) =>
            {
                tables += (call, what) == ("send", UnixSocketDiag.Shown) ? 1 : 0;
                return 0;
            };
            found = scope.Look(new HostView(), processes).FirstOrDefault(sighting => sighting.Process?.Pid == qemu.Pid);
            HostCalls.Fault = null;
            return tables;
        }
    }

    [Fact]
    public void A_crowd_of_sockets_costs_a_few_bytes_each()
    {
        const int count = 2000, bytesOfEach = 250;
        List<Socket> sockets = [];
        try
        {
            for (int i = 0; i < count; i++)
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                sockets.Add(socket);
                socket.Bind(new UnixDomainSocketEndPoint(_directory.File(i.ToString(CultureInfo.InvariantCulture))));
                socket.Listen();
            }

            _ = UnixSocketTable.Read(NetNamespace.Own);
            long before = GC.GetAllocatedBytesForCurrentThread();
            UnixSocketTable table = UnixSocketTable.Read(NetNamespace.Own)!;
            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.InRange(table.Listeners, count, int.MaxValue);
            Assert.InRange(bytes, 0, bytesOfEach * (long)table.Listeners);
            string last = _directory.File((count - 1).ToString(CultureInfo.InvariantCulture));
            Assert.Equal(last, table.Listener(SocketFile.Of(last)!.Value)?.Name);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static bool IsOf(string path, int pid) => path.StartsWith(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/"), StringComparison.Ordinal);

    // Copies of bash that wait, under QEMU's name; they end with the one that started them.
    private async Task<int[]> StartCrowdAsync(int count, int arguments)
    {
        const string wait = "read -t 300 -u 9", one = "exec \"$0\" -c \"$@\"";
        const string all = "exec 9<> <(:); many=$(yes a | head -n $2); for i in $(seq $1); do (exec setpriv --pdeathsig KILL bash -c \"$3\" \"$5\" \"$4\" -name stranger $many the-last) & done; wait";
        PrivateDirectory.ToEverybody(_directory.Path);
        string program = _directory.File("qemu-system-x86_64");
        File.Copy("/bin/bash", program);
        ChildProcess crowd = await ChildProcess.StartAsync("setpriv", [
            $"--reuid={Stranger}", $"--regid={Stranger}", "--clear-groups", "--pdeathsig", "KILL", "bash", "-c", all, "bash",
            count.ToString(CultureInfo.InvariantCulture), arguments.ToString(CultureInfo.InvariantCulture), one, wait, program]);
        _started.Add(crowd);
        int[] pids = [];
        await Waiting.UntilAsync("crowd", () => (pids = Called()).Length == count);
        return pids;

        static int[] Called() => [.. ProcessTable.Pids().Where(pid => ProcessTable.OwnerOf(pid) == Stranger && QemuProcess.IsCalledQemu(pid))];
    }
}
