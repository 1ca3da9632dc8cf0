using System.Globalization;
using Ballast.Cli.Json;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomMemStatCommand
{
    // Room for what this version names and for more: what it does not name is not shown, but must not crowd out the rest.
    private const int MaxEntries = 64;

    private static readonly CommandOption Period = new("period", OptionKind.Int, "set the collection period in seconds; 0 turns collection off");
    private static readonly CommandOption Extended = new("extended", OptionKind.Flag, "include the statistics beyond libvirt's: Linux 6.12 guests on QEMU 9.2");
    private static readonly CommandOption Refresh = new("refresh", OptionKind.Flag, "make the guest report now; the collection period does not change");
    private static readonly CommandOption All = new("all", OptionKind.Flag, "all active domains instead of one");
    private static readonly CommandOption OneDomain = DomainArgument.UnlessAll(All);
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write JSON, with age, freshness and the reason for each missing statistic");

    public static Command Command { get; } = new("dommemstat", "show the memory statistics of a domain")
    {
        Description =
            """
            Shows one statistic per line. The names are libvirt's and older than the Linux fields they carry:
              actual           the balloon's current size: the memory that the guest may use
              available        MemTotal: all memory that the guest's kernel manages
              usable           MemAvailable: what the guest can allocate without swapping
              unused           MemFree: memory that holds nothing, not even caches
              disk_caches      file caches that the guest can reclaim
              rss              resident memory of the QEMU process on the host
              swap_in, swap_out, major_fault, minor_fault, hugetlb_pgalloc, hugetlb_pgfail
                               counters since the guest booted
              last_update      time of the guest's last report in Unix seconds; 0: never
            Memory and swap are in KiB; faults and huge pages are counts. Unknown statistics are left out.
            Used memory is available - usable. For guests that count the balloon as used (deflate-on-oom,
            Windows), subtract the balloon as well.

            On a terminal, a line on standard error gives the age of the numbers and any problem with them.

            --period sets the collection period. It shows the statistics only with --refresh or --json;
            --live, --config and --current select what it changes. While no period is set, the numbers stay
            as they were when the guest loaded its balloon driver. A period of one day (86400) counts as off,
            because a refresh uses it for a moment.

            --refresh makes the guest report now, within milliseconds, and then restores the collection
            period. If the guest does not report, the command shows the last known numbers and says so on
            standard error.

            --all applies the command to every active domain, for example: dommemstat --all --period 5.

            --json writes one object; with --all, an array of them:
              domain           name, uuid, id (null if the domain is not active)
              stats            values by label; unnamed tags by number
              used             kib and formula; null if the report is incomplete or inconsistent
              last_update      ISO 8601, followed by age_seconds and period_seconds; null if unknown
              freshness        "fresh", "stale" or "never reported"
              reason, remedy   the most important problem, and what to do about it (null: nothing)
              detail           the hypervisor's message about it, or null
              missing          the reason for each of libvirt's 13 statistics that is missing
              inconsistencies  contradictions between the numbers

            """,
        Options = [OneDomain, All, Period, ImpactOptions.Change.Config, ImpactOptions.Change.Live, ImpactOptions.Change.Current, Refresh, Extended, Json],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        ImpactOptions.Change.Check(arguments);
        arguments.Exclude(All, OneDomain);
        if (arguments.Has(All))
        {
            await ForAllAsync(invocation);
            return;
        }

        Domain domain = await invocation.FindDomainAsync(OneDomain, DomainKeys.Any);
        if (arguments.Int(Period) is { } seconds)
            await SetPeriodAsync(invocation, domain, seconds);
        if (!Shows(arguments))
            return;
        try
        {
            if (arguments.Has(Json))
                await WriteJsonAsync(invocation, domain);
            else if (arguments.Has(Refresh))
                WriteRefreshed(invocation, domain, await SampleAsync(invocation, domain));
            else
                await WriteTextAsync(invocation, domain);
        }
        catch (LibvirtException e)
        {
            throw new CommandException($"Failed to get memory statistics for domain {domain.Name}", e);
        }
    }

    private static bool Shows(ParsedCommand arguments) => !arguments.Has(Period) || arguments.Has(Refresh) || arguments.Has(Json);

    /// <summary>One domain's trouble is its own: it is said, the others are done, and the command fails at its end.</summary>
    private static async ValueTask ForAllAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        IReadOnlyList<Domain> domains = await invocation.Connection.ListDomainsAsync(DomainListFilter.Active, invocation.CancellationToken);
        List<string> errors = [];
        if (arguments.Int(Period) is { } seconds)
        {
            foreach (Domain domain in domains)
            {
                try
                {
                    await SetPeriodAsync(invocation, domain, seconds);
                }
                catch (CommandException e)
                {
                    errors.Add($"{domain.Name}: {string.Join(" ", e.Lines)}");
                }
            }
        }

        if (Shows(arguments))
            await WriteAllAsync(invocation, domains, errors);
        if (errors.Count > 0)
            throw new CommandException(errors);
    }

    private static async ValueTask WriteAllAsync(CommandInvocation invocation, IReadOnlyList<Domain> domains, List<string> errors)
    {
        IReadOnlyList<DomainMemorySample> samples = invocation.Arguments.Has(Refresh)
            ? [.. (await Task.WhenAll(domains.Select(domain => RefreshOrNothingAsync(invocation, domain, errors)))).OfType<DomainMemorySample>()]
            : await invocation.Connection.GetMemoryStatsAsync(domains, Options(invocation), invocation.CancellationToken);
        if (invocation.Arguments.Has(Json))
        {
            JsonOutput.Write(invocation.Out, json =>
            {
                json.WriteStartArray();
                foreach (DomainMemorySample sample in samples)
                    MemoryStatsJson.WriteObject(json, sample.Domain, sample.Stats);
                json.WriteEndArray();
            });
            return;
        }

        for (int i = 0; i < samples.Count; i++)
        {
            (Domain domain, MemoryStats stats) = (samples[i].Domain, samples[i].Stats);
            invocation.Out.WriteLine($"{(i == 0 ? "" : "\n")}Domain: '{SafeText.Escape(domain.Name)}'");
            WriteLines(invocation, [.. stats.Entries]);
            if (stats.Reason != MemoryStatsReason.Fresh || invocation.MayRemark)
                invocation.Remark(MemoryRemark.Of(domain, stats));
        }
    }

    private static async Task<DomainMemorySample?> RefreshOrNothingAsync(CommandInvocation invocation, Domain domain, List<string> errors)
    {
        try
        {
            return new DomainMemorySample(domain, await SampleAsync(invocation, domain));
        }
        catch (LibvirtException e)
        {
            lock (errors)
                errors.Add($"{domain.Name}: {e.Message}");
            return null;
        }
    }

    private static async ValueTask SetPeriodAsync(CommandInvocation invocation, Domain domain, int seconds)
    {
        if (seconds < 0)
        {
            string value = seconds.ToString(CultureInfo.InvariantCulture);
            throw new CommandException($"Invalid collection period value '{value}'");
        }

        DomainModificationImpact impact = ImpactOptions.Change.Of(
            invocation.Arguments, domain.Id is null ? DomainModificationImpact.Current : DomainModificationImpact.Live);
        try
        {
            await domain.SetMemoryStatsPeriodAsync(TimeSpan.FromSeconds(seconds), impact, invocation.CancellationToken);
        }
        catch (LibvirtException e)
        {
            throw new CommandException("Unable to change balloon collection period.", e);
        }
    }

    private static MemoryStatsOptions Options(CommandInvocation invocation) =>
        invocation.Arguments.Has(Extended) ? MemoryStatsOptions.Extended : MemoryStatsOptions.None;

    private static async ValueTask WriteTextAsync(CommandInvocation invocation, Domain domain)
    {
        MemoryStat[] stats = new MemoryStat[MaxEntries];
        int count = await domain.FillMemoryStatsAsync(stats, Options(invocation), invocation.CancellationToken);
        WriteLines(invocation, stats.AsSpan(0, count));
        if (invocation.MayRemark)
            await RemarkAsync(invocation, domain);
    }

    private static async ValueTask RemarkAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            invocation.Remark(MemoryRemark.Of(domain, await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken)));
        }
        catch (LibvirtException)
        {
            // The numbers are shown; that the guest went since is no failure of this.
        }
    }

    private static async ValueTask WriteJsonAsync(CommandInvocation invocation, Domain domain)
    {
        MemoryStats? known = invocation.Arguments.Has(Refresh) ? null : await SampleAsOneOfManyAsync(invocation, domain);
        MemoryStats stats = known is null or { Reason: MemoryStatsReason.ConnectionLost, Entries.Count: 0 }
            ? await SampleUnlessLostAsync(invocation, domain, known)
            : known;
        JsonOutput.Write(invocation.Out, json => MemoryStatsJson.WriteObject(json, domain, stats));
    }

    // As `--all`: what keeps it from being asked is a reason beside its last report. Null where it does not run, which is an error.
    private static async ValueTask<MemoryStats?> SampleAsOneOfManyAsync(CommandInvocation invocation, Domain domain) =>
        await invocation.Connection.GetMemoryStatsAsync([domain], Options(invocation), invocation.CancellationToken) is [var sample] ? sample.Stats : null;

    // Among several domains, every error is shown as `connection lost`. For a single one, the error itself says more.
    private static async ValueTask<MemoryStats> SampleUnlessLostAsync(CommandInvocation invocation, Domain domain, MemoryStats? lost)
    {
        try
        {
            return await SampleAsync(invocation, domain);
        }
        catch (LibvirtException e) when (lost is not null && e.Code is ErrorCode.SystemError or ErrorCode.Rpc)
        {
            return lost;
        }
    }

    private static ValueTask<MemoryStats> SampleAsync(CommandInvocation invocation, Domain domain) =>
        invocation.Arguments.Has(Refresh)
            ? domain.RefreshMemoryStatsAsync(Options(invocation), invocation.CancellationToken)
            : domain.GetMemoryStatsAsync(Options(invocation), invocation.CancellationToken);

    private static void WriteRefreshed(CommandInvocation invocation, Domain domain, MemoryStats stats)
    {
        WriteLines(invocation, [.. stats.Entries]);
        if (stats.Freshness != Freshness.Fresh)
        {
            string detail = stats.Detail is null ? "" : $" ({stats.Detail})";
            invocation.Warn($"{domain.Name} was not refreshed: {stats.Reason.Label()}{detail}. {MemoryRemark.Remedy(domain, stats)}".TrimEnd());
        }
        else if (invocation.MayRemark)
        {
            invocation.Remark(MemoryRemark.Of(domain, stats));
        }
    }

    private static void WriteLines(CommandInvocation invocation, ReadOnlySpan<MemoryStat> stats)
    {
        foreach ((MemoryStatTag tag, ulong value) in stats)
        {
            if (tag.IsKnown())
                invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tag.Label()} {value}"));
        }
    }
}
