using System.Net.Sockets;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Guests;
using Ballast.Telemetry;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Tests.Telemetry;

namespace Ballast.Tests.Integration;

/// <summary>
/// A look that fails proves nothing. Each system call of a look fails in its turn, and each kind of call all the time, with the errors
/// of a host that has no room: no QEMU is ever gone for that, and the next look that nothing keeps from seeing finds all.
/// </summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LookFaultTests
{
    private const int NotThere = 2;

    // EMFILE, ENFILE, ENOMEM, EIO, EAGAIN, EACCES.
    private static readonly int[] Errors = [24, 23, 12, 5, 11, 13];

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("directory")]
    [InlineData("path")]
    [InlineData("host")]
    public async Task A_running_qemu_is_never_gone_because_a_look_failed(string kind)
    {
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-name", "steady", "-uuid", Guid.NewGuid().ToString()], monitors: 1, Token);

        // Another program holds the monitor, so that only looks tell that the QEMU is there.
        using Socket holder = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await holder.ConnectAsync(new UnixDomainSocketEndPoint(qemu.MonitorPaths[0]), Token);
        Assert.NotEqual(0, await holder.ReceiveAsync(new byte[1024], Token));
        await using QemuInventory inventory = new([Scope(kind, qemu.DirectoryPath)], TimeProvider.System, ConnectionLog.None);
        QemuInstance known = Assert.Single(await ListAsync(inventory), domain => domain.Identity.Id == qemu.Pid).Instance;
        Faults faults = new(qemu.Pid);

        HostCalls.Fault = faults.Count;
        await RequireAsync("without a fault");
        HostCalls.Fault = null;
        Assert.NotInRange(faults.Seen.Count, 0, 10);
        List<string> kinds = [.. faults.Seen.Distinct()];
        for (int at = 0, total = faults.Seen.Count; at < total; at++)
        {
            int errno = Errors[at % Errors.Length];
            HostCalls.Fault = faults.At(at, errno);
            await RequireAsync($"call {at} of {total} failed with {errno}");
            HostCalls.Fault = null;
            if (at % 16 == 0)
                await RequireAsync($"after call {at} failed with {errno}");
        }

        foreach (string call in kinds)
        {
            foreach (int errno in Errors)
            {
                HostCalls.Fault = (name, _) => name == call ? errno : 0;
                await RequireAsync($"each {call} failed with {errno}");
                HostCalls.Fault = null;
            }
        }

        await RequireAsync("at last");

        // What does show that it is gone is believed.
        qemu.Kill();
        await qemu.WaitForExitAsync(Token);
        Assert.DoesNotContain(await ListAsync(inventory), domain => domain.Identity.Id == qemu.Pid);

        async Task RequireAsync(string when)
        {
            IReadOnlyList<QemuDomain> found = await ListAsync(inventory);
            Assert.True(found.Any(domain => domain.Instance == known && domain.Identity.Name == "steady"), when);
        }
    }

    [Fact]
    public async Task A_directory_that_hangs_hides_no_guest_elsewhere_and_its_own_stay_listed()
    {
        await using QemuProcess sick = await QemuProcess.StartPcAsync(["-name", "sick"], monitors: 1, Token);
        await using QemuProcess well = await QemuProcess.StartPcAsync(["-name", "well"], monitors: 1, Token);
        using Socket holder = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await holder.ConnectAsync(new UnixDomainSocketEndPoint(sick.MonitorPaths[0]), Token);
        Assert.NotEqual(0, await holder.ReceiveAsync(new byte[1024], Token));
        await using QemuInventory both = new([Scope("directory", sick.DirectoryPath), Scope("path", well.DirectoryPath)], TimeProvider.System, ConnectionLog.None);
        await using QemuInventory other = new([Scope("directory", well.DirectoryPath)], TimeProvider.System, ConnectionLog.None);
        await using QemuInventory late = new([Scope("directory", sick.DirectoryPath)], TimeProvider.System, ConnectionLog.None);
        Assert.Equal(["sick", "well"], await NamesAsync(both));
        using ManualResetEventSlim returns = new();
        HostCalls.Fault = (_, what) =>
        {
            if (what.StartsWith(sick.DirectoryPath, StringComparison.Ordinal))
                returns.Wait(CancellationToken.None);
            return 0;
        };
        try
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(["sick", "well"], await NamesAsync(both));
                Assert.Equal(["well"], await NamesAsync(other));
            }

            // Who did not know it is not told that there is none, and a name that nobody bears may be one that nobody sees now.
            Assert.NotNull(both.LookError);
            await RequireUnseenAsync(() => ListAsync(late));
            await RequireUnseenAsync(() => late.LookupAsync(static identity => identity.Name == "sick", Timeout, Token).AsTask());
            await RequireUnseenAsync(() => both.LookupAsync(static _ => false, Timeout, Token).AsTask());
            Assert.Null(await other.LookupAsync(static _ => false, Timeout, Token));
            Assert.NotNull(await both.LookupAsync(static identity => identity.Name == "sick", Timeout, Token));
        }
        finally
        {
            returns.Set();
            HostCalls.Fault = null;
        }

        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        Assert.Equal(["sick", "well"], await NamesAsync(both));
        Assert.Null(await both.LookupAsync(static _ => false, Timeout, Token));
        Assert.Null(both.LookError);
        Assert.Equal(["sick"], await NamesAsync(late));

        static async Task<string[]> NamesAsync(QemuInventory inventory) => [.. (await ListAsync(inventory)).Select(domain => domain.Identity.Name).Order()];

        async Task RequireUnseenAsync(Func<Task> ask)
        {
            LibvirtException unseen = await Assert.ThrowsAsync<LibvirtException>(() => ask().In());
            Assert.Equal((ErrorCode.SystemError, HostLook.LeftOut), (unseen.Code, unseen.Int1));
            Assert.Contains(sick.DirectoryPath, unseen.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("host")]
    public async Task A_name_in_a_file_that_hangs_is_not_said_to_be_nobodys(string kind)
    {
        using PrivateDirectory files = new();
        string file = files.File("vm.cfg");
        await File.WriteAllTextAsync(file, "[name]\n  guest = \"filed\"\n", Token);
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-readconfig", file], monitors: 1, Token);
        using Socket holder = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await holder.ConnectAsync(new UnixDomainSocketEndPoint(qemu.MonitorPaths[0]), Token);
        Assert.NotEqual(0, await holder.ReceiveAsync(new byte[1024], Token));
        using ManualResetEventSlim returns = new();
        HostCalls.Fault = (call, what) =>
        {
            if (call == "read" && what.StartsWith("/proc/self/fd/", StringComparison.Ordinal))
                returns.Wait(CancellationToken.None);
            return 0;
        };
        await using QemuInventory inventory = new([Scope(kind, qemu.DirectoryPath)], TimeProvider.System, ConnectionLog.None);
        try
        {
            Assert.Contains(await ListAsync(inventory), domain => domain.Identity.Id == qemu.Pid);
            LibvirtException unseen = await Assert.ThrowsAsync<LibvirtException>(
                () => inventory.LookupAsync(static identity => identity.Name == "filed", Timeout, Token).AsTask().In());
            Assert.Contains($"the paths of process {qemu.Pid}", unseen.Message, StringComparison.Ordinal);
        }
        finally
        {
            returns.Set();
            HostCalls.Fault = null;
        }

        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        Assert.Equal(qemu.Pid, (await inventory.LookupAsync(static identity => identity.Name == "filed", Timeout, Token))?.Identity.Id);
        Assert.Null(await inventory.LookupAsync(static identity => identity.Name == "nobody", Timeout, Token));
    }

    [Fact]
    public async Task An_owner_that_could_not_be_looked_for_is_found_when_the_call_has_returned()
    {
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-name", "late"], monitors: 1, Token);
        using ManualResetEventSlim returns = new();
        string commandLine = $"/proc/{qemu.Pid}/cmdline";
        HostCalls.Fault = (_, what) =>
        {
            if (what == commandLine)
                returns.Wait(CancellationToken.None);
            return 0;
        };
        SocketScope scope = new(qemu.MonitorPaths[0]);
        await using QemuInventory inventory = new([scope], TimeProvider.System, ConnectionLog.None);
        try
        {
            Assert.Null(await inventory.ConnectNamedAsync(scope, Timeout, Token).AsTask().In());
            Assert.Null(Assert.Single(await ListAsync(inventory)).Instance.Process);
            Assert.Equal(1, HostLook.StuckCalls);
        }
        finally
        {
            returns.Set();
            HostCalls.Fault = null;
        }

        await Waiting.UntilAsync("return", () => HostLook.StuckCalls == 0);
        Assert.Equal(qemu.Pid, Assert.Single(await ListAsync(inventory)).Instance.Process?.Pid);
    }

    [Fact]
    public async Task Each_call_about_what_was_named_or_a_process_wrote_is_part_of_a_look()
    {
        using PrivateDirectory files = new();
        string file = files.File("vm.cfg");
        await File.WriteAllTextAsync(file, "[rtc]\n  base = \"utc\"\n", Token);
        await using QemuProcess qemu = await QemuProcess.StartPcAsync(["-name", "looked", "-readconfig", file], monitors: 1, Token);
        string socket = qemu.MonitorPaths[0];
        List<string> seen = [], outside = [];
        HostCalls.Fault = (call, what) =>
        {
            if (what.Contains(qemu.DirectoryPath, StringComparison.Ordinal) || what.Contains("vm.cfg", StringComparison.Ordinal)
                || what == $"/proc/{qemu.Pid}/cmdline" || what == $"/proc/{qemu.Pid}/environ" || what == $"/proc/{qemu.Pid}/maps"
                || what.StartsWith("/proc/self/fd/", StringComparison.Ordinal))
            {
                lock (seen)
                    (HostLook.IsLooking ? seen : outside).Add(call);
            }

            return 0;
        };
        try
        {
            foreach (string uri in (string[])["qmp:///", $"qmp://{qemu.DirectoryPath}", $"qmp://{socket}"])
            {
                await using Connection connection = await Connection.OpenAsync(uri, cancellationToken: Token);
                Domain domain = await connection.LookupByNameAsync("looked", Token);
                Assert.Contains("utc", await domain.GetXmlAsync(cancellationToken: Token), StringComparison.Ordinal);
                _ = await domain.GetMemoryStatsAsync(cancellationToken: Token);
                _ = await connection.ListDomainsAsync(cancellationToken: Token);
            }

            await Assert.ThrowsAsync<LibvirtException>(async () => await Connection.OpenAsync($"qmp://{qemu.DirectoryPath}/none", cancellationToken: Token));
        }
        finally
        {
            HostCalls.Fault = null;
        }

        Assert.Subset(seen.ToHashSet(), new HashSet<string> { "connect", "read", "statx", "open", "openat2" });
        Assert.Empty(outside.Distinct());
    }

    [Fact]
    public async Task A_process_that_is_no_qemu_costs_one_call_and_what_it_becomes_is_seen_at_once()
    {
        using PrivateDirectory files = new();
        string file = files.File("go");
        await using ChildProcess process = await ChildProcess.StartAsync("bash",
        [
            "-c", "until [ -e \"$0\" ]; do sleep 0.1; done; exec qemu-system-x86_64 -name became -M none -S -nodefaults -display none", file,
        ]);
        await using QemuInventory inventory = new([Scope("host", "")], TimeProvider.System, ConnectionLog.None);
        int pid = process.Pid;
        List<string> calls = [];
        HostCalls.Fault = (call, what) =>
        {
            if (what.StartsWith($"/proc/{pid}/", StringComparison.Ordinal))
                calls.Add(call);
            return 0;
        };
        await Deadline.UntilAsync(Deadline.Default, "a look by one call", async _ =>
        {
            calls.Clear();
            Assert.DoesNotContain(await ListAsync(inventory), domain => domain.Identity.Id == pid);
            return calls is ["readlink"];
        }, Token);
        HostCalls.Fault = null;

        await File.WriteAllTextAsync(file, "", Token);
        await Waiting.UntilAsync("QEMU", () => new FileInfo($"/proc/{pid}/exe").LinkTarget?.Contains("qemu", StringComparison.Ordinal) == true);
        Assert.Contains(await ListAsync(inventory), domain => domain.Identity.Id == pid);
    }

    [Fact]
    public void What_a_stranger_can_make_fail_hides_nobody_else()
    {
        const int wouldBlock = 11, tooManyOpen = 24;
        using LookTrouble look = new();
        using (new LookTrouble { IsOfStranger = true })
            LookTrouble.Note(wouldBlock, "a file under a lease");
        Assert.Null(look.Failure);
        using (new LookTrouble { IsOfStranger = true })
            LookTrouble.Note(tooManyOpen, "any file");
        Assert.Equal(tooManyOpen, look.Failure?.Errno);
    }

    [Fact]
    public async Task A_monitor_is_not_disregarded_because_the_first_look_failed()
    {
        await using FakeQmp fake = FakeQmp.Start();
        string directory = Path.GetDirectoryName(fake.Path)!;
        Faults faults = new(Environment.ProcessId);
        await TryAsync(faults.Count, "without a fault");
        Assert.NotInRange(faults.Seen.Count, 0, 10);

        // Each; of a host with hundreds of processes, at which it makes the same calls, each so-many-th.
        const int most = 300;
        int total = faults.Seen.Count, step = 1 + (total / most);
        for (int at = 0; at < total; at += step)
        {
            int errno = Errors[at / step % Errors.Length];
            await TryAsync(faults.At(at, errno), $"call {at} of {total} failed with {errno}");
        }

        async Task TryAsync(Func<string, string, int> fault, string when)
        {
            await using QemuInventory inventory = new([new DirectoryScope(directory, [])], new SlowTime(), ConnectionLog.None);
            HostCalls.Fault = fault;
            try
            {
                _ = await ListAsync(inventory);
            }
            catch (LibvirtException)
            {
                // Nobody is known, and nobody could look: that is said.
            }

            HostCalls.Fault = null;
            Assert.True((await ListAsync(inventory)).Count == 1, when);
        }
    }

    /// <summary>The files of one process make a look at it fail as nobody foresaw: the others are seen, and it is said.</summary>
    [Theory]
    [InlineData("stat", false)] // It never gets known.
    [InlineData("cwd", true)] // It is known, and where its monitor is cannot be told.
    public async Task A_process_at_which_a_look_fails_hides_no_other(string file, bool isListed)
    {
        const int cannotLook = 115, looks = 3;
        using PrivateDirectory directory = new();
        await using ChildProcess sick = await StartAsync("sick"), well = await StartAsync("well");
        using HeardLog heard = new();
        await using QemuInventory inventory = new(
            [Scope("host", "")], TimeProvider.System, ConnectionLog.Of(new ConnectionOptions { LoggerFactory = heard }));
        HostCalls.Fault = (_, what) => what == $"/proc/{sick.Pid}/{file}" ? throw new InvalidOperationException("not foreseen") : 0;
        for (int i = 0; i < looks; i++)
        {
            QemuDomain[] found = [.. (await ListAsync(inventory)).Where(domain => domain.Identity.Id == sick.Pid || domain.Identity.Id == well.Pid)];
            Assert.Equal(isListed ? ["sick", "well"] : ["well"], found.Select(domain => domain.Identity.Name).Order());
            Assert.DoesNotContain("not foreseen", Refusal(found[^1]), StringComparison.Ordinal);
            Assert.Equal(isListed, Refusal(found[0]).Contains("not foreseen", StringComparison.Ordinal));
            Assert.NotNull(await inventory.LookupAsync(static identity => identity.Name == "well", Timeout, Token));
        }

        // Nobody is said to be missing who could not be looked at.
        if (!isListed)
            Assert.Contains("not foreseen", (await Assert.ThrowsAsync<LibvirtException>(() => LookupNoneAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(isListed, inventory.LookError is null);
        Assert.Contains($"{sick.Pid}", await heard.HearAsync(cannotLook), StringComparison.Ordinal);
        Assert.Equal(1, heard.Count(cannotLook));

        HostCalls.Fault = null;
        Assert.Equal(2, (await ListAsync(inventory)).Count(domain => domain.Identity.Name is "sick" or "well"));
        Assert.Null(inventory.LookError);

        Task<QemuDomain?> LookupNoneAsync() => inventory.LookupAsync(static _ => false, Timeout, Token).AsTask();

        static string Refusal(QemuDomain domain)
        {
            try
            {
                return domain.Monitor.Path;
            }
            catch (LibvirtException refused)
            {
                return refused.Message;
            }
        }

        async Task<ChildProcess> StartAsync(string name)
        {
            string last = directory.File($"{name}-last");
            ChildProcess qemu = await ChildProcess.StartAsync("env", [
                "-C", directory.Path, "qemu-system-x86_64", "-name", name, "-M", "none", "-S", "-nodefaults", "-display", "none",
                "-qmp", $"unix:{name},server=on,wait=off", "-qmp", $"unix:{last},server=on,wait=off",
            ]);
            await Waiting.UntilAsync("monitor", () => UnixSocket.IsListening(last));
            return qemu;
        }
    }

    [Fact]
    public async Task An_empty_list_is_not_given_where_nobody_could_look()
    {
        using PrivateDirectory directory = new();
        await using QemuInventory inventory = new([new DirectoryScope(directory.Path, [])], TimeProvider.System, ConnectionLog.None);

        HostCalls.Fault = static (call, _) => call == "open" ? 24 : 0;
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => ListAsync(inventory));
        HostCalls.Fault = null;

        Assert.Contains("Cannot look at", error.Message, StringComparison.Ordinal);
        Assert.Empty(await ListAsync(inventory));
        HostCalls.Fault = static (call, _) => call == "open" ? NotThere : 0;
        Assert.Empty(await ListAsync(inventory));
        HostCalls.Fault = null;
    }

    private static async Task<IReadOnlyList<QemuDomain>> ListAsync(QemuInventory inventory) =>
        await inventory.RefreshAsync(connects: false, Timeout, Token).AsTask().In();

    private static IQemuScope Scope(string kind, string directory) => kind switch
    {
        "directory" => new DirectoryScope(directory, []),
        "path" => new PathScope(directory, []),
        _ => new HostScope(new QemuTrust([]), MonitorManagers.Known),
    };

    /// <summary>The calls of a look, but for those about other processes, which come and go.</summary>
    private sealed class Faults(int pid)
    {
        public List<string> Seen { get; } = [];

        public int Count(string call, string what)
        {
            if (!Concerns(what))
                return 0;
            lock (Seen)
                Seen.Add(call);
            return 0;
        }

        public Func<string, string, int> At(int index, int errno)
        {
            int next = -1;

            // EAGAIN of connect is an answer: the monitor's queue is full.
            return (call, what) => !Concerns(what) || Interlocked.Increment(ref next) != index ? 0
                : call == "connect" && errno == Errors[4] ? Errors[3] : errno;
        }

        private bool Concerns(string what)
        {
            const string processes = "/proc/";
            return !what.StartsWith(processes, StringComparison.Ordinal) || !char.IsAsciiDigit(what[processes.Length])
                || what.StartsWith($"{processes}{pid}/", StringComparison.Ordinal);
        }
    }
}
