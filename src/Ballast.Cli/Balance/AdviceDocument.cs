using System.Text.Json;
using Ballast.Balance;
using Ballast.Balance.Advice;
using Ballast.Cli.Json;
using Ballast.Cli.Output;

namespace Ballast.Cli.Balance;

/// <summary>Advice for programs, an object a line: docs/cli-json.md.</summary>
internal static class AdviceDocument
{
    private const double KiB = 1024;

    public static void Write(
        TextOutput output, DateTimeOffset time, string policy, HostAdvice advice, IReadOnlyList<GuestAdvice> shown,
        IReadOnlyDictionary<Guid, DomainStateInfo?> states)
    {
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            json.WriteString("time", time.UtcDateTime);
            json.WriteString("policy", policy);
            WriteHost(json, advice);
            json.WriteStartArray("guests");
            foreach (GuestAdvice guest in shown)
                Write(json, guest, states.GetValueOrDefault(guest.Guest.Domain.Uuid));
            json.WriteEndArray();
            json.WriteStartArray("outcomes");
            foreach (AdviceOutcome outcome in advice.Outcomes)
                Write(json, outcome);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine("");
    }

    private static void WriteHost(Utf8JsonWriter json, HostAdvice advice)
    {
        HostState host = advice.Host;
        WriteSize(json, "budget_kib", advice.Budget);
        WriteSize(json, "memory_kib", host.Memory);
        WriteSize(json, "overhead_kib", host.Overhead);
        WriteSize(json, "reserve_kib", host.Reserve);
        WriteSize(json, "free_kib", host.Free);
        WriteSize(json, "balloons_kib", advice.Balloons);
        WriteSize(json, "gain_kib", advice.Gain);
        WriteSize(json, "possible_gain_kib", advice.PossibleGain);
        WriteSize(json, "short_kib", advice.Short);
        WriteSize(json, "given_kib", advice.Given);
        HostMemory memory = advice.Memory;
        JsonOutput.WriteNumber(json, "host_pressure_some", memory.SomePressure?.Last60Seconds);
        JsonOutput.WriteNumber(json, "host_pressure_full", memory.FullPressure?.Last60Seconds);
        JsonOutput.WriteNumber(json, "host_swapped_kib", memory.SwapTotalKiB - memory.SwapFreeKiB);
    }

    private static void Write(Utf8JsonWriter json, GuestAdvice guest, DomainStateInfo? state)
    {
        json.WriteStartObject();
        JsonOutput.WriteDomain(json, guest.Guest.Domain);
        json.WriteString("advice", guest.Kind.Label());
        WriteSize(json, "balloon_kib", guest.Balloon);
        WriteSize(json, "target_kib", guest.Target);
        WriteSize(json, "gain_kib", guest.Gain);
        WriteSize(json, "possible_gain_kib", guest.PossibleGain);
        json.WriteBoolean("is_gain_certain", guest.IsGainCertain);
        WriteSize(json, "short_kib", guest.Short);
        json.WriteBoolean("is_short", guest.IsShort);
        json.WriteString("risk", guest.Risk.Label());
        JsonOutput.WriteTextOrNull(json, "cost", guest.Cost);
        json.WriteString("reason", guest.Reason);
        JsonOutput.WriteNumber(json, "guard", (ulong?)(int?)guest.BoundBy);
        JsonOutput.WriteTextOrNull(json, "bound", guest.Bound);
        json.WriteBoolean("are_limits_known", guest.AreLimitsKnown);
        JsonOutput.WriteTextOrNull(json, "remedy", $"{AdviceText.Remedy(guest, state)}");
        JsonOutput.WriteTextOrNull(json, "command", AdviceText.Command(guest));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AdviceOutcome outcome)
    {
        json.WriteStartObject();
        JsonOutput.WriteDomain(json, outcome.Guest.Domain);
        json.WriteBoolean("is_followed", outcome.IsFollowed);
        json.WriteString("text", outcome.Text);
        json.WriteEndObject();
    }

    private static void WriteSize(Utf8JsonWriter json, string name, double? mib) =>
        JsonOutput.WriteNumber(json, name, mib is { } size ? (ulong)Math.Round(Math.Max(0, size) * KiB) : (ulong?)null);
}
