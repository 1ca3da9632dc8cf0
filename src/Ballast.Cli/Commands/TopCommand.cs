using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Parsing;
using Ballast.Cli.Terminal;
using Ballast.Cli.Top;

namespace Ballast.Cli.Commands;

internal static class TopCommand
{
    private static readonly CommandOption Delay = new("delay", OptionKind.Text, "seconds between two updates, at least 0.1 (default: 1)");
    private static readonly CommandOption Sort = new("sort", OptionKind.Text, "the initial order: pressure (default), name or one of the numbers");
    private static readonly CommandOption Batch = new("batch", OptionKind.Flag, "write one table after the other, for files and programs");
    private static readonly CommandOption Count = new("count", OptionKind.Int, "end after this number of tables; implies --batch");

    public static Command Command { get; } = new("top", "follow the memory of all guests, on one host or several")
    {
        Description =
            $"""
            The table of `ballast memory`, live, until q is pressed. `ballast help memory` explains the columns; rates
            are between a guest's last two reports. Keys:
            {string.Join('\n', TopKeys.All.Select(key => $"  {key.Key,-22}{key.Meaning}"))}

            The page of one guest has charts of used memory, caches, balloon and resident memory since top started,
            its rates, and its events.

            To ask several hosts, give an option -c for each before the command. If a host does not answer, the line
            above the table says so, and top tries it again without delaying the others. A host that two URIs name is
            shown once.
              ballast -c qmp:/// -c 'qemu+unix:///system?socket=/run/host2.sock' top

            --batch and --count write the totals too. The first table has no rates. If a host has not answered for a
            table, the table is written without it, and a line on standard error names it. The exit status is 1 if one
            is missing from the last table.

            --sort takes {string.Join(", ", MemoryOrder.Names)}.

            """,
        Options = [Delay, Sort, Batch, Count],
        NeedsConnection = false,
        OpensConnections = true,
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        MemoryOrder order = MemoryOrder.Read(arguments.Text(Sort));
        TimeSpan delay = ReadDelay(arguments);
        int? count = arguments.Positive(Count);
        await using ConnectionGroup group = invocation.Session.OpenGroup();
        HostFollower[] hosts = [.. group.Members.Select(member => new HostFollower(member, invocation.TimeProvider))];
        try
        {
            if (arguments.Has(Batch) || count is not null)
            {
                await new TopBatch(invocation, hosts, order).RunAsync(delay, count);
                return;
            }

            using IDisposable notes = invocation.HoldNotes();
            using ITerminal terminal = (invocation.HasScreen ? invocation.OpenTerminal() : null)
                ?? throw new CommandException("top needs a terminal for its keys and its screen: use --batch, or `ballast memory` for one table");
            invocation.IsDocument = true;
            await new TopSession(hosts, terminal, order, delay, invocation.HasColour, invocation.TimeProvider).RunAsync(invocation.CancellationToken);
        }
        finally
        {
            foreach (HostFollower host in hosts)
                await host.DisposeAsync();
        }
    }

    private static TimeSpan ReadDelay(ParsedCommand arguments)
    {
        const double least = 0.1, most = 86400;
        if (arguments.Text(Delay) is not { } text)
            return TimeSpan.FromSeconds(1);
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds is >= least and <= most
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandException($"'{text}' is not a delay: write seconds, from {least.ToString(CultureInfo.InvariantCulture)} to {most}");
    }
}
