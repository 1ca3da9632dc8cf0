using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Looks at a guest before memory is taken from it.</summary>
internal static class SetMemCheck
{
    /// <summary>What a guest keeps beside what it uses.</summary>
    public const ulong MarginKiB = 32 * 1024;

    /// <summary>Says what will be done, to people.</summary>
    /// <exception cref="CommandException">It would harm the guest, do nothing, or nobody can tell.</exception>
    public static async ValueTask RunAsync(CommandInvocation invocation, Domain domain, ulong targetKiB)
    {
        MemoryStats? stats = await AskAsync(invocation, domain);

        // Who gives statistics to nobody cannot be looked at: the change itself says what it thinks of the target.
        if (stats is null)
            return;
        if (stats.Reason is MemoryStatsReason.NoBalloonDevice or MemoryStatsReason.DriverNotLoaded)
            throw Refused(domain, $"{stats.Reason.Label()}, so that nothing would move. {stats.Reason.Remedy(domain.Name)}");
        if (stats.ActualKiB is { } actual && targetKiB >= actual)
        {
            Say(invocation, domain, stats, targetKiB);
            return;
        }

        if (stats.Used is not { } used)
            throw Refused(domain, $"nobody knows what it uses: {MemoryRemark.Of(domain, stats)}");
        if (targetKiB < used.KiB + MarginKiB)
        {
            throw Refused(domain,
                $"it uses {Size(used.KiB)}{(stats.Freshness == Freshness.Fresh ? "" : Old(stats))}, and {Size(targetKiB)} would not leave it that and {Size(MarginKiB)} to spare");
        }

        Say(invocation, domain, stats, targetKiB);
    }

    public static string Size(ulong kib) => kib switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{kib} KiB"),
        < 10ul * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{kib / 1024.0:0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{kib / 1024.0 / 1024.0:0.##} GiB"),
    };

    /// <summary>The guest reports now where it can be made to; null where there are no statistics at all.</summary>
    private static async ValueTask<MemoryStats?> AskAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            return await domain.RefreshMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code is not (ErrorCode.NoDomain or ErrorCode.OperationInvalid))
        {
            // A daemon of libvirt's cannot make it report: what it knows is better than nothing.
        }

        try
        {
            return await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            return null;
        }
    }

    private static void Say(CommandInvocation invocation, Domain domain, MemoryStats stats, ulong targetKiB)
    {
        if (!invocation.MayRemark)
            return;
        string from = stats.ActualKiB is { } actual ? $"from {Size(actual)} " : "";
        string uses = stats.Used is { } used ? $"; the guest uses {Size(used.KiB)}{(stats.Freshness == Freshness.Fresh ? "" : Old(stats))}" : "";
        invocation.Remark($"{domain.Name}: {from}to {Size(targetKiB)}{uses}");
    }

    private static string Old(MemoryStats stats) => stats.Age is { } age ? $" (as of {MemoryRemark.Duration(age)} ago)" : "";

    private static CommandException Refused(Domain domain, string why) =>
        new($"{domain.Name} was left as it is: {why}", "--force sets it all the same");
}
