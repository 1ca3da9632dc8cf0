using System.Globalization;
using System.Text.Json;
using Ballast.Balance.Guards;
using Ballast.Balance.Policies;
using Ballast.Balance.Simulation;
using Ballast.Cli.Charts;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Files;

namespace Ballast.Cli.Commands;

/// <summary>Policies beside each other on a model of a host.</summary>
internal static class BalanceSimulate
{
    public const string Name = "simulate", All = "all";

    public const int DefaultSeconds = 10;

    private const int MaxFileBytes = 64 * 1024 * 1024;

    public static CommandOption Svg { get; } = new("svg", OptionKind.Text, $"draw a chart of one policy (default: {BalloonPolicies.Ours}) into this file")
    {
        Completes = ValueCompletion.File,
    };

    public static CommandOption Guarded { get; } = new("guarded", OptionKind.Flag, "apply the guards that protect real balloons");

    public static async Task ExecuteAsync(CommandInvocation invocation, string file, string? policyName, int? seconds, bool isJson)
    {
        string? chart = invocation.Arguments.Text(Svg);
        IReadOnlyList<string> policies = ReadPolicies(policyName ?? (chart is null ? All : BalloonPolicies.Ours));
        if (chart is not null && policies.Count > 1)
            throw new CommandException("a chart shows one policy; name it with --policy");
        int period = seconds ?? DefaultSeconds;
        GuardLimits? guards = invocation.Arguments.Has(Guarded) ? new() : null;
        Scenario scenario = await ReadScenarioAsync(file, invocation.CancellationToken);
        TextTable table = new("Policy", "Stall %", "Worst %", "Host swap MiB", "Idle %", "Moved MiB");
        foreach (string policy in policies)
        {
            SimulationHistory? history = chart is null ? null : new(scenario.Guests.Count, scenario.Seconds);
            SimulationResult result = Simulator.Run(scenario, policy, period, history, guards, invocation.CancellationToken);
            if (history is not null)
                WriteChart(chart!, SimulationChart.Draw(scenario, result, history));
            if (invocation.IsDocument = isJson)
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
            throw new CommandException($"cannot read {path}: {FileTrouble.Why(path, e)}");
        }
    }

    private static void WriteChart(string path, byte[] svg)
    {
        try
        {
            File.WriteAllBytes(path, svg);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot write {path}: {FileTrouble.Why(path, e)}");
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
                throw new InvalidDataException($"larger than {MaxFileBytes / 1024 / 1024} MiB: it is not a scenario");
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
