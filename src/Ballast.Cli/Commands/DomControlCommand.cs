using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomControlCommand
{
    public static Command Command { get; } = new("domcontrol", "check whether a domain's monitor can be asked")
    {
        Description =
            """
            Shows ok, or what keeps the monitor busy and for how long. If it cannot be used, a warning on standard
            error says why, and which process holds it; the exit status is still 0, like virsh's. Through a daemon,
            ok means that the daemon can use the monitor. test:///fleet does not support this command.

            """,
        Options = [DomainArgument.Any],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync();
        DomainControlInfo info = await domain.GetControlInfoAsync(invocation.CancellationToken);
        string state = info.State switch
        {
            DomainControlState.Ok => "ok",
            DomainControlState.Job => "background job",
            DomainControlState.Occupied => "occupied",
            DomainControlState.Error => info.Details switch
            {
                0 => "error",
                2 => "error: monitor failure",
                3 => "error: internal (locking) error",
                _ => "error: unknown",
            },
            _ => "unknown",
        };
        if (info.State == DomainControlState.Error && !invocation.IsVirsh)
            await MonitorWarning.WriteAsync(invocation, domain);

        // What is free, or broken for good, has no time.
        bool hasTime = info.State is not (DomainControlState.Ok or DomainControlState.Error);
        invocation.Out.WriteLine(hasTime
            ? string.Create(CultureInfo.InvariantCulture, $"{state} ({info.StateMilliseconds / 1000.0:F3}s)")
            : state);
    }
}
