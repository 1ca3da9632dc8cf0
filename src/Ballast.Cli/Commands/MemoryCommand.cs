using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class MemoryCommand
{
    private static readonly (string Name, Comparison<MemoryLine> Order)[] Orders =
    [
        ("pressure", MemoryLine.ByPressure),
        ("name", MemoryLine.ByName),
        ("used", Largest(line => line.Stats.Used?.KiB)),
        ("available", Largest(line => line.Stats.AvailableKiB)),
        ("balloon", Largest(line => line.Stats.ActualKiB)),
        ("resident", Largest(line => line.Stats.RssKiB)),
        ("cache", Largest(line => line.Stats.DiskCachesKiB)),
        ("reclaimable", Largest(line => line.ReclaimableKiB)),
        ("age", Largest(line => (ulong?)line.Stats.Age?.Ticks)),
    ];

    private static readonly CommandOption Domains = new("domain", OptionKind.RepeatedText, "name, id or UUID of a domain; default: all active domains")
    {
        IsPositional = true,
        Completes = ValueCompletion.Domain,
    };

    private static readonly CommandOption Sort = new("sort", OptionKind.Text, "the order: pressure (default), name or one of the numbers")
    {
        Values = () => Orders.Select(order => order.Name),
    };

    private static readonly CommandOption Pressed = new("pressed", OptionKind.Flag, "only guests that use 80 % of their memory or more, or write to swap");
    private static readonly CommandOption Stale = new("stale", OptionKind.Flag, "only guests without current numbers");
    private static readonly CommandOption Reason = new("reason", OptionKind.Text, "only guests with this reason, such as \"driver not loaded\"")
    {
        Values = () => Enum.GetValues<MemoryStatsReason>().Select(reason => reason.Label()),
    };

    private static readonly CommandOption Bytes = new("bytes", OptionKind.Flag, "sizes in bytes");
    private static readonly CommandOption KiB = new("kib", OptionKind.Flag, "sizes in KiB");
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write JSON");
    private static readonly CommandOption Csv = new("csv", OptionKind.Flag, "write comma-separated values, sizes in KiB");

    public static Command Command { get; } = new("memory", "show the memory of all guests of the host")
    {
        Description =
            $"""
            One line per guest, the one under most pressure first:
              Used / guest   the memory in use, without caches, of the memory that the guest's kernel manages
              Balloon        the balloon's current size and its maximum
              Resident       what the QEMU process holds of the host's memory
              Cache          file caches that the guest can reclaim
              Swap/s         KiB read from and written to swap per second since the last look
              Faults/s       page faults that read from disk, per second since the last look
              Age            age of the guest's last report
              Reason         why the numbers are not current; empty if they are
            A dash is an unknown value. K, M, G and T are powers of 1024.

            The last look is the previous run of this command by the same user for the same connection. There are
            no rates if the guest has not reported since.

            The totals include only guests with current and consistent numbers; the others are listed. The host
            could get back, from each guest, the smaller of balloon and resident memory, minus the memory in use,
            the kernel's own and {SetMemCheck.MarginKiB / 1024} MiB.

            --sort takes {string.Join(", ", Orders.Select(order => order.Name))}.

            On a terminal, columns are left out if the terminal is too narrow, and colours mark guests under
            pressure (not if NO_COLOR is set).

            """,
        Options = [Domains, Sort, Pressed, Stale, Reason, Bytes, KiB, Json, Csv],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(Json, Csv);
        arguments.Exclude(Bytes, KiB);
        Comparison<MemoryLine> order = ReadOrder(arguments);
        MemoryStatsReason? reason = ReadReason(arguments);
        List<MemoryLine> lines = await HostLook.RunAsync(invocation, arguments.Texts(Domains));
        lines.RemoveAll(line =>
            (arguments.Has(Pressed) && !line.IsPressed)
            || (arguments.Has(Stale) && line.Stats.Freshness == Freshness.Fresh && line.Stats.Reason == MemoryStatsReason.Fresh)
            || (reason is { } wanted && line.Stats.Reason != wanted));

        // Equals stay in one order, whatever they are sorted by.
        lines.Sort((one, other) => order(one, other) is not 0 and var first ? first : MemoryLine.ByName(one, other));
        MemoryTotal total = new(lines);
        if (arguments.Has(Json))
            MemoryDocuments.WriteJson(invocation.Out, lines, total);
        else if (invocation.IsDocument = arguments.Has(Csv))
            MemoryDocuments.WriteCsv(invocation.Out, lines);
        else
            WriteText(invocation, lines, total);
    }

    private static Comparison<MemoryLine> Largest(Func<MemoryLine, ulong?> value) => (one, other) => Nullable.Compare(value(other), value(one));

    private static Comparison<MemoryLine> ReadOrder(ParsedCommand arguments)
    {
        string name = arguments.Text(Sort) ?? Orders[0].Name;
        foreach ((string known, Comparison<MemoryLine> order) in Orders)
        {
            if (known == name)
                return order;
        }

        throw Unknown("order", name, [.. Orders.Select(order => order.Name)]);
    }

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

        throw Unknown("reason", text, [.. all.Select(reason => reason.Label())]);
    }

    private static CommandException Unknown(string what, string text, string[] known) =>
        new($"unknown {what} '{text}'{(NearestName.Among(known, text) is { } near ? $", did you mean '{near}'?" : "")}", $"known are: {string.Join(", ", known)}");

    private static void WriteText(CommandInvocation invocation, List<MemoryLine> lines, MemoryTotal total)
    {
        SizeUnit unit = invocation.Arguments.Has(Bytes) ? SizeUnit.Bytes : invocation.Arguments.Has(KiB) ? SizeUnit.KiB : SizeUnit.Human;
        MemoryTable table = new(lines, unit, invocation.HasColour);
        table.WriteTo(invocation.Out, invocation.Columns, withHeader: !invocation.IsQuiet);
        if (invocation.IsQuiet)
            return;
        string Size(ulong kib) => HumanSize.Of(kib, unit);
        TextOutput output = invocation.Out;
        output.WriteLine("");
        output.WriteLine($"Total of {Count(total.Summed)} with current numbers: {Size(total.UsedKiB)} used of {Size(total.AvailableKiB)},");
        output.WriteLine($"balloons {Size(total.BalloonKiB)} of {Size(total.MaximumKiB)}, resident {Size(total.ResidentKiB)}; the host could get back {Size(total.ReclaimableKiB)}.");
        foreach (string line in NotSummed(total, invocation.Columns))
            output.WriteLine(line);
        if (table.LeftOut.Count > 0 && invocation.MayRemark)
            invocation.Remark($"Left out for lack of room: {string.Join(", ", table.LeftOut)}.");
    }

    private static string Count(int guests) => guests == 1 ? "1 guest" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{guests} guests");

    private static IEnumerable<string> NotSummed(MemoryTotal total, int? room)
    {
        const int usual = 100;
        const string begin = "Not in the total: ", indent = "  ";
        string line = "";
        foreach (MemoryLine guest in total.NotSummed)
        {
            string one = $"{SafeText.Escape(guest.Domain.Name)} ({(guest.Stats.Reason == MemoryStatsReason.Fresh ? "incomplete" : guest.Stats.Reason.Label())})";
            if (line.Length == 0)
            {
                line = begin + one;
            }
            else if (SafeText.Width(line) + SafeText.Width(one) + 3 > (room ?? usual))
            {
                yield return line + ",";
                line = indent + one;
            }
            else
            {
                line += $", {one}";
            }
        }

        if (line.Length > 0)
            yield return line;
    }
}
