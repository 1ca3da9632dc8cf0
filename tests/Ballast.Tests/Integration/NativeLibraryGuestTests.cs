using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>C programs and python3-libvirt on guests of their own: through our library without any daemon, and on libvirt's daemon beside libvirt's own library.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed partial class NativeLibraryGuestTests
{
    private const string Python =
        """
        import sys, threading, time, libvirt
        libvirt.registerErrorHandler(lambda *ignored: None, None)
        libvirt.virEventRegisterDefaultImpl()
        connection = libvirt.open(sys.argv[1])
        domain = connection.lookupByName("linux")
        print(libvirt.getVersion(), connection.getType(), connection.isAlive(), [d.name() for d in connection.listAllDomains()])
        domain.setMemoryStatsPeriod(1)
        end = time.time() + 60
        while time.time() < end and len(domain.memoryStats()) < 13:
            time.sleep(0.1)
        stats = domain.memoryStats()
        print(sorted(stats), stats["actual"], all(0 < stats[name] < stats["available"] < 256 * 1024 for name in ("unused", "usable")))
        print(domain.info()[:4], domain.state(), domain.isActive(), domain.ID() == connection.listDomainsID()[0], domain.maxMemory())
        print(connection.lookupByID(domain.ID()).UUIDString() == domain.UUIDString(), connection.lookupByUUIDString(domain.UUIDString()).name())
        [(of, bulk)] = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BALLOON)
        print(of.name(), [key for key in ("balloon.current", "balloon.maximum", "balloon.available", "balloon.usable", "balloon.rss") if bulk.get(key, 0) <= 0])
        for call in (lambda: connection.lookupByName("nobody"), lambda: domain.setMemoryStatsPeriod(-1),
                     lambda: libvirt.openReadOnly(sys.argv[1]).lookupByName("linux").setMemory(1000), lambda: domain.snapshotNum()):
            try:
                print(call())
            except libvirt.libvirtError as e:
                print(e.get_error_code(), e.get_error_domain(), e.get_error_level(), e.get_error_message())
        got, loop = [], []
        def told(connection, domain, event, detail, opaque):
            got.append((domain.name(), event, detail, opaque, threading.current_thread() is loop[0]))
        callback = connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, told, "opaque")
        def run():
            while len(got) < 2:
                libvirt.virEventRunDefaultImpl()
        loop.append(threading.Thread(target=run, daemon=True))
        loop[0].start()
        domain.suspend()
        domain.resume()
        loop[0].join(60)
        connection.domainEventDeregisterAny(callback)
        print(got)
        del domain, of
        print(connection.close())
        """;

    private static readonly string[] Lifecycle = ["all: NAME 3 0", "one: NAME 3 0", "once: NAME 3 0", "all: NAME 4 0", "one: NAME 4 0", "old: NAME 3 0", "old: NAME 4 0"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unmodified_python3_libvirt_reads_a_real_guest_without_any_daemon()
    {
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "linux" }, Token);
        CommandResult result = await ChildProcess.RunAsync(
            "/usr/bin/python3", ["-c", Python, $"qmp://{guest.Process.MonitorPaths[0]}?timeout=20s"],
            new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = NativeProgram.Abi }, TimeSpan.FromSeconds(180), Token);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        string[] lines = result.Output.Split('\n');
        Assert.Equal("9000000 QEMU 1 ['linux']", lines[0]);
        Assert.Equal(
            "['actual', 'available', 'disk_caches', 'hugetlb_pgalloc', 'hugetlb_pgfail', 'last_update', 'major_fault', 'minor_fault', 'rss', 'swap_in', 'swap_out', 'unused', 'usable'] 262144 True",
            lines[1]);
        Assert.Equal("[1, 262144, 262144, 1] [1, 1] 1 True 262144", lines[2]);
        Assert.Equal("True linux", lines[3]);
        Assert.Equal("linux []", lines[4]);
        Assert.Equal("42 10 2 Domain not found: no domain with matching name 'nobody'", lines[5]);
        Assert.Equal("8 20 2 period in virDomainSetMemoryStatsPeriod must be zero or greater", lines[6]);
        Assert.Equal("29 20 2 operation forbidden: read only access prevents virDomainSetMemory", lines[7]);
        Assert.Equal("3 35 2 this function is not supported by the connection driver: virDomainSnapshotNum", lines[8]);
        Assert.Equal("[('linux', 3, 0, 'opaque', True), ('linux', 4, 0, 'opaque', True)]", lines[9]);
    }

    [Fact]
    public async Task Unmodified_bindings_of_other_languages_read_a_guest_without_any_daemon()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        (ushort, ulong)[] report = [(VirtioTag.FreeMemory, 8 << 20), (VirtioTag.TotalMemory, 32 << 20)];
        await guest.AnswerPollsAsync(report, Token);
        string uri = $"qmp://{guest.MonitorPath}?timeout=20s";
        foreach ((string language, string script, string[] expected) in ((string, string, string[])[])
            [("perl", "binding.pl", ["available=32768 ", " unused=8192"]), ("ruby", "binding.rb", ["\n5=32768\n", "\n4=8192\n", "\n3 this function is not supported"])])
        {
            CommandResult result = await ChildProcess.RunAsync(
                language, [Path.Combine(NativeProgram.Sources, script), uri],
                new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = NativeProgram.Abi }, cancellationToken: Token);
            Assert.Equal((0, ""), (result.ExitCode, result.Errors));
            Assert.All(expected, text => Assert.Contains(text, result.Output, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("default")]
    [InlineData("own")]
    [InlineData("eager")]
    public async Task Events_come_on_the_programs_loop_alone(string loop)
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        using NativeProgram program = await NativeProgram.BuildAsync("events", forLibvirt: true, Token);
        CommandResult result = await program.RunAsync(Token, loop, $"qmp://{guest.MonitorPath}?timeout=20s", "guest");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Equal(Expected("guest"), result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task A_guest_without_a_daemon_is_sampled_refreshed_and_leaves_the_process_as_it_was()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        (ushort, ulong)[] report = [(VirtioTag.FreeMemory, 8 << 20), (VirtioTag.TotalMemory, 32 << 20), (VirtioTag.AvailableMemory, 16 << 20)];
        await guest.AnswerPollsAsync(report, Token);
        using NativeProgram own = await NativeProgram.BuildAsync("own", forLibvirt: false, Token);
        string uri = $"qmp://{guest.MonitorPath}?timeout=20s";

        await CheckAsync(uri);
        await using (BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath))
            await CheckAsync(daemon.Uri);

        async Task CheckAsync(string place)
        {
            // The host's kernel and QEMU's command line say the same. A host may be given memory meanwhile.
            string before = Host();
            CommandResult result = await own.RunAsync(Token, place, "guest");
            Assert.Equal((0, ""), (result.ExitCode, result.Errors));
            string[] lines = result.Output.Split('\n');
            Assert.All((string[])["4 8192", "5 32768", "8 16384"], line => Assert.Contains(line, lines));
            Assert.Contains(lines.Single(line => line.StartsWith("host ", StringComparison.Ordinal)), (string[])[before, Host()]);
            Assert.Contains(lines, line => line.StartsWith("process 0 0 0 ", StringComparison.Ordinal));
        }

        static string Host()
        {
            string[] memory = File.ReadAllLines("/proc/meminfo");
            return $"host {Kib("MemTotal")} {Kib("SwapTotal")} {(File.Exists("/proc/pressure/memory") ? 1 : 0)}";

            string Kib(string name) => memory.Single(line => line.StartsWith($"{name}:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        }

        using NativeProgram process = await NativeProgram.BuildAsync("process", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await process.RunAsync(Token, uri));
    }

    [Fact]
    public async Task A_QEMU_that_stands_still_costs_its_own_callers_their_deadline_and_nobody_else_anything()
    {
        await using DrivenGuest still = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "still" }, Token);
        await using DrivenGuest other = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "other" }, Token);
        using NativeProgram program = await NativeProgram.BuildAsync("hung", forLibvirt: false, Token);
        CommandResult result = await program.RunAsync(
            Token, $"qmp://{still.MonitorPath}?timeout=3s", $"{still.Pid}", $"qmp://{other.MonitorPath}?timeout=60s");
        Assert.Equal(new CommandResult(0, "", ""), result);
    }

    [Fact]
    public async Task On_libvirts_daemon_a_program_sees_the_same_through_both_libraries()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        string name = await daemon.CreateDomainAsync(DomainXml.WithoutGuest("machine"), Token);

        // What libvirt's protocol has no words for is told to be unknown.
        using NativeProgram own = await NativeProgram.BuildAsync("own", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await own.RunAsync(Token, daemon.Uri, name, "libvirt"));

        // The program does the same, and the reason of the state tells.
        _ = await daemon.VirshAsync("suspend", name);
        _ = await daemon.VirshAsync("resume", name);
        using NativeProgram parity = await NativeProgram.BuildAsync("parity", forLibvirt: true, Token);
        CommandResult theirs = await parity.RunOnLibvirtAsync(Token, daemon.Uri, name);
        CommandResult ours = await parity.RunAsync(Token, daemon.Uri, name);
        Assert.Equal((0, 0, ""), (theirs.ExitCode, ours.ExitCode, ours.Errors));

        // One difference: keeping alive needs no event loop of the program's here.
        const string keptAlive = "virConnectSetKeepAlive(conn, 5, 5) -> ";
        Assert.Contains($"\n{keptAlive}0\n", ours.Output, StringComparison.Ordinal);
        // A newer libvirt's formats number their arguments, and each has kinds of events of its own.
        Assert.Equal(Without(keptAlive, Unnumbered(theirs.Output)), Without(keptAlive, Unnumbered(ours.Output)));

        using NativeProgram events = await NativeProgram.BuildAsync("events", forLibvirt: true, Token);
        foreach (string loop in (string[])["default", "own"])
        {
            theirs = await events.RunOnLibvirtAsync(Token, loop, daemon.Uri, name);
            ours = await events.RunAsync(Token, loop, daemon.Uri, name);
            Assert.Equal((0, 0, ""), (theirs.ExitCode, ours.ExitCode, ours.Errors));
            Assert.Equal(Sorted(theirs.Output), Sorted(ours.Output));
        }

        // Both wait for the end of the daemon.
        using PrivateDirectory directory = new();
        string[] signs = [directory.File("theirs"), directory.File("ours")];
        Task<CommandResult>[] waiting = [events.RunOnLibvirtAsync(Token, "lost", daemon.Uri, signs[0]), events.RunAsync(Token, "lost", daemon.Uri, signs[1])];
        await Deadline.UntilAsync(
            TimeSpan.FromSeconds(60), "registered close callbacks",
            _ => Task.FromResult(signs.All(File.Exists) || waiting.Any(task => task.IsCompleted)), Token);
        await daemon.DisposeAsync();

        // libvirt's library wants its daemon for that too.
        Assert.Equal(new CommandResult(0, "closed 1\ninternal error: client socket is closed\n", ""), await waiting[0]);
        Assert.Equal(new CommandResult(0, "closed 1\nunregistered\n", ""), await waiting[1]);

        static string Unnumbered(string output) => KindsOfEvents().Replace(
            output.Replace("%1$s", "%s", StringComparison.Ordinal).Replace("%2$s", "%s", StringComparison.Ordinal), "eventID must be less than N");

        static string[] Without(string beginning, string output) => [.. output.Split('\n').Where(line => !line.StartsWith(beginning, StringComparison.Ordinal))];

        // Which of several callbacks of one event is first is nobody's promise.
        static string[] Sorted(string output) => [.. output.Split('\n').Order(StringComparer.Ordinal)];
    }

    // A newer libvirtd says some things in other words.
    [Fact]
    [Trait("oracle", "libvirt 9.0")]
    public async Task A_program_on_libvirts_library_sees_the_same_of_libvirtd_and_of_ballastd()
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("firmware"));
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        string name = await libvirtd.CreateDomainAsync(DomainXml.WithMemorySlots("machine", directory.File("firmware"), [directory.File("qmp")]), Token);
        await using BallastDaemon ballastd = await BallastDaemon.StartAsync(Token, "--qmp", directory.File("qmp"));

        // The program does the same, and the reason of the state tells.
        _ = await libvirtd.VirshAsync("suspend", name);
        _ = await libvirtd.VirshAsync("resume", name);
        using NativeProgram parity = await NativeProgram.BuildAsync("parity", forLibvirt: true, Token);
        CommandResult theirs = await parity.RunOnLibvirtAsync(Token, libvirtd.Uri, name);
        CommandResult ours = await parity.RunOnLibvirtAsync(Token, ballastd.Uri, name);
        Assert.Equal((0, 0, ""), (theirs.ExitCode, ours.ExitCode, ours.Errors));
        Assert.Equal("", await NativeAnswers.CompareAsync(theirs.Output, ours.Output, "daemon-differences.txt", Token));
    }

    [Theory]
    [InlineData("directly")]
    [InlineData("two of a directory")]
    [InlineData("through a daemon")]
    public async Task A_program_may_close_what_is_not_its_own_and_keeps_what_it_opens_then(string how)
    {
        using PrivateDirectory directory = new();
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using DrivenGuest other = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "other" }, Token);
        foreach (DrivenGuest each in (DrivenGuest[])[guest, other])
            _ = File.CreateSymbolicLink(directory.File($"{each.Process.Pid}"), each.MonitorPath);
        await using BallastDaemon? daemon = how == "through a daemon" ? await BallastDaemon.StartAsync(Token, ["--qmp", guest.MonitorPath]) : null;
        using NativeProgram program = await NativeProgram.BuildAsync("closed", forLibvirt: false, Token);
        CommandResult result = await program.RunAsync(
            Token, daemon?.Uri ?? $"qmp://{(how == "directly" ? guest.MonitorPath : directory.Path)}?timeout=20s", "guest");
        Assert.Equal(new CommandResult(0, "", ""), result);
    }

    private static IEnumerable<string> Expected(string name) => Lifecycle.Select(line => line.Replace("NAME", name, StringComparison.Ordinal));

    [GeneratedRegex("eventID must be less than [0-9]+")]
    private static partial Regex KindsOfEvents();
}
