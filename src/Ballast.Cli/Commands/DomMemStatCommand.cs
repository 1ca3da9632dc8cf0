using System.Globalization;
using Ballast.Cli.Json;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomMemStatCommand
{
    // Room for what this version names and for more: what it does not name is not shown, but must not crowd out the rest.
    private const int MaxEntries = 64;

    private static readonly CommandOption Period = new("period", OptionKind.Int, "set the collection period to that many seconds; 0 turns it off");
    private static readonly CommandOption Extended = new("extended", OptionKind.Flag, "also what Linux 6.12 guests on QEMU 9.2 report beyond libvirt's statistics");
    private static readonly CommandOption Refresh = new("refresh", OptionKind.Flag, "make the guest report now, whatever the collection period, which stays as it is");
    private static readonly CommandOption All = new("all", OptionKind.Flag, "all active domains instead of one");
    private static readonly CommandOption OneDomain = DomainArgument.UnlessAll(All);
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "JSON, with age, freshness and the reason for what is missing");

    public static Command Command { get; } = new("dommemstat", "show the memory statistics of a domain")
    {
        Description =
            """
            One line per statistic. Beware of the names, which are older than their meanings in Linux:
              actual           the balloon's current size: what the guest may use
              available        MemTotal: all memory that the guest's system sees
              usable           MemAvailable: what it could hand out without swapping
              unused           MemFree: what it uses for nothing at all, not even caches
              disk_caches      caches of files that can be given up
              rss              what QEMU's process holds on the host
              swap_in, swap_out, major_fault, minor_fault, hugetlb_pgalloc, hugetlb_pgfail
                               counted since the guest booted
              last_update      when the guest reported, in Unix seconds; 0: never
            Memory and swap are in KiB, faults and huge pages are counts. A statistic that nobody knows is
            left out. Used memory, as the guest's own `free` shows it, is available - usable; in guests that see all
            their memory whatever the balloon holds (deflate-on-oom, Windows) what it held is taken off.

            On a terminal, a line on standard error tells how old the numbers are, and what is wrong with them.

            With --period the collection period is set, and nothing is shown unless --refresh or --json asks
            for it; --live, --config and --current say for what. Without a period the numbers stay as they were
            when the balloon driver was loaded. A period of a day (86400) counts as off: a refresh uses it for
            a moment.

            With --refresh the guest reports now, which takes milliseconds; the collection period is as it was
            afterwards. What could not be refreshed is shown as it is known, and said on standard error.

            With --all, what is asked for is done for every active domain: dommemstat --all --period 5.

            --json gives one object, with --all an array of them:
              domain           name, uuid, id (null where it is not active)
              stats            values by label; tags without a name by their number
              used             kib and the formula; null where the guest's report allows none or is inconsistent
              last_update      ISO 8601, age_seconds, period_seconds; null where unknown
              freshness        "fresh", "stale" or "never reported"
              reason, remedy   the one thing to know, and what to do about it (null: nothing)
              detail           what the hypervisor said about it, or null
              missing          the reason for each of libvirt's 13 statistics that is not there
              inconsistencies  numbers that cannot be true together

            """,
        Options = [OneDomain, All, Period, ImpactOptions.Config, ImpactOptions.Live, ImpactOptions.Current, Refresh, Extended, Json],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.CheckImpact();
        arguments.Exclude(All, OneDomain);
        if (arguments.Has(All))
        {
            await ForAllAsync(invocation);
            return;
        }

        Domain domain = await invocation.FindDomainAsync(OneDomain, DomainNames.Any);
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

        DomainModificationImpact impact = invocation.Arguments.Impact(
            domain.Id is null ? DomainModificationImpact.Current : DomainModificationImpact.Live);
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
        MemoryStats stats = await SampleAsync(invocation, domain);
        JsonOutput.Write(invocation.Out, json => MemoryStatsJson.WriteObject(json, domain, stats));
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
            invocation.Warn($"{domain.Name} was not refreshed: {stats.Reason.Label()}{detail}. {stats.Reason.Remedy(domain.Name)}".TrimEnd());
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
