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

            """,
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
        IReadOnlyList<Domain> domains =
            await invocation.Connection.ListDomainsAsync(ReadFilter(arguments), invocation.CancellationToken);
        WarnOfHidden(invocation);
        if (domains.Count == 0)
            DomainArgument.RemarkNothing(invocation);
        if (arguments.Has(Json))
            await WriteJsonAsync(invocation, domains);
        else if (arguments.Has(Name) || arguments.Has(Uuid) || arguments.Has(Id))
            WriteBare(invocation, domains);
        else
            await WriteTableAsync(invocation, domains);
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

    private static void WriteBare(CommandInvocation invocation, IReadOnlyList<Domain> domains)
    {
        List<string> cells = new(3);
        foreach (Domain domain in domains)
        {
            cells.Clear();
            if (invocation.Arguments.Has(Uuid))
                cells.Add(domain.Uuid.ToString());
            if (invocation.Arguments.Has(Id))
                cells.Add(DomIdCommand.Format(domain));
            if (invocation.Arguments.Has(Name))
                cells.Add(SafeText.Escape(domain.Name));
            invocation.Out.WriteLine(string.Join(' ', cells));
        }
    }

    private static async ValueTask WriteTableAsync(CommandInvocation invocation, IReadOnlyList<Domain> domains)
    {
        bool withTitle = invocation.Arguments.Has(Title);
        Task<string[]> asking = Task.WhenAll(domains.Select(domain => StateAsync(invocation, domain)));
        IReadOnlyDictionary<Guid, DomainMemorySample> samples = invocation.IsForPeople
            ? await MemoryStatsJson.AskAsync(invocation.Connection, domains, MemoryStatsOptions.None, invocation.CancellationToken)
            : new Dictionary<Guid, DomainMemorySample>();
        string[] states = await asking;
        string[] titles = withTitle
            ? await Task.WhenAll(domains.Select(domain => TitleAsync(invocation, domain)))
            : [.. domains.Select(_ => "")];

        // Only where there is something to say: whose numbers are fresh has an empty cell.
        bool withMemory = samples.Values.Any(sample => sample.Stats.Reason != MemoryStatsReason.Fresh);
        TextTable table = new([.. Cells("Id", "Name", "State", "Title", "Memory")]);
        for (int i = 0; i < domains.Count; i++)
        {
            string memory = samples.TryGetValue(domains[i].Uuid, out DomainMemorySample sample) && sample.Stats.Reason != MemoryStatsReason.Fresh
                ? sample.Stats.Reason.Label()
                : "";
            table.AddRow([.. Cells(DomIdCommand.Format(domains[i]), domains[i].Name, states[i], titles[i], memory)]);
        }

        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
        if (withMemory && invocation.MayRemark)
            invocation.Remark("Memory: `ballast dommemstat DOMAIN` explains the reason and what to do about it.");

        IEnumerable<string> Cells(string id, string name, string state, string title, string memory)
        {
            yield return id;
            yield return name;
            yield return state;
            if (withTitle)
                yield return title;
            if (withMemory)
                yield return memory;
        }
    }

    // A domain that cannot be asked keeps its line.
    private static async Task<string> StateAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            if (invocation.Arguments.Has(ManagedSave) && domain.Id is null
                && await domain.HasManagedSaveImageAsync(invocation.CancellationToken))
            {
                return "saved";
            }

            return (await domain.GetStateAsync(invocation.CancellationToken)).State.Label();
        }
        catch (LibvirtException)
        {
            return DomainState.NoState.Label();
        }
    }

    private static async Task<string> TitleAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            return await domain.GetMetadataAsync(DomainMetadataType.Title, cancellationToken: invocation.CancellationToken);
        }
        catch (LibvirtException)
        {
            return "";
        }
    }

    private static async ValueTask WriteJsonAsync(CommandInvocation invocation, IReadOnlyList<Domain> domains)
    {
        Task<DomainStateInfo[]> states = Task.WhenAll(domains.Select(domain => StateInfoAsync(invocation, domain)));
        IReadOnlyDictionary<Guid, DomainMemorySample> memory = await MemoryStatsJson.AskAsync(invocation.Connection, domains, MemoryStatsOptions.None, invocation.CancellationToken);
        DomainStateInfo[] infos = await states;
        JsonOutput.Write(invocation.Out, json =>
        {
            json.WriteStartArray();
            for (int i = 0; i < domains.Count; i++)
            {
                json.WriteStartObject();
                JsonOutput.WriteIdentity(json, domains[i]);
                json.WriteString("state", infos[i].State.Label());
                json.WriteString("reason", infos[i].ReasonLabel);
                MemoryStatsJson.WriteMember(json, domains[i], memory);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static async Task<DomainStateInfo> StateInfoAsync(CommandInvocation invocation, Domain domain)
    {
        try
        {
            return await domain.GetStateAsync(invocation.CancellationToken);
        }
        catch (LibvirtException)
        {
            return new DomainStateInfo(DomainState.NoState, 0);
        }
    }
}
