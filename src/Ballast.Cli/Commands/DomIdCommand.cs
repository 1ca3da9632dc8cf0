using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomIdCommand
{
    private static readonly CommandOption Named = DomainArgument.Option("name or UUID of the domain");

    public static Command Command { get; } = new("domid", "show the id of a domain")
    {
        Description = "Shows a dash for an inactive domain, which has no id.\n",
        Options = [Named],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync(Named, DomainKeys.Uuid | DomainKeys.Name);
        invocation.Out.WriteLine(Format(domain));
    }

    public static string Format(Domain domain) => domain.Id?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
