using System.Globalization;
using Ballast.Cli.Doctor;
using Ballast.Cli.Json;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DoctorCommand
{
    private const string Indent = "    ";

    // Nobody waits longer for a guest's next report.
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);

    // A report is not there the moment it is due.
    private static readonly TimeSpan ReportSlack = TimeSpan.FromMilliseconds(200);

    private static readonly CommandOption Domains = new("domain", OptionKind.RepeatedText, "name, id or UUID of a domain; default: all active domains")
    {
        IsPositional = true,
        Completes = ValueCompletion.Domain,
    };

    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write JSON");

    public static Command Command { get; } = new("doctor", "find out why numbers are missing or what else is wrong, and what to do")
    {
        Description =
            $"""
            Checks each guest: its monitor, its balloon device and driver, the collection of statistics, whether
            the numbers are current and plausible, whether it is short of memory, whether its memory can be
            ballooned at all (locked, pinned or in huge pages), and whether the host holds much more of it than it
            uses. Checks the host: available memory, memory pressure, overcommit. Checks the connection: whether
            the daemon reports all this.

            Writes a line for each finding, the worst first, and below it what to do. The last line names the daemon
            and says how fast it answered. The exit status is 1 if there is an error or a warning; notes do not count.
            It is 2 if the command could not check or report anything: no connection, no such domain, a wrong command
            line.

            To ask several hosts, give an option -c for each before the command. A host that does not answer is one
            of the errors found.

            If a guest may be swapping, or its next report may be due, the command looks twice, a collection period
            apart, but no longer than {LongestLook.TotalSeconds:0} seconds. It checks the host's processes and memory only if the guests run
            on this host.

            """,
        Options = [Domains, Json],
        TakesSeveral = true,
        FailureExitCode = CliProgram.NoAnswer,
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        string[] names = [.. invocation.Arguments.Texts(Domains)];
        await using HostGroup hosts = HostGroup.Of(invocation, LongestLook + LongestLook);
        IReadOnlyList<HostAnswer<Examination>> answers = await hosts.AskAsync(on => ExamineAsync(on, names), tells: false);
        string[] missing = hosts.RequireFound(names);

        // The order within a severity is the guests', the one under most pressure first.
        List<Verdict> worstFirst = [.. answers.SelectMany(answer => answer.Value is { } found
            ? found.Verdicts.Select(verdict => hosts.IsSeveral ? verdict with { Uri = answer.Uri } : verdict)
            : [new(Severity.Error, Verdict.Connection, "not asked", string.Join(": ", answer.Trouble), new("see whether the host and its daemon run, and name them as -c URI")) { Uri = answer.Uri }])
            .OrderBy(verdict => verdict.Severity)];
        invocation.HasFailed = worstFirst.Exists(verdict => verdict.Severity != Severity.Note);
        if (invocation.Arguments.Has(Json))
        {
            WriteJson(invocation.Out, [.. worstFirst, .. answers.Where(answer => answer.Value is not null).Select(answer =>
                new Verdict(Severity.Note, Verdict.Connection, "asked", answer.Value!.Respondent, new("")) { Uri = hosts.IsSeveral ? answer.Uri : null })]);
        }
        else
        {
            WriteText(invocation, worstFirst, [.. answers.Select(answer => answer.Value)], hosts);
        }

        // Behind the trouble, which may be why.
        hosts.Tell(missing);
    }

    /// <summary>What was found at one host.</summary>
    /// <param name="Verdicts">The findings.</param>
    /// <param name="Respondent">Who was asked, and how fast it answered.</param>
    /// <param name="Asked">The same with the number of guests, the URI and the hypervisor's version.</param>
    private sealed record Examination(IReadOnlyList<Verdict> Verdicts, string Respondent, string Asked);

    private static async Task<Examination> ExamineAsync(CommandInvocation invocation, string[] names)
    {
        List<MemoryLine> lines = await HostLook.RunAsync(invocation, names, remarks: false);
        lines = await LookAgainAsync(invocation, lines);
        ProcFiles proc = new(invocation.ProcPath);
        List<Verdict> verdicts = [];

        // That none of the guests that were named is here says nothing of others.
        if (lines.Count == 0 && names.Length == 0 && DomainArgument.NamedPlace(invocation.Connection.Uri) is { } place)
        {
            verdicts.Add(new(Severity.Warning, Verdict.Connection, "no monitor socket", $"no QEMU's monitor socket was found at {place}",
                new("name the monitor socket of a running QEMU (-qmp unix:PATH,server=on,wait=off), or a directory of such sockets")));
        }

        // Of a daemon that cannot tell why, no guest is to blame.
        bool isPlainDaemon = lines.Count > 0 && lines.All(line => line.Stats.Reason == MemoryStatsReason.UnsupportedByDaemon);
        if (isPlainDaemon)
        {
            verdicts.Add(new(Severity.Warning, Verdict.Connection, MemoryStatsReason.UnsupportedByDaemon.Label(),
                "the daemon speaks only libvirt's protocol: it carries neither how often guests report nor why a number is missing",
                new("ask the QEMUs directly (-c qmp:///; each needs a monitor of its own), or run ballastd")));
        }

        LocalQemus local = await LocalQemus.FindAsync(invocation, proc, lines.Select(line => line.Domain));
        foreach (MemoryLine line in lines)
            verdicts.AddRange(GuestChecks.Run(line, local.Of(line.Domain), await Standstill.StateOfAsync(line.Domain, line.Stats, invocation.CancellationToken)).Where(verdict => !isPlainDaemon || verdict.Check != MemoryStatsReason.UnsupportedByDaemon.Label()));
        if (ProcFiles.IsAbout(invocation.Connection))
            verdicts.AddRange(HostChecks.Run(proc, lines));
        Respondent respondent = await Respondent.OfAsync(invocation);
        if (respondent.OtherVersion is { } other)
        {
            verdicts.Add(new(Severity.Note, Verdict.Connection, "versions", $"ballastd is {other}, and ballast of version {CliProgram.Version}: what one of them does not know, the other cannot tell",
                new("restart ballastd if it was updated, or update the older one")));
        }

        string asked = $"{(lines.Count == 0 && names.Length > 0 ? "none of them" : Count(lines.Count))}, {invocation.Connection.Uri}{await VersionAsync(invocation)}; asked: {respondent.Text}";
        return new(verdicts, respondent.Text, asked);
    }

    private static async Task<List<MemoryLine>> LookAgainAsync(CommandInvocation invocation, List<MemoryLine> lines)
    {
        TimeSpan[] unclear = [.. lines.Where(IsUnclear).Select(line => line.Stats.Period!.Value)];
        if (unclear.Length == 0)
            return lines;
        await Task.Delay(unclear.Max() + ReportSlack, invocation.TimeProvider, invocation.CancellationToken);
        return await HostLook.RunAsync(invocation, invocation.Arguments.Texts(Domains), remarks: false);
    }

    /// <summary>Whether another report would tell more, and is due soon: of a guest that may swap, whose balloon moved, or that was resumed or reset a moment ago.</summary>
    private static bool IsUnclear(MemoryLine line)
    {
        if (line.Stats.Period is not { } period || period == TimeSpan.Zero || period > LongestLook)
            return false;
        bool maySwap = line is { IsSummed: true, Rates: null, Stats.SwapOutKiB: > 0 } && line.Stats.ActualKiB < line.MaximumKiB;
        return maySwap || (line.HasBalloonMoved && line.Stats.Reason == MemoryStatsReason.Fresh) || line.Stats.Reason is MemoryStatsReason.Stale or MemoryStatsReason.NeverReported;
    }

    private static void WriteText(CommandInvocation invocation, List<Verdict> verdicts, Examination?[] examined, HostGroup hosts)
    {
        int? room = invocation.Columns;
        foreach (Verdict verdict in verdicts)
        {
            string host = verdict.Uri is { } uri ? $"{hosts.NameOf(uri)}: " : "";
            Write($"{verdict.SeverityLabel}: {host}{verdict.Subject}: {verdict.Text}", "");
            if (room is null || verdict.Remedy.Command is not { } command)
            {
                Write($"{verdict.Remedy}", Indent);
                continue;
            }

            // A line that is to be selected is not broken.
            Write($"{verdict.Remedy.Text}:", Indent);
            invocation.Out.WriteLine($"{Indent}{SafeText.Escape(command)}");
        }

        string summary = invocation.HasFailed
            ? $"{verdicts.Count(verdict => verdict.Severity != Severity.Note)} to fix" : "Nothing is wrong";
        foreach (Examination one in examined.OfType<Examination>())
            Write(hosts.IsSeveral ? one.Asked : $"{summary}: {one.Asked}", "");

        if (hosts.IsSeveral)
        {
            int silent = examined.Count(one => one is null);
            string asked = examined.Length == 1 ? "1 host" : string.Create(CultureInfo.InvariantCulture, $"{examined.Length} hosts");
            Write($"{summary} at {asked}{(silent > 0 ? string.Create(CultureInfo.InvariantCulture, $", {silent} of which did not answer") : "")}.", "");
        }

        void Write(string text, string indent)
        {
            foreach (string line in Paragraph.Lines(SafeText.Escape(text), indent, room, Indent))
                invocation.Out.WriteLine(line);
        }
    }

    private static string Count(int guests) => guests == 0 ? "no guest runs" : guests == 1 ? "1 guest" : string.Create(CultureInfo.InvariantCulture, $"{guests} guests");

    private static async ValueTask<string> VersionAsync(CommandInvocation invocation)
    {
        try
        {
            Version version = await invocation.Connection.GetVersionAsync(invocation.CancellationToken);
            return version is { Major: 0, Minor: 0 } ? "" : $", {invocation.Connection.DriverType} {version}";
        }
        catch (LibvirtException)
        {
            return "";
        }
    }

    private static void WriteJson(TextOutput output, List<Verdict> verdicts) => JsonOutput.Write(output, json =>
    {
        json.WriteStartArray();
        foreach (Verdict verdict in verdicts)
        {
            json.WriteStartObject();
            if (verdict.Uri is { } uri)
                json.WriteString("connection", uri);
            json.WriteString("severity", verdict.SeverityLabel);
            json.WriteString("subject", verdict.Subject);
            json.WriteString("check", verdict.Check);
            json.WriteString("text", verdict.Text);
            json.WriteString("remedy", $"{verdict.Remedy}");
            json.WriteString("command", verdict.Remedy.Command);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
