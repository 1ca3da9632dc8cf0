using System.Text.Json;
using Ballast.Cli.Json;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomStatsCommand
{
    private static readonly (CommandOption Option, DomainStatsGroups Group)[] Groups =
    [
        (Flag("state", "state and its reason"), DomainStatsGroups.State),
        (Flag("cpu-total", "CPU time"), DomainStatsGroups.CpuTotal),
        (Flag("balloon", "memory: the balloon's size and what the guest reports"), DomainStatsGroups.Balloon),
        (Flag("vcpu", "virtual CPUs"), DomainStatsGroups.Vcpu),
        (Flag("interface", "network interfaces"), DomainStatsGroups.Interface),
        (Flag("block", "block devices"), DomainStatsGroups.Block),
        (Flag("perf", "perf events"), DomainStatsGroups.Perf),
        (Flag("iothread", "I/O threads"), DomainStatsGroups.Iothread),
        (Flag("memory", "memory bandwidth (for the guest's memory see --balloon)"), DomainStatsGroups.Memory),
        (Flag("dirtyrate", "rate at which memory is written"), DomainStatsGroups.DirtyRate),
        (Flag("vm", "statistics specific to this hypervisor"), DomainStatsGroups.Vm),
    ];

    private static readonly (CommandOption Option, DomainStatsFlags Flag)[] Flags =
    [
        (Flag("list-active", "only active domains"), DomainStatsFlags.Active),
        (Flag("list-inactive", "only inactive domains"), DomainStatsFlags.Inactive),
        (Flag("list-persistent", "only domains with a persistent definition"), DomainStatsFlags.Persistent),
        (Flag("list-transient", "only domains without a persistent definition"), DomainStatsFlags.Transient),
        (Flag("list-running", "only running domains"), DomainStatsFlags.Running),
        (Flag("list-paused", "only paused domains"), DomainStatsFlags.Paused),
        (Flag("list-shutoff", "only domains that are shut off"), DomainStatsFlags.Shutoff),
        (Flag("list-other", "only domains in any other state"), DomainStatsFlags.Other),
        (Flag("raw", "accepted for compatibility; values are always shown unchanged"), DomainStatsFlags.None),
        (Flag("enforce", "fail if the hypervisor does not support a requested group"), DomainStatsFlags.EnforceStats),
        (Flag("backing", "include the backing files of block devices"), DomainStatsFlags.Backing),
        (Flag("nowait", "do not wait for a domain that is busy"), DomainStatsFlags.NoWait),
    ];

    private static readonly CommandOption Json = Flag("json", "write JSON; the balloon group includes freshness and reason");

    private static readonly CommandOption Domains = new("domain", OptionKind.RepeatedText, "name, id or UUID of a domain; default: all domains")
    {
        IsPositional = true,
        Completes = ValueCompletion.Domain,
    };

    public static Command Command { get; } = new("domstats", "show statistics of several domains")
    {
        Description =
            """
            Shows the groups that the options name, or every group that the hypervisor supports.
            In the balloon group, current and maximum are the balloon's size and its limit. `help dommemstat`
            explains available (MemTotal), usable (MemAvailable), unused (MemFree) and the others. Memory and
            swap are in KiB.

            --json writes an array of objects: domain (name, uuid, id), stats (values by field) and, with the
            balloon group, memory (the members of `dommemstat --json` except domain; null if the domain is not
            active).

            """,
        Options = [.. Groups.Select(entry => entry.Option), .. Flags.Select(entry => entry.Option), Json, Domains],
        Execute = ExecuteAsync,
    };

    private static CommandOption Flag(string name, string summary) => new(name, OptionKind.Flag, summary);

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        DomainStatsGroups groups = DomainStatsGroups.All;
        foreach ((CommandOption option, DomainStatsGroups group) in Groups)
        {
            if (arguments.Has(option))
                groups |= group;
        }

        DomainStatsFlags flags = DomainStatsFlags.None;
        foreach ((CommandOption option, DomainStatsFlags flag) in Flags)
        {
            if (arguments.Has(option))
                flags |= flag;
        }

        IReadOnlyList<DomainStatsRecord> records = await AskAsync(invocation, groups, flags);
        if (arguments.Has(Json))
            await WriteJsonAsync(invocation, records, withMemory: groups == DomainStatsGroups.All || (groups & DomainStatsGroups.Balloon) != 0);
        else
            WriteText(invocation.Out, records);
    }

    private static async ValueTask<IReadOnlyList<DomainStatsRecord>> AskAsync(
        CommandInvocation invocation, DomainStatsGroups groups, DomainStatsFlags flags)
    {
        if (!invocation.Arguments.Has(Domains))
            return await invocation.Connection.GetAllDomainStatsAsync(groups, flags, invocation.CancellationToken);

        List<Domain> domains = [];
        foreach (string text in invocation.Arguments.Texts(Domains))
            domains.Add(await DomainArgument.FindAsync(invocation, text, DomainKeys.Any));
        return await invocation.Connection.GetDomainStatsAsync(domains, groups, flags, invocation.CancellationToken);
    }

    private static void WriteText(TextOutput output, IReadOnlyList<DomainStatsRecord> records)
    {
        bool isFirst = true;
        foreach (DomainStatsRecord record in records)
        {
            if (!isFirst)
                output.WriteLine("");
            isFirst = false;
            output.WriteLine($"Domain: '{SafeText.Escape(record.Domain.Name)}'");
            foreach (TypedParameter parameter in record.Parameters)
                output.WriteLine($"  {SafeText.Escape(parameter.Field)}={SafeText.Escape(parameter.ValueText)}");
        }
    }

    private static async ValueTask WriteJsonAsync(
        CommandInvocation invocation, IReadOnlyList<DomainStatsRecord> records, bool withMemory)
    {
        IReadOnlyDictionary<Guid, DomainMemorySample>? memory = withMemory
            ? await MemoryStatsJson.AskAsync(invocation.Connection, records.Select(record => record.Domain), MemoryStatsOptions.None, invocation.CancellationToken)
            : null;
        JsonOutput.Write(invocation.Out, json =>
        {
            json.WriteStartArray();
            for (int i = 0; i < records.Count; i++)
            {
                json.WriteStartObject();
                JsonOutput.WriteDomain(json, records[i].Domain);
                json.WriteStartObject("stats");
                foreach (TypedParameter parameter in records[i].Parameters)
                    WriteParameter(json, parameter);
                json.WriteEndObject();
                if (memory is not null)
                {
                    MemoryStatsJson.WriteMember(
                        json, records[i].Domain, memory.TryGetValue(records[i].Domain.Uuid, out DomainMemorySample sample) ? sample.Stats : null);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static void WriteParameter(Utf8JsonWriter json, TypedParameter parameter)
    {
        switch (parameter.Value)
        {
            case int value:
                json.WriteNumber(parameter.Field, value);
                break;
            case uint value:
                json.WriteNumber(parameter.Field, value);
                break;
            case long value:
                json.WriteNumber(parameter.Field, value);
                break;
            case ulong value:
                json.WriteNumber(parameter.Field, value);
                break;
            case double value when double.IsFinite(value):
                json.WriteNumber(parameter.Field, value);
                break;
            case double: // JSON has no number for it
                json.WriteNull(parameter.Field);
                break;
            case bool value:
                json.WriteBoolean(parameter.Field, value);
                break;
            default:
                json.WriteString(parameter.Field, parameter.ValueText);
                break;
        }
    }
}
