using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class DomInfoCommand
{
    public static Command Command { get; } = new("dominfo", "show basic facts about a domain")
    {
        Description = "`Max memory` is the upper limit. `Used memory` is the current size of the balloon, not what the guest uses.\n",
        Options = [DomainArgument.Any],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        CancellationToken cancellationToken = invocation.CancellationToken;
        Domain domain = await invocation.FindDomainAsync();
        Write(invocation, "Id", IdentityCommands.Format(domain));
        Write(invocation, "Name", SafeText.Escape(domain.Name));
        Write(invocation, "UUID", domain.Uuid.ToString());
        if (await AskAsync<string?>(async () => await domain.GetOSTypeAsync(cancellationToken)) is { } osType)
            Write(invocation, "OS Type", SafeText.Escape(osType));

        DomainInfo info = await domain.GetInfoAsync(cancellationToken);
        Write(invocation, "State", info.State.Label());
        Write(invocation, "CPU(s)", info.VirtualCpus.ToString(CultureInfo.InvariantCulture));
        if (info.CpuTime > TimeSpan.Zero)
            Write(invocation, "CPU time", string.Create(CultureInfo.InvariantCulture, $"{info.CpuTime.TotalSeconds:F1}s"));
        Write(invocation, "Max memory", string.Create(CultureInfo.InvariantCulture, $"{info.MaxMemoryKiB} KiB"));
        Write(invocation, "Used memory", await KnowsSizeAsync(domain, info, cancellationToken)
            ? string.Create(CultureInfo.InvariantCulture, $"{info.MemoryKiB} KiB")
            : YesNo(null));

        Write(invocation, "Persistent", YesNo(await AskAsync<bool?>(async () => await domain.IsPersistentAsync(cancellationToken))));
        if (await AskAsync<bool?>(async () => await domain.GetAutostartAsync(cancellationToken)) is { } autostart)
            Write(invocation, "Autostart", autostart ? "enable" : "disable");
        Write(invocation, "Managed save", YesNo(await AskAsync<bool?>(async () => await domain.HasManagedSaveImageAsync(cancellationToken))));
        await WriteSecurityAsync(invocation, domain);
        string name = "Messages";
        foreach (string message in await AskAsync<IReadOnlyList<string>>(async () => await domain.GetMessagesAsync(cancellationToken: cancellationToken)) ?? [])
        {
            Write(invocation, name, SafeText.Escape(message));
            name = "";
        }
    }

    // libvirt's call says the maximum where nobody knows the size; in the statistics it is left out then.
    private static async ValueTask<bool> KnowsSizeAsync(Domain domain, DomainInfo info, CancellationToken cancellationToken)
    {
        if (info.MemoryKiB != info.MaxMemoryKiB)
            return true;
        IReadOnlyList<DomainStatsRecord>? records = await AskAsync<IReadOnlyList<DomainStatsRecord>>(
            async () => await domain.Connection.GetDomainStatsAsync([domain], DomainStatsGroups.Balloon, DomainStatsFlags.NoWait, cancellationToken));
        return records is not [var record] || !Has("balloon.maximum") || Has("balloon.current");

        bool Has(string field) => record.Parameters.Any(parameter => parameter.Field == field);
    }

    private static async ValueTask WriteSecurityAsync(CommandInvocation invocation, Domain domain)
    {
        SecurityModel model;
        try
        {
            model = await invocation.Connection.GetSecurityModelAsync(invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code is ErrorCode.NoSupport)
        {
            return;
        }

        if (model.Model.Length == 0)
            return;
        Write(invocation, "Security model", SafeText.Escape(model.Model));
        Write(invocation, "Security DOI", SafeText.Escape(model.DomainOfInterpretation));
        SecurityLabel label = await domain.GetSecurityLabelAsync(invocation.CancellationToken);
        if (label.Label.Length > 0)
            Write(invocation, "Security label", $"{SafeText.Escape(label.Label)} ({(label.IsEnforcing ? "enforcing" : "permissive")})");
    }

    private static void Write(CommandInvocation invocation, string name, string value) =>
        invocation.Out.WriteLine($"{(name.Length > 0 ? name + ":" : ""),-15} {value}");

    private static string YesNo(bool? value) => value switch
    {
        true => "yes",
        false => "no",
        null => "unknown",
    };

    // One fact that cannot be had does not cost the others. A daemon that did not answer in time would keep us waiting for each.
    private static async ValueTask<T?> AskAsync<T>(Func<ValueTask<T>> question)
    {
        try
        {
            return await question();
        }
        catch (LibvirtException e) when (e.Code is not ErrorCode.OperationTimeout)
        {
            return default;
        }
    }
}
