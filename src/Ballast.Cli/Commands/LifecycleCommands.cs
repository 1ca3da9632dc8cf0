using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>What makes a domain run, stop or go.</summary>
internal static class LifecycleCommands
{
    private static readonly CommandOption Mode = new("mode", OptionKind.Text, "how to ask: acpi, agent, initctl, signal or paravirt; several with commas")
    {
        IsPositional = true,
        IsList = true,
        Values = () => Modes!.Select(mode => mode.Name),
    };

    private static readonly CommandOption Graceful = new("graceful", OptionKind.Flag, "fail rather than kill a hypervisor process that does not exit by itself");
    private static readonly CommandOption RemoveLogs = new("remove-logs", OptionKind.Flag, "also remove the domain's logs");

    private static readonly (string Name, DomainShutdownFlags Flag)[] Modes =
    [
        ("acpi", DomainShutdownFlags.AcpiPowerButton),
        ("agent", DomainShutdownFlags.GuestAgent),
        ("initctl", DomainShutdownFlags.InitControl),
        ("signal", DomainShutdownFlags.Signal),
        ("paravirt", DomainShutdownFlags.Paravirtual),
    ];

    public static Command Suspend { get; } = new("suspend", "pause a domain")
    {
        Description = "Pauses the guest's CPUs. Its memory stays on the host. `resume` lets it run again.\n",
        Options = [DomainArgument.Any],
        Execute = invocation => ChangeAsync(
            invocation, "suspend", "suspended", domain => domain.SuspendAsync(invocation.CancellationToken)),
    };

    public static Command Resume { get; } = new("resume", "continue a paused domain")
    {
        Options = [DomainArgument.Any],
        Execute = invocation => ChangeAsync(
            invocation, "resume", "resumed", domain => domain.ResumeAsync(invocation.CancellationToken)),
    };

    public static Command Reset { get; } = new("reset", "press a domain's reset button")
    {
        Description = "The guest starts over at once. Data that it has not written is lost.\n",
        Options = [DomainArgument.Any],
        Execute = invocation => ChangeAsync(
            invocation, "reset", "was reset", domain => domain.ResetAsync(invocation.CancellationToken)),
    };

    public static Command Shutdown { get; } = new("shutdown", "ask a domain's guest to shut down")
    {
        Description =
            """
            The guest may take a while, or ignore it: `domstate` shows whether it is off. Without --mode, the
            hypervisor chooses the way. It refuses methods that it does not support.

            """,
        Options = [DomainArgument.Any, Mode],
        Execute = invocation =>
        {
            DomainShutdownFlags flags = ReadModes(invocation.Arguments.Text(Mode), "'signal', or 'paravirt'");
            return ChangeAsync(
                invocation, "shutdown", "is being shutdown", domain => domain.ShutdownAsync(flags, invocation.CancellationToken));
        },
    };

    public static Command Reboot { get; } = new("reboot", "ask a domain's guest to reboot")
    {
        Description = "The guest may take a while, or ignore it. `help shutdown` explains --mode.\n",
        Options = [DomainArgument.Any, Mode],
        Execute = invocation =>
        {
            // libvirt's methods to reboot have the same numbers as those to shut down.
            DomainRebootFlags flags = (DomainRebootFlags)ReadModes(invocation.Arguments.Text(Mode), "'signal' or 'paravirt'");
            return ChangeAsync(
                invocation, "reboot", "is being rebooted", domain => domain.RebootAsync(flags, invocation.CancellationToken));
        },
    };

    public static Command WakeUp { get; } = new("dompmwakeup", "wake a guest that suspended itself")
    {
        Description = "Wakes a guest that suspended itself to memory: `domstate` shows `pmsuspended`.\n",
        Options = [DomainArgument.Any],
        Execute = WakeUpAsync,
    };

    public static Command Destroy { get; } = new("destroy", "stop a domain at once")
    {
        Description =
            """
            Stops the domain like a power failure. Data that the guest has not written is lost. Its disks and
            its definition stay.

            """,
        Options = [DomainArgument.Any, Graceful, RemoveLogs],
        Execute = invocation =>
        {
            DomainDestroyFlags flags = DomainDestroyFlags.None;
            if (invocation.Arguments.Has(Graceful))
                flags |= DomainDestroyFlags.Graceful;
            if (invocation.Arguments.Has(RemoveLogs))
                flags |= DomainDestroyFlags.RemoveLogs;
            return ChangeAsync(
                invocation, "destroy", "destroyed", domain => domain.DestroyAsync(flags, invocation.CancellationToken));
        },
    };

    // Here the domain is called by its name.
    private static async ValueTask WakeUpAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync();
        try
        {
            await domain.WakeUpAsync(invocation.CancellationToken);
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Domain '{domain.Name}' could not be woken up", e);
        }

        invocation.Confirm($"Domain '{domain.Name}' successfully woken up");
    }

    // Here the domain is called what the user called it.
    private static async ValueTask ChangeAsync(CommandInvocation invocation, string verb, string done, Func<Domain, ValueTask> change)
    {
        Domain domain = await invocation.FindDomainAsync();
        string name = invocation.Arguments.Text(DomainArgument.Any)!;
        try
        {
            await change(domain);
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Failed to {verb} domain '{name}'", e);
        }

        invocation.Confirm($"Domain '{name}' {done}");
    }

    private static DomainShutdownFlags ReadModes(string? text, string lastModes)
    {
        DomainShutdownFlags flags = DomainShutdownFlags.None;
        foreach (string mode in text?.Split(',') ?? [])
        {
            flags |= Modes.FirstOrDefault(known => known.Name == mode).Flag is not DomainShutdownFlags.None and var flag
                ? flag
                : throw new CommandException($"Unknown mode {mode} value, expecting 'acpi', 'agent', 'initctl', {lastModes}");
        }

        return flags;
    }
}
