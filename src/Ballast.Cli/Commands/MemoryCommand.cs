using Ballast.Balance.Advice;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class MemoryCommand
{
    private static readonly CommandOption Domains = new("domain", OptionKind.RepeatedText, "name, id or UUID of a domain; default: all active domains")
    {
        IsPositional = true,
        Completes = ValueCompletion.Domain,
    };

    private static readonly CommandOption Sort = new("sort", OptionKind.Text, "the order: pressure (default), name or one of the numbers")
    {
        Values = () => MemoryOrder.All.Select(order => order.Name),
    };

    private static readonly CommandOption Pressed = new("pressed", OptionKind.Flag, "only guests that are short of memory");
    private static readonly CommandOption Stale = new("stale", OptionKind.Flag, "only guests without current numbers");
    private static readonly CommandOption Reason = new("reason", OptionKind.Text, "only guests with this reason, such as \"driver not loaded\"")
    {
        Values = () => Enum.GetValues<MemoryStatsReason>().Select(reason => reason.Label()),
    };

    private static readonly CommandOption Bytes = new("bytes", OptionKind.Flag, "sizes in bytes");
    private static readonly CommandOption KiB = new("kib", OptionKind.Flag, "sizes in KiB");
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write JSON");
    private static readonly CommandOption Csv = new("csv", OptionKind.Flag, "write comma-separated values, sizes in KiB");

    public static Command Command { get; } = new("memory", "show which guests are short of memory, and what the host could get back")
    {
        Description =
            $"""
            One line per guest, the one under most pressure first:
              Used / guest   the memory in use, without caches, of the memory that the guest has
              Balloon        the balloon's current size and its maximum
              Resident       what the QEMU process holds of the host's memory
              Cache          file caches that the guest can reclaim
              Swap/s         KiB read from and written to swap per second since the last look
              Faults/s       page faults that read from disk, per second since the last look
              Age            age of the guest's last report
              Reason         why the numbers are not current; empty if they are
            A dash is an unknown value. K, M, G and T are powers of 1024.

            A guest is short of memory if it uses {GuestShortage.FullShare * 100:0} % of its memory or more, writes to swap, or if its balloon left
            it less than the memory in use, the kernel's own and {GuestShortage.MarginKiB / 1024} MiB. `doctor` and `balance advise` use the same rule.

            The last look is the previous run of this command by the same user for the same connection. There are
            no rates if the guest has not reported since, has rebooted, or if its two reports are more than
            {GuestCounters.LongestGap.TotalMinutes:0} minutes and two periods apart.

            The totals include only guests with current and consistent numbers, whose balloon has not moved since
            their report; the others are listed. If some of these guests lack a number, its sum says how many.
            --pressed also names the guests whose pressure is unknown. From each guest, the host could get back the
            smaller of balloon and resident memory, minus the memory in use, the kernel's own and {SetMemCheck.MarginKiB / 1024} MiB.

            --sort takes {string.Join(", ", MemoryOrder.Names)}.

            To ask several hosts, give an option -c for each before the command. A host that does not answer
            within 5 seconds is named on standard error, and makes the exit status 1; the others are still shown.
            A host that two URIs name is shown once.

            On a terminal, columns are left out if the terminal is too narrow, and colours mark guests under
            pressure (not if NO_COLOR is set).

            """,
        Options = [Domains, Sort, Pressed, Stale, Reason, Bytes, KiB, Json, Csv],
        TakesSeveral = true,
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(Json, Csv);
        arguments.Exclude(Bytes, KiB);
        MemoryOrder order = MemoryOrder.Read(arguments.Text(Sort));
        MemoryStatsReason? reason = ReadReason(arguments);
        string[] names = [.. arguments.Texts(Domains)];
        await using HostGroup hosts = HostGroup.Of(invocation);
        List<MemoryLine> lines = [.. (await hosts.AskAsync(on => HostLook.RunAsync(on, names))).SelectMany(answer => answer.Value ?? [])];
        hosts.Tell(hosts.RequireFound(names));
        List<MemoryLine> unjudged = arguments.Has(Pressed) ? lines.FindAll(line => !line.IsSummed && (reason ?? line.Stats.Reason) == line.Stats.Reason) : [];
        int all = lines.Count;
        lines.RemoveAll(line =>
            (arguments.Has(Pressed) && !line.IsShort)
            || (arguments.Has(Stale) && IsCurrent(line))
            || (reason is { } wanted && line.Stats.Reason != wanted));
        lines.Sort(order);
        MemoryTotal total = new(lines, unjudged);
        if (arguments.Has(Json))
            MemoryDocuments.WriteJson(invocation.Out, lines, total, hosts.IsSeveral);
        else if (invocation.IsDocument = arguments.Has(Csv))
            MemoryDocuments.WriteCsv(invocation.Out, lines, hosts.IsSeveral);
        else if (lines.Count == 0 && all > 0)
            WriteNone(invocation, all, total, hosts);
        else
            WriteText(invocation, lines, total, hosts);
    }

    private static bool IsCurrent(MemoryLine line) => line.Stats.Freshness == Freshness.Fresh && line.Stats.Reason == MemoryStatsReason.Fresh;

    // A table without lines leaves open whether there are no guests, or no such guests.
    private static void WriteNone(CommandInvocation invocation, int all, MemoryTotal total, HostGroup hosts)
    {
        if (invocation.IsQuiet)
            return;
        ParsedCommand arguments = invocation.Arguments;
        string none = $"Of {(all == 1 ? "1 guest" : $"{all} guests")}, none ";
        string text = (arguments.Has(Pressed), arguments.Has(Stale), arguments.Text(Reason) is not null) switch
        {
            (true, false, false) => $"{none}is short of memory{(total.Unjudged.Count == 0 ? "" : $"; without current numbers: {total.Unjudged.Count}")}.",
            (false, true, false) => $"{none}is without current numbers.",
            (false, false, true) => $"{none}has this reason.",
            _ => $"{none}matches.",
        };
        foreach (string line in MemorySummary.Unjudged(total, invocation.Columns, HostOf(hosts)).Prepend(text).SelectMany(line => Wrapped(invocation, line)))
            invocation.Out.WriteLine(line);
    }

    private static Func<MemoryLine, string>? HostOf(HostGroup hosts) => hosts.IsSeveral ? line => hosts.NameOf(line.Domain.Connection.Uri) : null;

    private static MemoryStatsReason? ReadReason(ParsedCommand arguments)
    {
        if (arguments.Text(Reason) is not { } text)
            return null;
        MemoryStatsReason[] all = Enum.GetValues<MemoryStatsReason>();
        foreach (MemoryStatsReason reason in all)
        {
            if (reason.Label() == text)
                return reason;
        }

        throw NearestName.Unknown("reason", text, [.. all.Select(reason => reason.Label())]);
    }

    private static void WriteText(CommandInvocation invocation, List<MemoryLine> lines, MemoryTotal total, HostGroup hosts)
    {
        SizeUnit unit = invocation.Arguments.Has(Bytes) ? SizeUnit.Bytes : invocation.Arguments.Has(KiB) ? SizeUnit.KiB : SizeUnit.Human;
        Func<MemoryLine, string>? host = HostOf(hosts);
        MemoryTable table = new(lines, unit, invocation.HasColour, invocation.Columns, host);
        TextOutput output = invocation.Out;
        if (!invocation.IsQuiet)
            output.WriteLine(table.Heading);
        foreach (MemoryLine line in lines)
            output.WriteLine(table.Row(line));
        if (invocation.IsQuiet)
            return;
        output.WriteLine("");
        foreach (string line in MemorySummary.Lines(total, unit, invocation.Columns, host))
            output.WriteLine(line);
        if (table.LeftOut.Count > 0 && invocation.MayRemark)
            Remark($"Left out for lack of room: {string.Join(", ", table.LeftOut)}.");
        if (total.NotSummed.Any() && invocation.MayRemark)
            Remark("Reason: `ballast doctor` says what to do about it.");

        void Remark(string text)
        {
            foreach (string line in Wrapped(invocation, text))
                invocation.Remark(line);
        }
    }

    private static IEnumerable<string> Wrapped(CommandInvocation invocation, string text) =>
        invocation.Columns is { } width ? SafeText.Wrap(text, width) : [text];
}
