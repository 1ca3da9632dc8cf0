using System.Globalization;
using Ballast.Balance.Advice;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Looks at a guest before memory is taken from it.</summary>
internal static class SetMemCheck
{
    /// <inheritdoc cref="GuestShortage.MarginKiB"/>
    public const ulong MarginKiB = GuestShortage.MarginKiB;

    // The time of a report has whole seconds.
    private static readonly TimeSpan IsOfNow = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ReportPatience = TimeSpan.FromSeconds(2), Look = TimeSpan.FromMilliseconds(50);

    /// <summary>Warns where nobody can tell what the target does to the guest.</summary>
    /// <param name="invocation">The command.</param>
    /// <param name="domain">Whose memory is to be set.</param>
    /// <param name="targetKiB">What it shall have.</param>
    /// <param name="isBare">Whether the size was typed without a unit.</param>
    /// <returns>What the guest is like; null where nobody knows.</returns>
    /// <exception cref="CommandException">It would take what the guest uses.</exception>
    public static async ValueTask<MemoryStats?> RunAsync(CommandInvocation invocation, Domain domain, ulong targetKiB, bool isBare)
    {
        // Of a target that no domain can have, or of one without statistics, the change itself says what it thinks.
        if (targetKiB == 0 || await AskAsync(invocation, domain, targetKiB) is not { } stats || stats.Reason == MemoryStatsReason.NoBalloonDevice)
            return null;
        bool takes = stats.ActualKiB is not { } actual || targetKiB < actual;
        ulong? needed = stats.Inconsistencies == MemoryStatsInconsistency.None ? GuestShortage.NeededKiB(stats) : null;

        // Whatever the balloon did since the report, the guest needs what it uses.
        ulong? known = needed ?? (stats.Inconsistencies == MemoryStatsInconsistency.None ? stats.Used?.KiB : null);
        if (takes && known is { } least && targetKiB < least + MarginKiB)
        {
            throw new CommandException(
                $"{domain.Name} was not changed: it needs {Size(least)}{Parts(stats, least)}{Old(stats)} and {Size(MarginKiB)} to spare, more than {Size(targetKiB)}",
                isBare ? "--force sets it anyway; a size without a unit is in KiB (1G means 1 GiB)" : "--force sets it anyway");
        }

        Note(invocation, domain, stats);
        if (isBare && targetKiB < MarginKiB)
            invocation.Warn($"{Size(targetKiB)} is very little: a size without a unit is in KiB (1G means 1 GiB)");
        if (stats.Reason == MemoryStatsReason.DriverNotLoaded)
            invocation.Warn($"{domain.Name}: the balloon does not move until the guest loads its driver. {MemoryRemark.Remedy(domain, stats)}");
        else if (takes && needed is null)
            invocation.Warn($"the memory in use by {domain.Name} is unknown; make sure that {Size(targetKiB)} is enough. {MemoryRemark.Of(domain, stats)}");
        return stats;
    }

    /// <summary>Looks at a guest whose memory is taken whatever it uses.</summary>
    public static async ValueTask NoteAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            Note(invocation, domain, await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken));
        }
        catch (LibvirtException)
        {
            // The change itself says what is wrong.
        }
    }

    // What is seen now tells the next look whether the balloon has moved since the report.
    private static void Note(CommandInvocation invocation, Domain domain, MemoryStats stats) =>
        Last(invocation, domain).Write(invocation.LookDirectory, domain.Connection.Uri, [(domain, stats)], isWhole: false);

    private static LastLook Last(CommandInvocation invocation, Domain domain) => LastLook.Read(invocation.LookDirectory, domain.Connection.Uri);

    private static string Parts(MemoryStats stats, ulong needed) =>
        stats.Used is { } used && needed > used.KiB + 1024 ? $" (it uses {Size(used.KiB)}, its kernel needs the rest)" : "";

    public static string Size(ulong kib) => kib switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{kib} KiB"),
        < 10ul * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{kib / 1024.0:0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{kib / 1024.0 / 1024.0:0.##} GiB"),
    };

    /// <summary>The guest reports now where it can be made to; null where there are no statistics at all.</summary>
    private static async ValueTask<MemoryStats?> AskAsync(CommandInvocation invocation, Domain domain, ulong targetKiB)
    {
        bool lacksRefresh;
        try
        {
            return await domain.RefreshMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code is not (ErrorCode.NoDomain or ErrorCode.OperationInvalid))
        {
            // A daemon of libvirt's cannot make it report: what it knows is better than nothing.
            lacksRefresh = e.Code == ErrorCode.NoSupport;
        }

        try
        {
            MemoryStats stats = await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
            return lacksRefresh && targetKiB < stats.ActualKiB ? await AskAnewAsync(invocation, domain, stats) : stats;
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            return null;
        }
    }

    /// <summary>
    /// The balloon may have moved since the report, which a daemon of libvirt's does not tell. It has no word for a report either, but
    /// a guest whose collection begins is asked at once.
    /// </summary>
    private static async ValueTask<MemoryStats> AskAnewAsync(CommandInvocation invocation, Domain domain, MemoryStats known)
    {
        if (known is not { Reason: MemoryStatsReason.Fresh, LastUpdate: { } before, Period: { TotalSeconds: > 0 } period }
            || (known.Age < IsOfNow && !Last(invocation, domain).HasMoved(domain, known)))
            return known;
        try
        {
            await domain.SetMemoryStatsPeriodAsync(TimeSpan.Zero, DomainModificationImpact.Live, CancellationToken.None);
        }
        catch (LibvirtException e) when (e.Code is ErrorCode.NoSupport or ErrorCode.NoDomain or ErrorCode.OperationDenied or ErrorCode.OperationInvalid or ErrorCode.AccessDenied)
        {
            return known;
        }
        catch (LibvirtException)
        {
            // Who did not answer in time may do it later.
        }

        // Nobody shall be left without collection because somebody pressed Ctrl-C.
        try
        {
            await domain.SetMemoryStatsPeriodAsync(period, DomainModificationImpact.Live, CancellationToken.None);
        }
        catch (LibvirtException e)
        {
            invocation.Warn(string.Create(CultureInfo.InvariantCulture, $"{domain.Name}: the collection period of {period.TotalSeconds:0} s was taken away for a new report and could not be set again: {e.Message}"));
            return known;
        }

        long since = invocation.TimeProvider.GetTimestamp();
        while (invocation.TimeProvider.GetElapsedTime(since) < ReportPatience)
        {
            await Task.Delay(Look, invocation.TimeProvider, invocation.CancellationToken);
            MemoryStats now = await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
            if (now.LastUpdate != before)
                return now;
        }

        return known;
    }

    /// <summary>Says what was set, to people.</summary>
    public static void Say(CommandInvocation invocation, Domain domain, MemoryStats stats, ulong targetKiB)
    {
        string from = stats.ActualKiB is { } actual ? $"from {Size(actual)} " : "";
        string uses = stats.Used is { } used ? $"; the guest uses {Size(used.KiB)}{Old(stats)}" : "";
        invocation.Remark($"{domain.Name}: {from}to {Size(targetKiB)}{uses}");
    }

    private static string Old(MemoryStats stats) =>
        stats.Freshness != Freshness.Fresh && stats.Age is { } age ? $" (as of {MemoryRemark.Duration(age)} ago)" : "";
}
