using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomStateCommand
{
    private static readonly CommandOption Reason = new("reason", OptionKind.Flag, "also show the reason for the state");

    public static Command Command { get; } = new("domstate", "show the state of a domain")
    {
        Options = [DomainArgument.Any, Reason],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync();
        DomainStateInfo info = await domain.GetStateAsync(invocation.CancellationToken);
        string state = info.State.Label();
        if (info.State == DomainState.NoState && !invocation.IsVirsh)
            await MonitorWarning.WriteAsync(invocation, domain);
        invocation.Out.WriteLine(invocation.Arguments.Has(Reason) ? $"{state} ({info.ReasonLabel})" : state);
    }
}
