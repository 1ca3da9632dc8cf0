using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Xml;

namespace Ballast.Cli.Commands;

internal static class DumpXmlCommand
{
    private static readonly (CommandOption Option, DomainXmlFlags Flag)[] Flags =
    [
        (new("inactive", OptionKind.Flag, "the definition for the next start"), DomainXmlFlags.Inactive),
        (new("security-info", OptionKind.Flag, "include secrets, such as passwords of displays"), DomainXmlFlags.Secure),
        (new("update-cpu", OptionKind.Flag, "include all details of the CPU model"), DomainXmlFlags.UpdateCpu),
        (new("migratable", OptionKind.Flag, "XML that other hosts and older versions understand"), DomainXmlFlags.Migratable),
    ];

    private static readonly CommandOption XPath = new("xpath", OptionKind.Text, "show only what this XPath expression selects");
    private static readonly CommandOption Wrap = new("wrap", OptionKind.Flag, "with --xpath, put all results into one element");

    public static Command Command { get; } = new("dumpxml", "show the XML of a domain")
    {
        Description =
            """
            Shows libvirt's domain XML, as far as the hypervisor provides it. An XPath expression starts at the
            element <domain>, for example: dumpxml DOMAIN --xpath //memballoon
            It needs the system's libxml2.

            """,
        Options = [DomainArgument.Any, .. Flags.Select(entry => entry.Option), XPath, Wrap],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        DomainXmlFlags flags = DomainXmlFlags.None;
        foreach ((CommandOption option, DomainXmlFlags flag) in Flags)
        {
            if (arguments.Has(option))
                flags |= flag;
        }

        string? expression = arguments.Text(XPath);
        Domain domain = await invocation.FindDomainAsync();
        string xml = await domain.GetXmlAsync(flags, invocation.CancellationToken);
        if (expression is null)
        {
            invocation.Out.Write(SafeText.EscapeLines(xml));
            return;
        }

        foreach (string part in XPathQuery.Select(xml, expression, arguments.Has(Wrap)))
            invocation.Out.WriteLine(SafeText.EscapeLines(part));
    }
}
