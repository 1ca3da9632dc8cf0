using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Looks at a guest before memory is taken from it.</summary>
internal static class SetMemCheck
{
    /// <summary>What a guest keeps beside what it uses.</summary>
    public const ulong MarginKiB = 32 * 1024;

    /// <summary>Says what will be done, to people; warns where nobody can tell what that does to the guest.</summary>
    /// <param name="invocation">The command.</param>
    /// <param name="domain">Whose memory is to be set.</param>
    /// <param name="targetKiB">What it shall have.</param>
    /// <param name="isBare">Whether the size was typed without a unit.</param>
    /// <exception cref="CommandException">It would take what the guest uses.</exception>
    public static async ValueTask RunAsync(CommandInvocation invocation, Domain domain, ulong targetKiB, bool isBare)
    {
        // Of a target that no domain can have, or of one without statistics, the change itself says what it thinks.
        if (targetKiB == 0 || await AskAsync(invocation, domain) is not { } stats || stats.Reason == MemoryStatsReason.NoBalloonDevice)
            return;
        bool takes = stats.ActualKiB is not { } actual || targetKiB < actual;
        ulong? needed = stats.Inconsistencies == MemoryStatsInconsistency.None ? Needed(stats) : null;
        if (takes && needed is { } least && targetKiB < least + MarginKiB)
        {
            throw new CommandException(
                $"{domain.Name} was left as it is: it needs {Size(least)}{Parts(stats, least)}{Old(stats)}, and {Size(targetKiB)} would not leave it that and {Size(MarginKiB)} to spare",
                isBare ? "--force sets it all the same; a size without a unit is in KiB, 1G is a GiB" : "--force sets it all the same");
        }

        if (stats.Reason == MemoryStatsReason.DriverNotLoaded)
            invocation.Warn($"{domain.Name}: nothing moves before its balloon driver is loaded. {stats.Reason.Remedy(domain.Name)}");
        else if (takes && needed is null)
            invocation.Warn($"nobody knows what {domain.Name} uses, so look whether {Size(targetKiB)} is enough. {MemoryRemark.Of(domain, stats)}");
        if (invocation.MayRemark)
            Say(invocation, domain, stats, targetKiB);
    }

    /// <summary>
    /// What the guest has and could not give up: what it uses, and what its kernel took at boot, which it does not count as
    /// memory. Null where nobody knows.
    /// </summary>
    private static ulong? Needed(MemoryStats stats)
    {
        ulong? free = stats.UsableKiB ?? (stats.UnusedKiB + stats.DiskCachesKiB) ?? stats.UnusedKiB;
        return stats.ActualKiB is { } actual && free is { } some ? actual - Math.Min(some, actual) : null;
    }

    private static string Parts(MemoryStats stats, ulong needed) =>
        stats.Used is { } used && needed > used.KiB + 1024 ? $" (it uses {Size(used.KiB)}, the rest is its kernel's own)" : "";

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
        string from = stats.ActualKiB is { } actual ? $"from {Size(actual)} " : "";
        string uses = stats.Used is { } used ? $"; the guest uses {Size(used.KiB)}{Old(stats)}" : "";
        invocation.Remark($"{domain.Name}: {from}to {Size(targetKiB)}{uses}");
    }

    private static string Old(MemoryStats stats) =>
        stats.Freshness != Freshness.Fresh && stats.Age is { } age ? $" (as of {MemoryRemark.Duration(age)} ago)" : "";
}
