using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomStateCommand
{
    private static readonly CommandOption Reason = new("reason", OptionKind.Flag, "also show why");

    public static Command Command { get; } = new("domstate", "show what a domain is doing")
    {
        Options = [DomainArgument.Any, Reason],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync();
        DomainStateInfo info = await domain.GetStateAsync(invocation.CancellationToken);
        string state = info.State.Label();
        invocation.Out.WriteLine(invocation.Arguments.Has(Reason) ? $"{state} ({info.ReasonLabel})" : state);
    }
}
