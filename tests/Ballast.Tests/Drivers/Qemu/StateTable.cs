using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>One past of a QEMU, and what it leads to.</summary>
/// <param name="Name">What happened.</param>
/// <param name="Past">The run state when the connection was made, then events (in capitals, with their data) and the run states after them.</param>
/// <param name="State">The state and the reason at the end.</param>
/// <param name="Label">The same in virsh's words.</param>
/// <param name="Events">What a subscriber heard.</param>
internal sealed record StateRow(string Name, string[] Past, DomainStateInfo State, string Label, string[] Events)
{
    public static bool IsEvent(string step) => char.IsAsciiLetterUpper(step[0]);

    public async Task TakeStepAsync(FakeQmp fake, string step)
    {
        int space = step.IndexOf(' ', StringComparison.Ordinal);
        if (!IsEvent(step))
            fake.Guest.Status = step;
        else
            await fake.SendAsync(space < 0 ? FakeQmp.Event(step) : FakeQmp.Event(step[..space], step[(space + 1)..]));
    }
}

/// <summary>
/// Run states and what led to them, with libvirt's state, reason and events. RunStateTests holds against libvirtd what can be
/// provoked for real.
/// </summary>
internal static class StateTable
{
    private const string Paused = "Suspended Paused", Resumed = "Resumed Unpaused", Asleep = "PMSuspended Memory", Panicked = "Crashed Panicked";

    private const string PanicEvent = "GUEST_PANICKED {\"action\": \"pause\"}", RunsOnEvent = "GUEST_PANICKED {\"action\": \"run\"}",
        WatchdogEvent = "WATCHDOG {\"action\": \"pause\"}", ErrorEvent = "BLOCK_IO_ERROR {\"action\": \"stop\", \"device\": \"d\"}",
        PoweredOff = "SHUTDOWN {\"guest\": true, \"reason\": \"guest-shutdown\"}";

