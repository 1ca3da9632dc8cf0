using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>The counters of a domain's disk.</summary>
internal static class BlockStatsCommand
{
    private static readonly CommandOption Device = new("device", OptionKind.Text, "the disk, as domblklist names it; default: all disks together") { IsPositional = true, MayBeEmpty = true };
    private static readonly CommandOption Human = new("human", OptionKind.Flag, "say what the numbers are");

    // virsh's order; what it does not know follows under its own name.
    private static readonly (string Field, string Name, string Label)[] Known =
    [
        ("rd_operations", "rd_req", "number of read operations:"),
        ("rd_bytes", "rd_bytes", "number of bytes read:"),
        ("wr_operations", "wr_req", "number of write operations:"),
        ("wr_bytes", "wr_bytes", "number of bytes written:"),
        ("errs", "errs", "error count:"),
        ("flush_operations", "flush_operations", "number of flush operations:"),
        ("rd_total_times", "rd_total_times", "total duration of reads (ns):"),
        ("wr_total_times", "wr_total_times", "total duration of writes (ns):"),
        ("flush_total_times", "flush_total_times", "total duration of flushes (ns):"),
    ];

    public static Command Command { get; } = new("domblkstat", "show what a disk of a domain has read and written")
    {
        Description = "Counters since the domain started. --human says what they are.\n",
        Options = [DomainArgument.Any, Device, Human],
        Execute = ShowAsync,
    };

    private static async ValueTask ShowAsync(CommandInvocation invocation)
    {
        Domain domain = await invocation.FindDomainAsync();
        string disk = invocation.Arguments.Text(Device) ?? "";
        IReadOnlyList<TypedParameter> stats;
        try
        {
            stats = await domain.GetBlockStatsAsync(disk, invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            // Some drivers have only the older of libvirt's two functions, whose failure virsh names.
            stats = await AskOlderAsync(domain, disk, invocation.CancellationToken);
        }

        bool isHuman = invocation.Arguments.Has(Human);
        if (isHuman)
            invocation.Out.WriteLine($"Device: {SafeText.Escape(disk)}");
        IEnumerable<(string Name, string Label, string Value)> rows =
        [
            .. from known in Known from stat in stats where stat.Field == known.Field select (known.Name, known.Label, stat.ValueText),
            .. from stat in stats where Known.All(known => known.Field != stat.Field) select (stat.Field, stat.Field, stat.ValueText),
        ];
        foreach ((string name, string label, string value) in rows)
            invocation.Out.WriteLine(SafeText.Escape(isHuman ? string.Create(CultureInfo.InvariantCulture, $" {label,-31} {value}") : $"{disk} {name} {value}"));
    }

    private static async ValueTask<IReadOnlyList<TypedParameter>> AskOlderAsync(Domain domain, string disk, CancellationToken cancellationToken)
    {
        try
        {
            DomainBlockCounters counters = await domain.GetBlockCountersAsync(disk, cancellationToken);
            (string Field, long? Value)[] fields =
            [
                ("rd_operations", counters.ReadRequests), ("rd_bytes", counters.ReadBytes),
                ("wr_operations", counters.WriteRequests), ("wr_bytes", counters.WriteBytes), ("errs", counters.Errors),
            ];
            return [.. fields.Where(field => field.Value is not null).Select(field => TypedParameter.LLong(field.Field, field.Value ?? 0))];
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Failed to get block stats {domain.Name} {disk}", e);
        }
    }
}
