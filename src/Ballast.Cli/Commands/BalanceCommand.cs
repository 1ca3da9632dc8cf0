using System.Globalization;
using System.Text.Json;
using Ballast.Balance.Policies;
using Ballast.Balance.Simulation;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Balloon policies, before anybody trusts them, and advice on real guests.</summary>
internal static class BalanceCommand
{
    private const int DefaultSeconds = 10, MaxFileBytes = 64 * 1024 * 1024;
    private const string Simulate = "simulate", All = "all";

    private static readonly string[] Actions = [BalanceAdvise.Name, BalanceLog.Name, Simulate];

    private static readonly CommandOption Action = new("action", OptionKind.Text, $"what to do: {string.Join(", ", Actions)}")
    {
        IsPositional = true,
        IsRequired = true,
        Values = () => Actions,
    };

    private static readonly CommandOption What = new("file", OptionKind.RepeatedText, "domains to advise on (default: all), a scenario to simulate, or a log")
    {
        IsPositional = true,
        Completes = ValueCompletion.File,
    };

    private static readonly CommandOption Policy = new("policy", OptionKind.Text, $"one policy; default: {BalloonPolicies.Ours} to advise, {All} to simulate")
    {
        Values = () => [All, .. Simulator.Policies],
    };

    private static readonly CommandOption Period = new("period", OptionKind.Int, $"seconds between two decisions (default: {DefaultSeconds} to simulate; to advise, as it seems fit)");
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write a JSON object per line");

    public static Command Command { get; } = new("balance", "say which guests could give memory, and compare balloon policies")
    {
        Description =
            $"""
            `balance advise [DOMAIN…]` says which guests could give memory now, at what risk, and which are short of
            it. Each line has its reason, the guard that bounds it, and the command to follow. Nothing is changed. It
            looks twice, some seconds apart, because rates need two reports. Guests whose numbers cannot be relied
            upon, or whose balloon would give the host nothing back, are named and left alone. --watch goes on, and
            says what came of advice that was followed.

            `balance log [FILE]` shows the advice that ballastd logged, if its configuration has balance = "advise"
            (default: {BalanceLog.DefaultFile}).

            `balance simulate FILE` runs a scenario with each policy and writes one line per policy:
              Stall       the share of the time for which guests stalled, because they or the host swapped or because
                          files that they work on did not fit into their caches; the mean of the guests
              Worst       the same of the guest that fared worst
              Host swap   what lay in the host's swap, on average
              Idle        the share of the host's memory that lay idle, on average
              Moved       how far balloons moved
            Nothing on a real host is read or changed. docs/balancing.md describes advice, guards and the model.

            Policies: {string.Join(", ", Simulator.Policies.Take(4))},
            {string.Join(", ", Simulator.Policies.Skip(4))}. static never moves a balloon; oracle knows what guests
            will need until the next decision; ballast is ours.

            """,
        Options = [Action, What, Policy, Period, BalanceAdvise.Budget, BalanceAdvise.Group, BalanceAdvise.Watch, Json],
        NeedsConnection = false,
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        string action = arguments.Text(Action)!;
        if (!Actions.Contains(action))
            throw NearestName.Unknown("action", action, Actions);
        int? seconds = arguments.Positive(Period);
        if (action == BalanceAdvise.Name)
        {
            await BalanceAdvise.ExecuteAsync(invocation, [.. arguments.Texts(What)], arguments.Text(Policy), seconds, arguments.Has(Json));
            return;
        }

        foreach (CommandOption foreign in (CommandOption[])[BalanceAdvise.Budget, BalanceAdvise.Group, BalanceAdvise.Watch])
        {
            if (arguments.Has(foreign))
                throw new CommandException($"option --{foreign.Name} is for {BalanceAdvise.Name}");
        }

        string[] files = [.. arguments.Texts(What)];
        if (files is [_, var more, ..])
            throw new CommandException($"unexpected data '{more}'");
        if (action == BalanceLog.Name)
        {
            await BalanceLog.ExecuteAsync(invocation, files.FirstOrDefault(), arguments.Has(Json));
            return;
        }

        string file = files.FirstOrDefault() ?? throw new CommandException($"command 'balance' requires <{What.Name}> option");
        IReadOnlyList<string> policies = ReadPolicies(arguments.Text(Policy) ?? All);
        int period = seconds ?? DefaultSeconds;
        Scenario scenario = await ReadScenarioAsync(file, invocation.CancellationToken);
        TextTable table = new("Policy", "Stall %", "Worst %", "Host swap MiB", "Idle %", "Moved MiB");
        foreach (string policy in policies)
        {
            SimulationResult result = Simulator.Run(scenario, policy, period, cancellationToken: invocation.CancellationToken);
            if (invocation.IsDocument = arguments.Has(Json))
                WriteJson(invocation.Out, result);
            else
                table.AddRow(Row(result));
        }

        if (!invocation.IsDocument)
            table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
    }

    private static IReadOnlyList<string> ReadPolicies(string name) =>
        name == All ? Simulator.Policies
        : Simulator.Policies.Contains(name) ? [name]
        : throw NearestName.Unknown("policy", name, [All, .. Simulator.Policies]);

    private static async Task<Scenario> ReadScenarioAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            // To open a pipe waits until somebody writes.
            byte[] json = await Task.Run(() => ReadFile(path), CancellationToken.None).WaitAsync(cancellationToken);
            return ScenarioReader.Read(json);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException($"{path}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read {path}: {e.Message}");
        }
    }

    private static byte[] ReadFile(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        using MemoryStream read = new();
        byte[] buffer = new byte[64 * 1024];
        while (file.Read(buffer) is > 0 and var count)
        {
            read.Write(buffer, 0, count);
            if (read.Length > MaxFileBytes)
                throw new InvalidDataException($"larger than {MaxFileBytes / 1024 / 1024} MiB: it is no scenario");
        }

        return read.ToArray();
    }

    private static string[] Row(SimulationResult result) =>
    [
        result.Policy, Rounded(result.StallPercent, "F1"), Rounded(result.WorstGuestPercent, "F1"), Rounded(result.HostSwapMib, "F0"),
        Rounded(result.HostIdlePercent, "F1"), Rounded(result.MovedMib, "F0"),
    ];

    private static string Rounded(double figure, string format) => figure.ToString(format, CultureInfo.InvariantCulture);

    private static void WriteJson(TextOutput output, SimulationResult result)
    {
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            json.WriteString("policy", result.Policy);
            json.WriteNumber("period", result.Period);
            json.WriteNumber("stall_percent", result.StallPercent);
            json.WriteNumber("worst_guest_percent", result.WorstGuestPercent);
            json.WriteNumber("host_swap_mib", result.HostSwapMib);
            json.WriteNumber("host_idle_percent", result.HostIdlePercent);
            json.WriteNumber("moved_mib", result.MovedMib);
            json.WriteEndObject();
        }

        output.WriteLine("");
    }
}
