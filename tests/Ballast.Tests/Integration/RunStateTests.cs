using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>
/// What StateTable says, held against a real libvirtd: one QEMU, asked by libvirtd, by our driver in this process and by ballastd,
/// each over a monitor of its own. All three must tell the same states, reasons and events after each step.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed class RunStateTests
{
    private static readonly Chapter[] Chapters =
    [
        new("boots", [
            new("", "running (booted)"), new("reset", "running (booted)", "reboot"),
            new("suspend", "paused (user)", "Suspended Paused"), new("reset", "paused (user)", "reboot"),
            new("resume", "running (unpaused)", "Resumed Unpaused"), new("reset", "running (unpaused)", "reboot"),
        ]),
        new("starts paused", [
            new("", "paused (user)"), new("reset", "paused (user)", "reboot"), new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("reset", "running (unpaused)", "reboot"),
        ]),
        new("panics", [
            new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("panic", "crashed (panicked)", "Crashed Panicked"), new("reset", "paused (crashed)", "reboot"),
            new("resume", "running (unpaused)", "Resumed Unpaused"), new("crash kernel", "running (unpaused)", "Crashed Crashloaded"),
            new("panic", "crashed (panicked)", "Crashed Panicked"), new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("suspend", "paused (user)", "Suspended Paused"), new("reset", "paused (user)", "reboot"),
        ]),
        new("panics and runs on", [
            new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("panic", "crashed (panicked)", "Crashed Panicked"), new("stop", "crashed (panicked)"),
            new("cont", "running (unpaused)", "Resumed Unpaused"), new("reset", "running (unpaused)", "reboot"),
        ]) { Arguments = ["-action", "panic=none"] },
        new("sleeps", [
            new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("sleep", "pmsuspended (unknown)", "PMSuspended Memory"), .. StopAndContinue,
            new("wake", "running (event wakeup)", "Started Event wakeup"), new("reset", "running (event wakeup)", "reboot"),
            new("suspend", "paused (user)", "Suspended Paused"), new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("sleep", "pmsuspended (unknown)", "PMSuspended Memory"), new("reset", "pmsuspended (unknown)", "reboot"),
            new("cont", "running (unpaused)", "Resumed Unpaused"), new("reset", "running (unpaused)", "reboot"),
            new("sleep", "pmsuspended (unknown)", "PMSuspended Memory"), new("stop", "pmsuspended (unknown)"),
        ]),
        new("starves its watchdog", [
            new("resume", "running (unpaused)", "Resumed Unpaused"),
            new("watchdog", "paused (watchdog)", "Suspended Watchdog"), new("reset", "paused (watchdog)", "reboot"),
            new("resume", "running (unpaused)", "Resumed Unpaused"), new("suspend", "paused (user)", "Suspended Paused"),
            new("reset", "paused (user)", "reboot"),
        ]),
        new("has a bad disk", [
            new("resume", "paused (I/O error)", "Resumed Unpaused", "Suspended I/O Error"), new("reset", "paused (I/O error)", "reboot"),
            new("resume", "paused (I/O error)", "Resumed Unpaused", "Suspended I/O Error"), new("reset", "paused (I/O error)", "reboot"),
        ]) { HasBadDisk = true },
    ];

    /// <summary>
    /// A QEMU before 9 does neither to a guest that sleeps. A later one says that it resumes, which libvirtd takes for the guest's
    /// running on; but it sleeps on, and our driver says so.
    /// </summary>
    private static Step[] StopAndContinue =>
        Installed.Qemu.Major < 9 ? [new("stop", "pmsuspended (unknown)"), new("cont", "pmsuspended (unknown)")] : [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names { get; } = [.. Chapters.Select(chapter => chapter.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task States_reasons_and_events_are_libvirtds(string name)
    {
        Chapter chapter = Chapters.Single(chapter => chapter.Name == name);
        await using Stage stage = await Stage.StartAsync(chapter);
        foreach (Step step in chapter.Steps)
        {
            await stage.DoAsync(step.Verb);
            string state = await stage.AgreedStateAsync(step.State);
            Assert.True(state == step.State, $"after '{step.Verb}': {state}, not {step.State}");
            await stage.SamplesAgreeAsync(step.State);
        }

        string[] expected = [.. chapter.Steps.SelectMany(step => step.Events)];
        Assert.Equal(expected, await stage.HeardByLibvirtAsync(expected.Length));
        Assert.Equal(expected, await HeardEvents.TakeAsync(stage.Ours, expected.Length, Token));
        Assert.Equal(expected, await HeardEvents.TakeAsync(stage.Daemons, expected.Length, Token));
    }

    /// <summary>The machine's firmware may reset it once more after a reset; that is a reset as well, and libvirtd tells both.</summary>
    [Fact]
    public async Task Every_reset_is_told_once_each()
    {
        await using Stage stage = await Stage.StartAsync(new Chapter("resets", []) { HasFirmware = true });
        await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(stage.OraclePath, cancellationToken: Token);
        await stage.DoAsync("resume");
        await Task.Delay(TimeSpan.FromSeconds(3), Token); // The firmware comes to its end, so that it has something to start over.
        await stage.DoAsync("reset");
        await Deadline.UntilAsync(
            Deadline.Default, "the firmware's own reset", _ => Task.FromResult(Resets() > 1), Token);
        await stage.DoAsync("suspend");
        _ = await stage.AgreedStateAsync("paused (user)");

        string[] expected = ["Resumed Unpaused", .. Enumerable.Repeat("reboot", Resets()), "Suspended Paused"];
        Assert.Equal(expected, await stage.HeardByLibvirtAsync(expected.Length));
        Assert.Equal(expected, await HeardEvents.TakeAsync(stage.Ours, expected.Length, Token));
        Assert.Equal(expected, await HeardEvents.TakeAsync(stage.Daemons, expected.Length, Token));

        int Resets() => oracle.Events.Count(happened => happened.GetProperty("event").ValueEquals("RESET"));
    }

    /// <summary>libvirt ends such a QEMU at once: so its events are compared, and its state is that of one of our own.</summary>
    [Fact]
    public async Task A_guest_that_powers_off_is_in_shutdown_until_its_QEMU_ends()
    {
        await using (Stage stage = await Stage.StartAsync(new Chapter("powers off", [])))
        {
            await stage.DoAsync("resume");
            await stage.DoAsync("power off");
            string[] expected = ["Resumed Unpaused", "Shutdown Finished after guest request", "Stopped Shutdown"];
            Assert.Equal(expected, await stage.HeardByLibvirtAsync(expected.Length));
            Assert.Equal(expected, await HeardEvents.TakeAsync(stage.Ours, expected.Length, Token));
            Assert.Equal(expected, await HeardEvents.TakeAsync(stage.Daemons, expected.Length, Token));
        }

        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("halt.bin"));
        await using ChildProcess qemu = await ChildProcess.StartAsync("qemu-system-x86_64",
        [
            "-accel", "tcg,tb-size=1", "-M", "pc", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-no-shutdown",
            "-bios", directory.File("halt.bin"), "-qmp", $"unix:{directory.File("m")},server=on,wait=off",
            "-qtest", $"unix:{directory.File("q")},server=on,wait=off", "-qtest-log", "/dev/null",
        ]);
        await Deadline.UntilAsync(Deadline.Default, "QEMU's sockets", _ => Task.FromResult(
            UnixSocket.IsListening(directory.File("m")) && UnixSocket.IsListening(directory.File("q"))), Token);
        await using Connection connection = await OpenAsync($"qmp://{directory.File("m")}");
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        await using GuestMischief mischief = await GuestMischief.ConnectAsync(directory.File("q"), Token);
        await mischief.PowerOffAsync(Token);
        await Deadline.UntilAsync(Deadline.Default, "in shutdown", async token =>
            await domain.GetStateAsync(token) == new DomainStateInfo(DomainState.Shutdown, 0), Token);

        await domain.ResetAsync(Token);
        Assert.Equal(new DomainStateInfo(DomainState.Shutdown, 0), await domain.GetStateAsync(Token));
        await domain.ResumeAsync(Token);
        Assert.Equal(new DomainStateInfo(DomainState.Running, 5), await domain.GetStateAsync(Token));
    }

    private static ValueTask<Connection> OpenAsync(string uri) =>
        Connection.OpenAsync(uri, new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);

    private sealed record Step(string Verb, string State, params string[] Events);

    private sealed record Chapter(string Name, Step[] Steps)
    {
        public string[] Arguments { get; init; } = [];

        public bool HasBadDisk { get; init; }

        public bool HasFirmware { get; init; }

        public bool Boots => Name == "boots";
    }

    /// <summary>One QEMU of libvirt's, and all who watch it.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        private const string Name = "guest";

        private readonly PrivateDirectory _directory = new();
        private readonly Stack<IAsyncDisposable> _resources = new();
        private LibvirtDaemon _libvirt = null!;
        private BallastDaemon _ballast = null!;
        private GuestMischief _mischief = null!;
        private OracleMonitor _oracle = null!;
        private Domain _ours = null!, _theirs = null!;
        private DomainEventSubscription _libvirts = null!;

        public string OraclePath => _directory.File("m3");

        public DomainEventSubscription Ours { get; private set; } = null!;

        public DomainEventSubscription Daemons { get; private set; } = null!;

        public static async Task<Stage> StartAsync(Chapter chapter)
        {
            Stage stage = new();
            try
            {
                await stage.SetUpAsync(chapter);
                return stage;
            }
            catch
            {
                await stage.DisposeAsync();
                throw;
            }
        }

        public async Task DoAsync(string verb)
        {
            switch (verb)
            {
                case "":
                    break;
                case "panic":
                    await _mischief.PanicAsync(Token);
                    break;
                case "crash kernel":
                    await _mischief.LoadCrashKernelAsync(Token);
                    break;
                case "sleep":
                    await _mischief.SleepAsync(Token);
                    break;
                case "power off":
                    await _mischief.PowerOffAsync(Token);
                    break;
                case "watchdog":
                    await _mischief.StarveWatchdogAsync(Token);
                    break;
                case "stop" or "cont":
                    _ = await _oracle.ExecuteAsync(verb, cancellationToken: Token);
                    break;
                default:
                    CommandResult result = await _libvirt.VirshAsync([verb == "wake" ? "dompmwakeup" : verb, Name], Token);
                    Assert.True(result.ExitCode == 0, $"{verb}: {result.Errors}");
                    break;
            }
        }

        /// <summary>What all three say, as soon as they agree on what is expected; else the last of what they said.</summary>
        public async Task<string> AgreedStateAsync(string expected)
        {
            string[] said = [];
            try
            {
                await Deadline.UntilAsync(Deadline.Default, expected, async token =>
                {
                    DomainStateInfo ours = await _ours.GetStateAsync(token);
                    CommandResult[] theirs = [await _libvirt.VirshAsync(["domstate", Name, "--reason"], token), await _ballast.VirshAsync(["domstate", Name, "--reason"], token)];
                    CommandResult[] stats = [await _libvirt.VirshAsync(["domstats", "--state"], token), await _ballast.VirshAsync(["domstats", "--state"], token)];
                    said = [$"{ours.State.Label()} ({ours.ReasonLabel})", .. theirs.Select(result => result.Output.Trim()), .. stats.Select(result => result.Output)];
                    return said[..3].All(state => state == expected) && stats[0].Output == stats[1].Output;
                }, Token, TimeSpan.FromMilliseconds(100));
                return expected;
            }
            catch (TimeoutException)
            {
                return string.Join(" | ", said);
            }
        }

        /// <summary>Over libvirt's protocol too a sample says whether the guest stands still, and why.</summary>
        public async Task SamplesAgreeAsync(string state)
        {
            MemoryStats ours = await _ours.GetMemoryStatsAsync(cancellationToken: Token), theirs = await _theirs.GetMemoryStatsAsync(cancellationToken: Token);

            // One that panicked and runs on is crashed to libvirt.
            if (ours.Reason == MemoryStatsReason.Paused || state.StartsWith("running", StringComparison.Ordinal))
                Assert.Equal((state, ours.Reason == MemoryStatsReason.Paused, ours.State), (state, theirs.Reason == MemoryStatsReason.Paused, theirs.State));
            Assert.Equal(!state.StartsWith("running", StringComparison.Ordinal), theirs.Reason == MemoryStatsReason.Paused);
        }

        /// <summary>libvirtd looks at a panic on a thread of its own: now and then it tells first that the processors stopped.</summary>
        public async Task<List<string>> HeardByLibvirtAsync(int count)
        {
            List<string> heard = [];
            while (heard.Count < count)
            {
                heard.AddRange(await HeardEvents.TakeAsync(_libvirts, 1, Token));
                if (heard is [.., "Suspended Paused", "Crashed Panicked"])
                    heard.RemoveAt(heard.Count - 2);
            }

            return heard;
        }

        public async ValueTask DisposeAsync()
        {
            while (_resources.TryPop(out IAsyncDisposable? resource))
                await resource.DisposeAsync();
            _directory.Dispose();
        }

        private async Task SetUpAsync(Chapter chapter)
        {
            _libvirt = Keep(await LibvirtDaemon.StartAsync(Token));
            string firmware = _directory.File("halt.bin");
            HaltFirmware.WriteTo(firmware);
            string[] monitors = [.. ((string[])["m1", "m2", "m3"]).Select(_directory.File)];
            bool hasFirmware = chapter.HasBadDisk || chapter.HasFirmware;
            string xml = DomainXml.ForRunStates(
                Name, hasFirmware ? null : firmware, monitors, _directory.File("q"), [.. chapter.Arguments, .. chapter.HasBadDisk ? BadDisk() : []]);
            _ = chapter.Boots ? await _libvirt.CreateDomainAsync(xml, Token) : await _libvirt.CreatePausedDomainAsync(xml, Token);
            _mischief = Keep(await GuestMischief.ConnectAsync(_directory.File("q"), Token));
            if (!chapter.HasFirmware)
                _oracle = Keep(await OracleMonitor.ConnectAsync(OraclePath, cancellationToken: Token));
            _ballast = Keep(await BallastDaemon.StartAsync(Token, "--qmp", monitors[1]));
            Connection ours = Keep(await OpenAsync($"qmp://{monitors[0]}"));
            _ours = Assert.Single(await ours.ListDomainsAsync(cancellationToken: Token));
            Ours = Keep(await ours.SubscribeAsync(cancellationToken: Token));
            Daemons = Keep(await Keep(await OpenAsync(_ballast.Uri)).SubscribeAsync(cancellationToken: Token));
            Connection theirs = Keep(await OpenAsync(_libvirt.Uri));
            _theirs = Assert.Single(await theirs.ListDomainsAsync(cancellationToken: Token));
            _libvirts = Keep(await theirs.SubscribeAsync(cancellationToken: Token));
        }

        // Every read of it fails, and QEMU stops the guest for that.
        private string[] BadDisk()
        {
            File.WriteAllBytes(_directory.File("disk"), new byte[32 * 1024]);
            File.WriteAllText(_directory.File("errors"), """
                [inject-error]
                event = "read_aio"
                errno = "5"
                once = "off"
                """);
            return
            [
                "-drive", $"file=blkdebug:{_directory.File("errors")}:{_directory.File("disk")},format=raw,if=none,id=bad,rerror=stop",
                "-device", "ide-hd,drive=bad,bootindex=0",
            ];
        }

        private T Keep<T>(T resource)
            where T : IAsyncDisposable
        {
            _resources.Push(resource);
            return resource;
        }
    }
}
