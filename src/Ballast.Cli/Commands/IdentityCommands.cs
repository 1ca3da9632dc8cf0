using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>By what a domain can be named: each command shows one of the three for a domain that one of the others names.</summary>
internal static class IdentityCommands
{
    public static Command Id { get; } = Make("domid", "show the id of a domain", "name or UUID", DomainKeys.Name | DomainKeys.Uuid, Format) with
    {
        Description = "Shows a dash for an inactive domain, which has no id.\n",
    };

    public static Command Name { get; } = Make(
        "domname", "show the name of a domain", "id or UUID", DomainKeys.Id | DomainKeys.Uuid, static domain => SafeText.Escape(domain.Name));

    public static Command Uuid { get; } = Make(
        "domuuid", "show the UUID of a domain", "id or name", DomainKeys.Id | DomainKeys.Name, static domain => domain.Uuid.ToString());

    /// <summary>The id; a dash for a domain that does not run.</summary>
    public static string Format(Domain domain) => domain.Id?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static Command Make(string name, string summary, string keys, DomainKeys allowed, Func<Domain, string> show)
    {
        CommandOption named = DomainArgument.Option($"{keys} of the domain");
        return new Command(name, summary)
        {
            Options = [named],
            Execute = async invocation => invocation.Out.WriteLine(show(await invocation.FindDomainAsync(named, allowed))),
        };
    }
}