    private static readonly StateRow[] Rows =
    [
        Row("booted", ["running"], DomainState.Running, 1, "running (booted)"),
        Row("reset", ["running", "RESET", "running"], DomainState.Running, 1, "running (booted)", "reboot"),
        Row("reset by itself after it was reset", ["running", "RESET", "RESET", "running"], DomainState.Running, 1, "running (booted)", "reboot", "reboot"),
        Row("paused", ["running", "STOP", "paused"], DomainState.Paused, 1, "paused (user)", Paused),
        Row("paused and reset", ["running", "STOP", "paused", "RESET", "prelaunch"], DomainState.Paused, 1, "paused (user)", Paused, "reboot"),
        Row("resumed", ["running", "STOP", "paused", "RESUME", "running"], DomainState.Running, 5, "running (unpaused)", Paused, Resumed),
        Row("resumed and reset", ["paused", "RESUME", "running", "RESET", "running"], DomainState.Running, 5, "running (unpaused)", Resumed, "reboot"),
        Row("started paused", ["prelaunch"], DomainState.Paused, 1, "paused (user)"),
        Row("started paused and reset", ["prelaunch", "RESET", "prelaunch"], DomainState.Paused, 1, "paused (user)", "reboot"),
        Row("started paused and resumed", ["prelaunch", "RESUME", "running"], DomainState.Running, 5, "running (unpaused)", Resumed),
        Row("panicked", ["running", PanicEvent, "STOP", "guest-panicked"], DomainState.Crashed, 1, "crashed (panicked)", Panicked),
        Row("panicked and reset", ["running", PanicEvent, "STOP", "guest-panicked", "RESET", "prelaunch"],
            DomainState.Paused, 10, "paused (crashed)", Panicked, "reboot"),
        Row("panicked before anybody listened, and reset", ["guest-panicked", "RESET", "prelaunch"], DomainState.Paused, 10, "paused (crashed)", "reboot"),
        Row("panicked, reset and resumed", ["running", PanicEvent, "STOP", "guest-panicked", "RESET", "prelaunch", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", Panicked, "reboot", Resumed),
        Row("panicked and resumed", ["running", PanicEvent, "STOP", "guest-panicked", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", Panicked, Resumed),
        Row("panicked, resumed and paused", ["guest-panicked", "RESUME", "running", "STOP", "paused"], DomainState.Paused, 1, "paused (user)", Resumed, Paused),
        Row("panicked where that stops nothing", ["running", RunsOnEvent, "running"], DomainState.Crashed, 1, "crashed (panicked)", Panicked),
        Row("panicked where that stops nothing, and paused", ["running", RunsOnEvent, "running", "STOP", "paused"],
            DomainState.Crashed, 1, "crashed (panicked)", Panicked),
        Row("panicked where that stops nothing, paused and resumed", ["running", RunsOnEvent, "STOP", "paused", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", Panicked, Resumed),
        Row("panicked where that stops nothing, and rebooted", ["running", RunsOnEvent, "running", "RESET", "running"],
            DomainState.Running, 1, "running (booted)", Panicked, "reboot"),
        Row("panicked into its crash kernel", ["running", "GUEST_CRASHLOADED {\"action\": \"run\"}", "running"],
            DomainState.Running, 1, "running (booted)", "Crashed Crashloaded"),
        Row("asleep", ["running", "SUSPEND", "suspended"], DomainState.PMSuspended, 0, "pmsuspended (unknown)", Asleep),
        Row("asleep and paused", ["running", "SUSPEND", "STOP", "suspended"], DomainState.PMSuspended, 0, "pmsuspended (unknown)", Asleep),
        Row("asleep and reset", ["running", "SUSPEND", "suspended", "RESET", "prelaunch"], DomainState.PMSuspended, 0, "pmsuspended (unknown)", Asleep, "reboot"),
        Row("asleep, reset and resumed", ["running", "SUSPEND", "suspended", "RESET", "prelaunch", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", Asleep, "reboot", Resumed),
        Row("woken", ["running", "SUSPEND", "suspended", "WAKEUP", "running"], DomainState.Running, 8, "running (event wakeup)", Asleep, "Started Event wakeup"),
        Row("woken and reset", ["suspended", "WAKEUP", "running", "RESET", "running"], DomainState.Running, 8, "running (event wakeup)", "Started Event wakeup", "reboot"),
        Row("woken, paused and resumed", ["suspended", "WAKEUP", "running", "STOP", "paused", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", "Started Event wakeup", Paused, Resumed),
        Row("asleep on disk", ["running", "SUSPEND_DISK", PoweredOff, "STOP", "shutdown"],
            DomainState.Shutdown, 0, "in shutdown (unknown)", "PMSuspended Disk", "Shutdown Finished after guest request"),
        Row("stopped by its watchdog", ["running", WatchdogEvent, "STOP", "watchdog"], DomainState.Paused, 6, "paused (watchdog)", "Suspended Watchdog"),
        Row("stopped by its watchdog and reset", ["running", WatchdogEvent, "STOP", "watchdog", "RESET", "prelaunch"],
            DomainState.Paused, 6, "paused (watchdog)", "Suspended Watchdog", "reboot"),
        Row("stopped by its watchdog, resumed and paused", ["running", WatchdogEvent, "STOP", "watchdog", "RESUME", "running", "STOP", "paused"],
            DomainState.Paused, 1, "paused (user)", "Suspended Watchdog", Resumed, Paused),
        Row("its watchdog resets it", ["running", "WATCHDOG {\"action\": \"reset\"}", "RESET", "running"], DomainState.Running, 1, "running (booted)", "reboot"),
        Row("stopped by an I/O error", ["running", ErrorEvent, "STOP", "io-error"], DomainState.Paused, 5, "paused (I/O error)", "Suspended I/O Error"),
        Row("stopped by several I/O errors", ["running", ErrorEvent, ErrorEvent, "STOP", ErrorEvent, "io-error", "RESUME", "running", "STOP", "paused"],
            DomainState.Paused, 1, "paused (user)", "Suspended I/O Error", Resumed, Paused),
        Row("stopped by an I/O error and reset", ["running", ErrorEvent, "STOP", "io-error", "RESET", "prelaunch"],
            DomainState.Paused, 5, "paused (I/O error)", "Suspended I/O Error", "reboot"),
        Row("an I/O error that stops nothing", ["running", "BLOCK_IO_ERROR {\"action\": \"report\"}", "STOP", "paused"], DomainState.Paused, 1, "paused (user)", Paused),
        Row("powered off", ["running", PoweredOff, "STOP", "shutdown"], DomainState.Shutdown, 0, "in shutdown (unknown)", "Shutdown Finished after guest request"),
        Row("powered off and told to quit", ["running", PoweredOff, "STOP", "shutdown", "SHUTDOWN {\"guest\": false, \"reason\": \"host-signal\"}"],
            DomainState.Shutdown, 0, "in shutdown (unknown)", "Shutdown Finished after guest request"),
        Row("powered off, reset and resumed", ["running", PoweredOff, "STOP", "shutdown", "RESET", "prelaunch", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", "Shutdown Finished after guest request", "reboot", Resumed),
        Row("powered off and reset", ["shutdown", "RESET", "prelaunch"], DomainState.Shutdown, 0, "in shutdown (unknown)", "reboot"),
        Row("comes by migration", ["inmigrate"], DomainState.Paused, 2, "paused (migrating)"),
        Row("came by migration", ["inmigrate", "RESUME", "running"], DomainState.Running, 2, "running (migrated)", "Resumed Migrated"),
        Row("came by migration and was reset", ["inmigrate", "RESUME", "running", "RESET", "running"], DomainState.Running, 2, "running (migrated)", "Resumed Migrated", "reboot"),
        Row("came by migration, paused", ["inmigrate", "paused"], DomainState.Paused, 2, "paused (migrating)"),
        Row("came by migration, paused and resumed", ["inmigrate", "RESUME", "running", "STOP", "paused", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", "Resumed Migrated", Paused, Resumed),
        Row("goes by migration", ["running", "STOP", "finish-migrate"], DomainState.Paused, 2, "paused (migrating)", Paused),
        Row("went by migration", ["running", "STOP", "finish-migrate", "postmigrate"], DomainState.Paused, 2, "paused (migrating)", Paused),
        Row("went by migration, and stays after all", ["running", "STOP", "finish-migrate", "postmigrate", "RESUME", "running"],
            DomainState.Running, 5, "running (unpaused)", Paused, Resumed),
        Row("is saved", ["running", "STOP", "save-vm"], DomainState.Paused, 3, "paused (saving)", Paused),
        Row("is restored", ["running", "STOP", "restore-vm"], DomainState.Paused, 0, "paused (unknown)", Paused),
        Row("stands in its debugger", ["running", "STOP", "debug"], DomainState.Paused, 0, "paused (unknown)", Paused),
        Row("failed in its accelerator", ["running", "STOP", "internal-error"], DomainState.Paused, 0, "paused (unknown)", Paused),
        Row("failed in its accelerator, and was reset", ["internal-error", "RESET", "prelaunch"], DomainState.Paused, 0, "paused (unknown)", "reboot"),
    ];

    public static TheoryData<string> Names { get; } = [.. Rows.Select(row => row.Name)];

    public static StateRow Row(string name) => Rows.Single(row => row.Name == name);

    private static StateRow Row(string name, string[] past, DomainState state, int reason, string label, params string[] events) =>
        new(name, past, new DomainStateInfo(state, reason), label, events);
}
