using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomUuidCommand
{
    private static readonly CommandOption Named = DomainArgument.Option("id or name of the domain");

    public static Command Command { get; } = new("domuuid", "show the UUID of a domain")
    {
        Options = [Named],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync(Named, DomainKeys.Id | DomainKeys.Name);
        invocation.Out.WriteLine(domain.Uuid.ToString());
    }
}
