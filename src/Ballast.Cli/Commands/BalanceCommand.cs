using System.Globalization;
using System.Text.Json;
using Ballast.Balance.Simulation;
using Ballast.Cli.Charts;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>Balloon policies, before anybody trusts them.</summary>
internal static class BalanceCommand
{
    private const int DefaultSeconds = 10, MaxFileBytes = 64 * 1024 * 1024;
    private const string Simulate = "simulate", All = "all", Ours = "ballast";

    private static readonly CommandOption Action = new("action", OptionKind.Text, "what to do: simulate")
    {
        IsPositional = true,
        IsRequired = true,
        Values = () => [Simulate],
    };

    private static readonly CommandOption File = new("file", OptionKind.Text, "a scenario: what happens to a host and its guests")
    {
        IsPositional = true,
        IsRequired = true,
        Completes = ValueCompletion.File,
    };

    private static readonly CommandOption Policy = new("policy", OptionKind.Text, $"one policy, or {All} (default)")
    {
        Values = () => [All, .. Simulator.Policies],
    };

    private static readonly CommandOption Period = new("period", OptionKind.Int, $"seconds between two decisions (default: {DefaultSeconds})");
    private static readonly CommandOption Json = new("json", OptionKind.Flag, "write a JSON object per policy, not rounded");

    private static readonly CommandOption Svg = new("svg", OptionKind.Text, "draw a chart of one policy (default: ballast) into this file")
    {
        Completes = ValueCompletion.File,
    };

    public static Command Command { get; } = new("balance", "compare balloon policies on a model of a host")
    {
        Description =
            $"""
            `balance simulate FILE` runs a scenario with each policy and writes one line per policy:
              Stall       the share of the time for which guests stalled, because they or the host swapped or because
                          files that they work on did not fit into their caches; the mean of the guests
              Worst       the same of the guest that fared worst
              Host swap   what lay in the host's swap, on average
              Idle        the share of the host's memory that lay idle, on average
              Moved       how far balloons moved
            Nothing on a real host is read or changed. docs/balancing.md describes the model and its scenarios.

            Policies: {string.Join(", ", Simulator.Policies.Take(4))},
            {string.Join(", ", Simulator.Policies.Skip(4))}. static never moves a balloon; oracle knows what guests
            will need until the next decision; ballast is ours.

            """,
        Options = [Action, File, Policy, Period, Json, Svg],
        NeedsConnection = false,
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        if (arguments.Text(Action) is { } action and not Simulate)
            throw NearestName.Unknown("action", action, [Simulate]);
        string? chart = arguments.Text(Svg);
        IReadOnlyList<string> policies = ReadPolicies(arguments.Text(Policy) ?? (chart is null ? All : Ours));
        if (chart is not null && policies.Count > 1)
            throw new CommandException("a chart shows one policy; name it with --policy");
        int period = (int)Math.Min(arguments.Positive(Period) ?? DefaultSeconds, int.MaxValue);
        Scenario scenario = await ReadScenarioAsync(arguments.Text(File)!, invocation.CancellationToken);
        TextTable table = new("Policy", "Stall %", "Worst %", "Host swap MiB", "Idle %", "Moved MiB");
        foreach (string policy in policies)
        {
            SimulationHistory? history = chart is null ? null : new(scenario.Guests.Count, scenario.Seconds);
            SimulationResult result = Simulator.Run(scenario, policy, period, history, invocation.CancellationToken);
            if (history is not null)
                WriteChart(chart!, SimulationChart.Draw(scenario, result, history));
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

    private static void WriteChart(string path, byte[] svg)
    {
        try
        {
            System.IO.File.WriteAllBytes(path, svg);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot write {path}: {e.Message}");
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
