using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>How the host's scheduler treats a domain.</summary>
internal static class SchedulerCommand
{
    private static readonly CommandOption Weight = new("weight", OptionKind.Int, "a new weight; ballast refuses to change it");
    private static readonly CommandOption Cap = new("cap", OptionKind.Int, "a new cap; ballast refuses to change it");
    private static readonly CommandOption Set = new("set", OptionKind.RepeatedText, "a new NAME=VALUE; ballast refuses to change it") { IsPositional = true, MayBeEmpty = true };

    public static Command Command { get; } = new("schedinfo", "show how the host's scheduler treats a domain")
    {
        Description =
            """
            Shows the scheduler, and its parameters for the domain if the hypervisor reports any. libvirt's daemon
            reports those of the control groups that it created. ballast does not change them: use virsh, or
            systemctl set-property for a QEMU without libvirt.

            """,
        Options = [DomainArgument.Any, Weight, Cap, ImpactOptions.Show.Current, ImpactOptions.Show.Config, ImpactOptions.Show.Live, Set],
        Execute = ShowAsync,
    };

    private static async ValueTask ShowAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        ImpactOptions.Show.Check(arguments);
        Domain domain = await invocation.FindDomainAsync();
        if (arguments.Has(Weight) || arguments.Has(Cap) || arguments.Has(Set))
            throw new CommandException("ballast does not change scheduler parameters: use virsh, or systemctl set-property for a QEMU without libvirt");
        try
        {
            Write("Scheduler", await domain.GetSchedulerTypeAsync(invocation.CancellationToken));
        }
        catch (LibvirtException)
        {
            Write("Scheduler", "Unknown");
            throw;
        }

        // Both at once are those of the running domain, as neither is.
        DomainModificationImpact impact = arguments.Has(ImpactOptions.Show.Live) && arguments.Has(ImpactOptions.Show.Config)
            ? DomainModificationImpact.Current
            : ImpactOptions.Show.Of(arguments, DomainModificationImpact.Current);
        IReadOnlyList<TypedParameter> parameters = await domain.GetSchedulerParametersAsync(impact, invocation.CancellationToken);
        foreach (TypedParameter parameter in parameters)
            Write(parameter.Field, parameter.ValueText);

        // As in virsh, where nothing was to be shown.
        invocation.HasFailed = parameters.Count == 0;

        void Write(string name, string value) => invocation.Out.WriteLine(SafeText.Escape($"{name,-15}: {value}"));
    }
}
