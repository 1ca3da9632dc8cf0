using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>What a hypervisor does with a domain in the background: a migration, a dump.</summary>
internal static class JobCommand
{
    private static readonly CommandOption Completed = new("completed", OptionKind.Flag, "the last job that ended instead of the one that runs");
    private static readonly CommandOption Keep = new("keep-completed", OptionKind.Flag, "with --completed: keep the job, so that it can be shown again");
    private static readonly CommandOption Any = new("anystats", OptionKind.Flag, "also the numbers of a job that failed or was cancelled");
    private static readonly CommandOption Raw = new("rawstats", OptionKind.Flag, "every field by its libvirt name");

    public static Command Command { get; } = new("domjobinfo", "show the background job of a domain")
    {
        Description = "A job is a migration, a dump or the like that libvirt's daemon runs. QEMUs without libvirt have none.\n",
        Options = [DomainArgument.Any, Completed, Keep, Any, Raw],
        Execute = ShowAsync,
    };

    private static async ValueTask ShowAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        if (arguments.Has(Keep) && !arguments.Has(Completed))
            throw new CommandException("Option --completed is required by option --keep-completed");
        Domain domain = await invocation.FindDomainAsync();
        DomainJobStats job = await AskAsync(invocation, domain);
        if (arguments.Has(Raw))
        {
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Job type: {(int)job.Type}\n"));
            foreach (TypedParameter field in job.Parameters)
                invocation.Out.WriteLine(SafeText.Escape($"{field.Field}: {field.ValueText}"));
            return;
        }

        bool shows = arguments.Has(Any) || job.Type is DomainJobType.Bounded or DomainJobType.Unbounded || (arguments.Has(Completed) && job.Type == DomainJobType.Completed);
        foreach (string line in JobLines.Of(job, withNumbers: shows))
            invocation.Out.WriteLine(SafeText.Escape(line));
    }

    // Older daemons tell the few numbers that there were at first.
    private static async ValueTask<DomainJobStats> AskAsync(CommandInvocation invocation, Domain domain)
    {
        ParsedCommand arguments = invocation.Arguments;
        try
        {
            return await domain.GetJobStatsAsync(arguments.Has(Completed), arguments.Has(Keep), invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            if (arguments.Has(Completed) || arguments.Has(Raw))
                throw new CommandException("Optional flags or --rawstats are not supported by the daemon", e);
        }

        DomainJobInfo info = await domain.GetJobInfoAsync(invocation.CancellationToken);
        return new DomainJobStats(info.Type,
        [
            TypedParameter.ULLong("time_elapsed", info.ElapsedMilliseconds), TypedParameter.ULLong("time_remaining", info.RemainingMilliseconds),
            .. Amount("data", info.Data), .. Amount("memory", info.Memory), .. Amount("disk", info.File),
        ]);
    }

    private static TypedParameter[] Amount(string of, DomainJobAmount amount) =>
    [
        TypedParameter.ULLong($"{of}_total", amount.TotalBytes), TypedParameter.ULLong($"{of}_processed", amount.ProcessedBytes),
        TypedParameter.ULLong($"{of}_remaining", amount.RemainingBytes),
    ];
}
