using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Commands that belong together.</summary>
/// <param name="Keyword">virsh's name of the group, for <c>help</c>.</param>
/// <param name="Title">What its commands do.</param>
/// <param name="Entries">By name.</param>
internal sealed record CommandGroup(string Keyword, string Title, IReadOnlyList<CommandEntry> Entries)
{
    public IReadOnlyList<Command> Commands => [.. Entries.Select(entry => entry.Make())];
}

/// <summary>A command's place in the table. The command is made when somebody asks for it: a program mostly runs one of them.</summary>
internal sealed record CommandEntry(string Name, Func<Command> Make);

internal static class CommandTable
{
    public static IReadOnlyList<CommandGroup> Groups { get; } =
    [
        new("monitor", "Monitoring domains",
        [
            new("balance", static () => BalanceCommand.Command),
            new("cpu-stats", static () => CpuStatsCommand.Command),
            new("doctor", static () => DoctorCommand.Command),
            new("domblklist", static () => DeviceCommands.Disks),
            new("domblkstat", static () => BlockStatsCommand.Command),
            new("domcontrol", static () => DomControlCommand.Command),
            new("domdirtyrate-calc", static () => DirtyRateCommand.Command),
            new("domiflist", static () => DeviceCommands.Interfaces),
            new("dominfo", static () => DomInfoCommand.Command),
            new("domjobinfo", static () => JobCommand.Command),
            new("dommemstat", static () => DomMemStatCommand.Command),
            new("domstate", static () => DomStateCommand.Command),
            new("domstats", static () => DomStatsCommand.Command),
            new("event", static () => EventCommand.Command),
            new("list", static () => ListCommand.Command),
            new("memory", static () => MemoryCommand.Command),
            new("top", static () => TopCommand.Command),
            new("watch", static () => WatchCommand.Command),
        ]),
        new("domain", "Describing and changing domains",
        [
            new("destroy", static () => LifecycleCommands.Destroy),
            new("domid", static () => IdentityCommands.Id),
            new("domname", static () => IdentityCommands.Name),
            new("dompmwakeup", static () => LifecycleCommands.WakeUp),
            new("domuuid", static () => IdentityCommands.Uuid),
            new("dumpxml", static () => DumpXmlCommand.Command),
            new("memtune", static () => MemoryLimitCommands.Tune),
            new("reboot", static () => LifecycleCommands.Reboot),
            new("reset", static () => LifecycleCommands.Reset),
            new("resume", static () => LifecycleCommands.Resume),
            new("schedinfo", static () => SchedulerCommand.Command),
            new("setmaxmem", static () => MemoryLimitCommands.SetMaximum),
            new("setmem", static () => SetMemCommand.Command),
            new("shutdown", static () => LifecycleCommands.Shutdown),
            new("suspend", static () => LifecycleCommands.Suspend),
            new("vcpucount", static () => VirtualCpuCommands.Count),
            new("vcpuinfo", static () => VirtualCpuCommands.Info),
            new("vcpupin", static () => VirtualCpuCommands.Pin),
        ]),
        new("host", "Host and hypervisor",
        [
            new("capabilities", static () => HostCommands.Capabilities),
            new("freecell", static () => HostStatsCommands.FreeMemory),
            new("freepages", static () => FreePagesCommand.Command),
            new("hostname", static () => HostCommands.HostName),
            new("maxvcpus", static () => HostCommands.MaxVcpus),
            new("nodecpumap", static () => HostCommands.CpuMap),
            new("nodecpustats", static () => HostStatsCommands.CpuTimes),
            new("nodeinfo", static () => HostCommands.Node),
            new("nodememstats", static () => HostStatsCommands.Memory),
            new("sysinfo", static () => HostCommands.Sysinfo),
            new("uri", static () => UriCommand.Command),
            new("version", static () => VersionCommand.Command),
        ]),
        new("virsh", "The shell",
        [
            new("cd", static () => ShellCommands.ChangeDirectory),
            new("connect", static () => ShellCommands.Connect),
            new("echo", static () => EchoCommand.Command),
            new("exit", static () => ShellCommands.Exit),
            new("help", static () => HelpCommand.Command),
            new("pwd", static () => ShellCommands.PrintDirectory),
            new("quit", static () => ShellCommands.Quit),
        ]),
    ];

    /// <summary>All commands, by name.</summary>
    public static IReadOnlyList<Command> All => [.. Groups.SelectMany(group => group.Commands).OrderBy(command => command.Name, StringComparer.Ordinal)];

    /// <summary>The names of all commands.</summary>
    public static IEnumerable<string> Names => Entries.Select(entry => entry.Name);

    private static IEnumerable<CommandEntry> Entries => Groups.SelectMany(group => group.Entries);

    /// <summary>The command of a name; null where there is none.</summary>
    public static Command? Find(string? name)
    {
        foreach (CommandGroup group in Groups)
        {
            foreach (CommandEntry entry in group.Entries)
            {
                if (entry.Name == name)
                    return entry.Make();
            }
        }

        return null;
    }
}
