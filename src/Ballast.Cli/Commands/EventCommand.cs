using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Watch;

namespace Ballast.Cli.Commands;

/// <summary>Waits for what happens to domains, and prints it.</summary>
internal static class EventCommand
{
    // In milliseconds, a longer time is no number of 32 bits.
    private const int MaxSeconds = int.MaxValue / 1000;

    // virsh's names, in its order. Our drivers send only some of these events.
    private static readonly (string Name, DomainEventKinds Kind)[] Types =
    [
        ("lifecycle", DomainEventKinds.Lifecycle), ("reboot", DomainEventKinds.Reboot),
        .. Silent("rtc-change", "watchdog", "io-error", "graphics", "io-error-reason", "control-error", "block-job", "disk-change", "tray-change", "pm-wakeup", "pm-suspend"),
        ("balloon-change", DomainEventKinds.BalloonChange),
        .. Silent("pm-suspend-disk", "device-removed", "block-job-2", "tunable", "agent-lifecycle", "device-added", "migration-iteration", "job-completed"),
        .. Silent("device-removal-failed"), ("metadata-change", DomainEventKinds.MetadataChange), .. Silent("block-threshold", "memory-failure", "memory-device-size-change"),
    ];

    private static readonly CommandOption OnlyDomain = new("domain", OptionKind.Text, "only events of this domain (name, id or UUID)") { IsPositional = true };
    private static readonly CommandOption Event = new("event", OptionKind.Text, "the type of event; --list shows them") { IsPositional = true };
    private static readonly CommandOption All = new("all", OptionKind.Flag, "every type of event");
    private static readonly CommandOption Loop = new("loop", OptionKind.Flag, "continue after the first event, until --timeout or Ctrl-C");
    private static readonly CommandOption Timeout = new("timeout", OptionKind.Int, "seconds to wait at most") { IsPositional = true };
    private static readonly CommandOption List = new("list", OptionKind.Flag, "show the types of events");
    private static readonly CommandOption Timestamp = new("timestamp", OptionKind.Flag, "show the time of each event, in UTC");

    public static Command Command { get; } = new("event", "wait for events of domains: balloon, lifecycle and others")
    {
        Description =
            """
            Waits for one event, or with --loop for all, and prints a line for each. The exit status is 0 if there
            was one. The types of --list are virsh's; QEMUs and daemons report lifecycle (a domain started, stopped,
            was paused or resumed), reboot and balloon-change (the balloon's new size) to ballast; test:///
            and libvirt's daemons report metadata-change (a title, a description) too.

            If the connection to a daemon is lost, --loop tries to connect again until that succeeds, --timeout or
            Ctrl-C, and warns that events are missing. Without --loop, the command ends with an error.

            """,
        Options = [OnlyDomain, Event, All, Loop, Timeout, List, Timestamp],
        Execute = ExecuteAsync,
    };

    private static (string, DomainEventKinds)[] Silent(params string[] names) => [.. names.Select(name => (name, DomainEventKinds.None))];

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(All, Event);
        arguments.Exclude(List, All);
        arguments.Exclude(List, Event);
        if (arguments.Has(List))
        {
            foreach ((string name, _) in Types)
                invocation.Out.WriteLine(name);
            return;
        }

        DomainEventKinds kinds = ReadKinds(arguments);
        int? seconds = arguments.Positive(Timeout);
        if (seconds > MaxSeconds)
            throw arguments.Malformed(Timeout);
        Domain? domain = arguments.Has(OnlyDomain) ? await invocation.FindDomainAsync(OnlyDomain, DomainKeys.Any) : null;
        await using FollowedEvents events = new(invocation, kinds, domain);
        await events.SubscribeAsync();
        await WaitAsync(invocation, events, seconds);
    }

    private static DomainEventKinds ReadKinds(ParsedCommand arguments)
    {
        if (arguments.Text(Event) is not { } wanted)
            return arguments.Has(All) ? DomainEventKinds.All : throw new CommandException("one of --list, --all, or --event <type> is required")
            {
                Hint = HowToWrite(arguments.Text(OnlyDomain)),
            };
        foreach ((string name, DomainEventKinds kind) in Types)
        {
            if (name == wanted)
                return kind;
        }

        throw new CommandException($"unknown event type {wanted}")
        {
            Hint = NearestName.Among(Types.Select(type => type.Name), wanted) is { } near ? $"did you mean '{near}'?" : "`ballast event --list` shows all",
        };
    }

    // The domain comes first, as in virsh.
    private static string HowToWrite(string? domain) => domain is null ? "write --event EVENT or --all"
        : Types.Any(type => type.Name == domain) ? $"of all domains: event --event {domain}"
        : $"write: event {ShellCommand.Quote(domain)} EVENT, or event {ShellCommand.Quote(domain)} --all";

    private static async ValueTask WaitAsync(CommandInvocation invocation, FollowedEvents events, int? seconds)
    {
        using CancellationTokenSource patience = seconds is { } known ? new(TimeSpan.FromSeconds(known), invocation.TimeProvider) : new();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, invocation.CancellationToken);
        int count = 0;
        try
        {
            await foreach (DomainEvent happened in events.ReadAsync(invocation.Arguments.Has(Loop), end.Token))
            {
                if (happened is EventsMissed missed)
                {
                    WarnOf(invocation, missed);
                    continue;
                }

                string time = invocation.Arguments.Has(Timestamp)
                    ? invocation.TimeProvider.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff'+0000: '", CultureInfo.InvariantCulture)
                    : "";
                invocation.Out.WriteLine(time + SafeText.Escape(Describe(happened)));
                invocation.Out.Flush();
                count++;
                if (!invocation.Arguments.Has(Loop))
                    break;
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !invocation.CancellationToken.IsCancellationRequested)
        {
            invocation.Out.WriteLine("event loop timed out");
        }
        catch (OperationCanceledException) when (invocation.IsInterrupted)
        {
            invocation.Out.WriteLine("event loop interrupted");
        }

        invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"events received: {count}"));
        invocation.HasFailed = count == 0;
    }

    private static string Describe(DomainEvent happened)
    {
        string detail = EventText.Detail(happened);
        return $"event '{EventText.Type(happened)}' for domain '{EventText.DomainOf(happened)?.Name}'{(detail.Length > 0 ? ": " + detail : "")}";
    }

    private static void WarnOf(CommandInvocation invocation, EventsMissed missed)
    {
        if (invocation.IsVirsh)
            return;
        string count = missed.Count?.ToString(CultureInfo.InvariantCulture) ?? "some";
        invocation.Warn(missed.Cause == EventsMissedCause.ConnectionLost ? "events are missing: the connection was lost" : $"{count} events are missing: they came faster than they were written");
    }
}
