using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomNameCommand
{
    private static readonly CommandOption Named = DomainArgument.Option("id or UUID of the domain");

    public static Command Command { get; } = new("domname", "show the name of a domain")
    {
        Options = [Named],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync(Named, DomainKeys.Id | DomainKeys.Uuid);
        invocation.Out.WriteLine(SafeText.Escape(domain.Name));
    }
}
