using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Watch;

namespace Ballast.Cli.Commands;

internal static class WatchCommand
{
    private const int DefaultSeconds = 2;

    private static readonly CommandOption Period = new("period", OptionKind.Int, $"seconds between two lines (default: {DefaultSeconds})");
    private static readonly CommandOption Count = new("count", OptionKind.Int, "end after this number of lines");
    private static readonly CommandOption Until = new("until", OptionKind.Text, "end when a condition holds, such as \"used>90%\"");
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write a JSON object per line");

    public static Command Command { get; } = new("watch", "follow the memory of a domain, or wait until it is short")
    {
        Description =
            $"""
            Writes one line per sample until Ctrl-C:
              Used / guest, %  the memory in use, without caches, of the memory that the guest has
              Balloon          the balloon's current size
              Resident         what the QEMU process holds of the host's memory
              + used …         how much a value rose since the line before
              Cache            file caches that the guest can reclaim
              Swap/s           KiB read from and written to swap per second, between the guest's last two reports
              Faults/s         page faults that read from disk, likewise
              Age              age of the guest's last report
              Reason           why the numbers are not current; empty if they are
            A dash is an unknown value. On a narrow terminal, columns are left out. When the numbers cease to be
            current, because the domain is paused or its guest does not report, a line on standard error says why
            and what to do. --period does not change how often the guest reports: `dommemstat --period` does.

            --until ends the command when a condition holds, with exit status 0. A condition is a quantity, one of
            > >= < <=, and a limit; several are separated by commas, and one is enough. Quantities:
              used usable unused cache   sizes with a unit (512M), or shares of the guest's memory (90%); they count
                                         only while they are current
              balloon resident           sizes with a unit
              swap swap-in swap-out      sizes per second, in KiB without a unit
              faults                     page faults that read from disk, per second
              age                        seconds since the guest's last report that does not contradict itself;
                                         above any limit if the guest never reported
            For example, this waits until a guest is about to swap, or no longer reports:
              ballast watch web1 --until 'usable<10%,swap-out>0,age>60'

            If the connection to a daemon is lost, the command says so on standard error, writes no lines, and
            tries to connect again until it succeeds or you press Ctrl-C; then it says how long the gap was. -q
            leaves out both. The command ends if the domain has ended in the meantime, or if the daemon refuses it.

            The exit status is 1 if --count lines were written and the condition of --until did not hold. It is 2 if
            it could not find that out: the command line is wrong, there is no such domain or no connection at the
            start, the domain ended, or the lines cannot be written.

            """,
        Options = [DomainArgument.Any, Period, Count, Until, Json],
        FailureExitCode = CliProgram.NoAnswer,
        Execute = ExecuteAsync,
    };

    private static readonly TimeSpan LongestPeriod = TimeSpan.FromDays(1);

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        IReadOnlyList<WatchCondition> conditions = arguments.Text(Until) is { } text ? WatchCondition.ReadAll(text) : [];
        TimeSpan period = TimeSpan.FromSeconds(arguments.Positive(Period) ?? DefaultSeconds);
        if (period > LongestPeriod)
            throw new CommandException($"--{Period.Name} takes at most {LongestPeriod.TotalSeconds} seconds");
        int? count = arguments.Positive(Count);
        Domain domain = await invocation.FindDomainAsync();
        bool isJson = invocation.IsDocument = arguments.Has(Json);
        WatchTable table = new(SizeUnit.Human, invocation.Columns);
        if (!isJson && !invocation.IsQuiet)
            invocation.Out.WriteLine(table.Heading);

        WatchedDomain watch = new(invocation, domain);
        using PeriodicTimer timer = new(period, invocation.TimeProvider);
        for (int written = 1; ; written++)
        {
            FollowedSample sample = await watch.NextAsync(invocation.CancellationToken);
            if (isJson)
                WatchDocument.Write(invocation.Out, sample);
            else
                invocation.Out.WriteLine(table.Row(sample));
            invocation.Out.Flush();
            if (sample.Stats.Reason != MemoryStatsReason.Fresh && sample.Before?.Reason != sample.Stats.Reason)
                invocation.Remark(MemoryRemark.Of(watch.Domain, sample.Stats));
            if (conditions.Select(condition => condition.Holds(sample)).FirstOrDefault(held => held is not null) is { } why)
            {
                invocation.Remark($"{domain.Name}: {why}");
                return;
            }

            if (written == count)
                break;
            await watch.WaitAsync(timer.WaitForNextTickAsync(invocation.CancellationToken).AsTask());
        }

        invocation.HasFailed = conditions.Count > 0;
    }
}
