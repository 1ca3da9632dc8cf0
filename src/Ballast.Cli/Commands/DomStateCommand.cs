using Ballast.Cli.Output;
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
            await WarnAsync(invocation, domain);
        invocation.Out.WriteLine(invocation.Arguments.Has(Reason) ? $"{state} ({info.ReasonLabel})" : state);
    }

    // "No state" is what libvirt says of one that cannot be asked, and does not say why.
    private static async ValueTask WarnAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            MemoryStats stats = await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
            if (stats.Reason != MemoryStatsReason.Fresh)
                invocation.Warn(MemoryRemark.Of(domain, stats));
        }
        catch (LibvirtException e)
        {
            invocation.Warn(e.Message);
        }
    }
}
