using System.Text.Json;
using Ballast.Balance.Recording;
using Ballast.Cli.Json;
using Ballast.Cli.Output;

namespace Ballast.Cli.Balance;

/// <summary>What policies would have wished, for programs, an object a line: docs/cli-json.md.</summary>
internal static class ReplayDocument
{
    public static void Write(TextOutput output, Replay replay, int? seconds)
    {
        foreach (ReplayResult result in replay.Policies)
        {
            using (Utf8JsonWriter json = new(output))
            {
                json.WriteStartObject();
                json.WriteString("policy", result.Policy);
                JsonOutput.WriteNumber(json, "period", (ulong?)seconds);
                WriteRecord(json, replay);
                WriteFigures(json, result);
                json.WriteStartArray("guests");
                foreach (ReplayedGuest guest in result.Guests)
                    Write(json, guest);
                json.WriteEndArray();
                json.WriteStartArray("worst");
                foreach (WrongWish wrong in result.Worst)
                    Write(json, replay, wrong);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            output.WriteLine("");
        }
    }

    private static void WriteRecord(Utf8JsonWriter json, Replay replay)
    {
        json.WriteStartObject("record");
        json.WriteString("started", replay.Header.Started.UtcDateTime);
        json.WriteNumber("seconds", Math.Round(replay.Seconds, 3));
        json.WriteNumber("samples", replay.Looks);
        json.WriteNumber("failed", replay.Missed);
        json.WriteString("end", replay.End switch
        {
            RecordEnd.Interrupted => "interrupted",
            RecordEnd.Complete => "complete",
            RecordEnd.Full => "full",
            _ => "cut",
        });
        json.WriteEndObject();
    }

    private static void WriteFigures(Utf8JsonWriter json, ReplayResult result)
    {
        json.WriteNumber("decisions", result.Decisions);
        JsonOutput.WriteNumber(json, "given_mib", (double?)result.GivenMib);
        JsonOutput.WriteNumber(json, "given_mib_hours", (double?)result.GivenMibHours);
        JsonOutput.WriteNumber(json, "returned_mib", (double?)result.ReturnedMib);
        JsonOutput.WriteNumber(json, "grown_mib", (double?)result.GrownMib);
        JsonOutput.WriteNumber(json, "moved_mib", (double?)result.MovedMib);
        json.WriteNumber("wrong", result.Wrong);
        JsonOutput.WriteNumber(json, "worst_mib", (double?)result.WorstMib);
        JsonOutput.WriteNumber(json, "longest_seconds", (double?)result.LongestSeconds);
        JsonOutput.WriteNumber(json, "wrong_seconds", (double?)result.WrongSeconds);
        JsonOutput.WriteNumber(json, "wrong_percent", (double?)result.WrongPercent);
    }

    private static void Write(Utf8JsonWriter json, ReplayedGuest guest)
    {
        json.WriteStartObject();
        json.WriteString("name", guest.Name);
        json.WriteString("uuid", guest.Uuid);
        JsonOutput.WriteNumber(json, "seconds", (double?)guest.Seconds);
        JsonOutput.WriteNumber(json, "known_seconds", (double?)guest.KnownSeconds);
        JsonOutput.WriteNumber(json, "balloon_mib", (double?)guest.BalloonMib);
        JsonOutput.WriteNumber(json, "wish_mib", (double?)guest.WishMib);
        JsonOutput.WriteNumber(json, "least_wish_mib", (double?)guest.LeastWishMib);
        JsonOutput.WriteNumber(json, "most_needed_mib", guest.MostNeededMib);
        JsonOutput.WriteNumber(json, "given_mib", (double?)guest.GivenMib);
        json.WriteNumber("wrong", guest.Wrong);
        JsonOutput.WriteNumber(json, "worst_mib", (double?)guest.WorstMib);
        JsonOutput.WriteNumber(json, "longest_seconds", (double?)guest.LongestSeconds);
        JsonOutput.WriteNumber(json, "wrong_seconds", (double?)guest.WrongSeconds);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Replay replay, WrongWish wrong)
    {
        json.WriteStartObject();
        json.WriteString("name", wrong.Guest);
        json.WriteString("time", (replay.Header.Started + TimeSpan.FromSeconds(wrong.Time)).UtcDateTime);
        JsonOutput.WriteNumber(json, "seconds", (double?)wrong.Seconds);
        JsonOutput.WriteNumber(json, "wish_mib", (double?)wrong.WishMib);
        JsonOutput.WriteNumber(json, "needed_mib", (double?)wrong.NeededMib);
        json.WriteString("reason", wrong.Reason);
        json.WriteEndObject();
    }
}
