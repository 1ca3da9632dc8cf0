using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>A domain's time on the host's CPUs.</summary>
internal static class CpuStatsCommand
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private static readonly CommandOption Total = new("total", OptionKind.Flag, "only the sum, unless --start or --count is given");
    private static readonly CommandOption Start = new("start", OptionKind.Int, "the first CPU") { IsPositional = true };
    private static readonly CommandOption Count = new("count", OptionKind.Int, "how many CPUs to show at most") { IsPositional = true };

    public static Command Command { get; } = new("cpu-stats", "show the time that a domain has used on each CPU of the host")
    {
        Description = "Without options: each CPU, and their sum with its parts in user mode and in the kernel.\n",
        Options = [DomainArgument.Any, Total, Start, Count],
        Execute = ShowAsync,
    };

    private static async ValueTask ShowAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        Domain domain = await invocation.FindDomainAsync();
        int? start = arguments.Int(Start), count = arguments.Int(Count);
        if (start < 0)
            throw new CommandException("Invalid value for start CPU");
        if (count < 0)
            throw new CommandException("Invalid value for number of CPUs to show");
        bool hasRange = start is not null || count is not null;
        try
        {
            if (hasRange || !arguments.Has(Total))
                await ShowEachAsync(invocation, domain, start ?? 0, count);
            if (arguments.Has(Total) || !hasRange)
            {
                IReadOnlyList<TypedParameter> totals = await domain.GetCpuTotalsAsync(invocation.CancellationToken);
                invocation.Out.WriteLine("Total:");
                Write(invocation, totals);
            }
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Failed to retrieve CPU statistics for domain '{domain.Name}'", e);
        }
    }

    private static async ValueTask ShowEachAsync(CommandInvocation invocation, Domain domain, int start, int? count)
    {
        IReadOnlyList<IReadOnlyList<TypedParameter>> all = await domain.GetCpuStatsAsync(cancellationToken: invocation.CancellationToken);
        if (start >= all.Count)
            throw new CommandException(string.Create(CultureInfo.InvariantCulture, $"Start CPU {start} is out of range (min: 0, max: {all.Count - 1})"));
        if (count > all.Count - start)
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Only {all.Count} CPUs available to show"));
        for (int cpu = start; cpu < all.Count && cpu - start < (count ?? int.MaxValue); cpu++)
        {
            // A CPU that is offline, or on which the domain never ran, has none.
            if (all[cpu].Count == 0)
                continue;
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"CPU{cpu}:"));
            Write(invocation, all[cpu]);
        }
    }

    private static void Write(CommandInvocation invocation, IReadOnlyList<TypedParameter> times)
    {
        foreach (TypedParameter time in times)
        {
            ulong nanoseconds = time.AsUInt64();
            invocation.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"\t{time.Field,-12} {nanoseconds / NanosecondsPerSecond,9}.{nanoseconds % NanosecondsPerSecond:d9} seconds"));
        }
    }
}
