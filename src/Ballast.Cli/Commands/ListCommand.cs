using Ballast.Cli.Json;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class ListCommand
{
    private static readonly CommandOption Inactive = Flag("inactive", "only inactive domains");
    private static readonly CommandOption All = Flag("all", "active and inactive domains");
    private static readonly CommandOption StateShutoff = Flag("state-shutoff", "domains that are shut off");

    private static readonly (CommandOption Option, DomainListFilter Filter)[] Filters =
    [
        (Flag("transient", "domains without a persistent definition"), DomainListFilter.Transient),
        (Flag("persistent", "domains with a persistent definition"), DomainListFilter.Persistent),
        (Flag("with-snapshot", "domains with snapshots"), DomainListFilter.HasSnapshot),
        (Flag("without-snapshot", "domains without snapshots"), DomainListFilter.NoSnapshot),
        (Flag("with-checkpoint", "domains with checkpoints"), DomainListFilter.HasCheckpoint),
        (Flag("without-checkpoint", "domains without checkpoints"), DomainListFilter.NoCheckpoint),
        (Flag("state-running", "running domains"), DomainListFilter.Running),
        (Flag("state-paused", "paused domains"), DomainListFilter.Paused),
        (StateShutoff, DomainListFilter.Shutoff),
        (Flag("state-other", "domains in any other state"), DomainListFilter.Other),
        (Flag("autostart", "domains that start with the host"), DomainListFilter.Autostart),
        (Flag("no-autostart", "domains that do not start with the host"), DomainListFilter.NoAutostart),
        (Flag("with-managed-save", "domains with a managed save image"), DomainListFilter.ManagedSave),
        (Flag("without-managed-save", "domains without a managed save image"), DomainListFilter.NoManagedSave),
    ];

    private static readonly CommandOption Uuid = Flag("uuid", "only UUIDs, one per line");
    private static readonly CommandOption Name = Flag("name", "only names, one per line");
    private static readonly CommandOption Id = Flag("id", "only ids, one per line; a dash for inactive domains");
    private static readonly CommandOption Table = Flag("table", "a table (default)");
    private static readonly CommandOption ManagedSave = Flag("managed-save", "show inactive domains with a managed save image as saved");
    private static readonly CommandOption Title = Flag("title", "add a column with titles");
    private static readonly CommandOption Json = Flag("json", "write JSON, with freshness and reason");

    public static Command Command { get; } = new("list", "show the domains of a hypervisor")
    {
        Description =
            """
            Lists active domains by id, then inactive ones by name. Filters of the same kind (--state-…)
            combine with "or", filters of different kinds with "and". --uuid, --id and --name can be
            combined.

            On a terminal, the column "Memory" gives the reason if a domain's numbers are not fresh. In scripts,
            --json does.

            --json writes an array of objects: name, uuid, id, state, reason (of the state) and memory (the
            members of `dommemstat --json` except domain; null if the domain is not active).
            docs/cli-json.md describes all members.

            To ask several hosts, give an option -c for each before the command. A first column, or the member
            connection, then names the host. A host that cannot be asked is named on standard error, and makes
            the exit status 1.

            """,
        TakesSeveral = true,
        Options = [Inactive, All, .. Filters.Select(entry => entry.Option), Uuid, Name, Id, Table, ManagedSave, Title, Json],
        Execute = ExecuteAsync,
    };

    private static CommandOption Flag(string name, string summary) => new(name, OptionKind.Flag, summary);

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        foreach (CommandOption whole in (ReadOnlySpan<CommandOption>)[Table, Json])
        {
            arguments.Exclude(whole, Name);
            arguments.Exclude(whole, Uuid);
            arguments.Exclude(whole, Id);
        }

        arguments.Exclude(Table, Json);
        await using HostGroup hosts = HostGroup.Of(invocation);
        bool isBare = arguments.Has(Name) || arguments.Has(Uuid) || arguments.Has(Id);
        ListRow[] rows = [.. (await hosts.AskAsync(on => ReadAsync(on, isBare), wantsInactive: (ReadFilter(arguments) & DomainListFilter.Inactive) != 0)).SelectMany(answer => answer.Value ?? [])];
        if (arguments.Has(Json))
            WriteJson(invocation.Out, rows, hosts);
        else if (isBare)
            WriteBare(invocation, rows, hosts);
        else
            WriteTable(invocation, rows, hosts);
    }

    private static async Task<ListRow[]> ReadAsync(CommandInvocation on, bool isBare)
    {
        IReadOnlyList<Domain> domains = await on.Connection.ListDomainsAsync(ReadFilter(on.Arguments), on.CancellationToken);
        WarnOfHidden(on);
        if (domains.Count == 0)
            DomainArgument.RemarkNothing(on);
        return isBare ? [.. domains.Select(domain => new ListRow(domain))]
            : await ListRow.ReadAsync(on, domains, on.Arguments.Has(ManagedSave) && !on.Arguments.Has(Json),
                on.Arguments.Has(Title), on.IsForPeople || on.Arguments.Has(Json));
    }

    // Process 1 is always there: who does not see it sees its own processes only (hidepid), and cannot count the others.
    public static void WarnOfHidden(CommandInvocation invocation)
    {
        if (invocation.Connection.Uri is "qmp:///" && !File.Exists("/proc/1/stat"))
        {
            invocation.Warn(
                "/proc hides other users' processes from you (hidepid), so only your own QEMUs are listed; "
                + "use sudo, or ask ballastd: -c qemu:///system");
        }
    }

    private static DomainListFilter ReadFilter(ParsedCommand arguments)
    {
        DomainListFilter filter =
            arguments.Has(All) ? DomainListFilter.Active | DomainListFilter.Inactive
            : arguments.Has(Inactive) || arguments.Has(StateShutoff) ? DomainListFilter.Inactive
            : DomainListFilter.Active;
        foreach ((CommandOption option, DomainListFilter bit) in Filters)
        {
            if (arguments.Has(option))
                filter |= bit;
        }

        return filter;
    }

    private static void WriteBare(CommandInvocation invocation, ListRow[] rows, HostGroup hosts)
    {
        List<string> cells = new(4);
        foreach (Domain domain in rows.Select(row => row.Domain))
        {
            cells.Clear();
            if (hosts.IsSeveral)
                cells.Add(SafeText.Escape(hosts.NameOf(domain.Connection.Uri)));
            if (invocation.Arguments.Has(Uuid))
                cells.Add(domain.Uuid.ToString());

            // Alone, it and its line are left out where there is none; beside others it is a dash.
            if (invocation.Arguments.Has(Id) && (domain.Id is not null || hosts.IsSeveral || invocation.Arguments.Has(Uuid) || invocation.Arguments.Has(Name)))
                cells.Add(IdentityCommands.Format(domain));
            if (invocation.Arguments.Has(Name))
                cells.Add(SafeText.Escape(domain.Name));
            if (cells.Count > 0)
                invocation.Out.WriteLine(string.Join(' ', cells));
        }
    }

    private static void WriteTable(CommandInvocation invocation, ListRow[] rows, HostGroup hosts)
    {
        bool withTitle = invocation.Arguments.Has(Title);

        // Only where there is something to say: whose numbers are fresh has an empty cell.
        bool withMemory = rows.Any(row => row.Why is not null);
        TextTable table = new([.. Cells("Host", "Id", "Name", "State", "Title", "Memory")]);
        foreach (ListRow row in rows)
        {
            string host = hosts.IsSeveral ? hosts.NameOf(row.Domain.Connection.Uri) : "";
            table.AddRow([.. Cells(host, IdentityCommands.Format(row.Domain), row.Domain.Name, row.StateLabel, row.Title, row.Why ?? "")]);
        }

        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
        if (withMemory && invocation.MayRemark)
            invocation.Remark("Memory: `ballast dommemstat DOMAIN` explains the reason and what to do about it.");

        IEnumerable<string> Cells(string host, string id, string name, string state, string title, string memory)
        {
            if (hosts.IsSeveral)
                yield return host;
            yield return id;
            yield return name;
            yield return state;
            if (withTitle)
                yield return title;
            if (withMemory)
                yield return memory;
        }
    }

    private static void WriteJson(TextOutput output, ListRow[] rows, HostGroup hosts) => JsonOutput.Write(output, json =>
    {
        json.WriteStartArray();
        foreach (ListRow row in rows)
        {
            json.WriteStartObject();
            if (hosts.IsSeveral)
                json.WriteString("connection", row.Domain.Connection.Uri);
            JsonOutput.WriteIdentity(json, row.Domain);
            json.WriteString("state", row.State.State.Label());
            json.WriteString("reason", row.State.ReasonLabel);
            MemoryStatsJson.WriteMember(json, row.Domain, row.Memory);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
