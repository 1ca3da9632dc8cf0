using System.Text.Json;
using Ballast.Balance.Advice;

namespace Ballast.Balance.Recording;

/// <summary>The lines of a record as they are written. What is not known is left out.</summary>
internal static class RecordDocument
{
    public static void WriteHeader(Utf8JsonWriter json, RecordHeader header)
    {
        json.WriteStartObject();
        json.WriteNumber(RecordFormat.Mark, RecordFormat.Version);
        json.WriteString("started", header.Started.UtcDateTime);
        Write(json, "uri", header.Uri);
        Write(json, "cgroup", header.ControlGroup);
        json.WriteEndObject();
    }

    public static void WriteLook(Utf8JsonWriter json, double time, HostMemory host, IEnumerable<GuestFacts> guests)
    {
        json.WriteStartObject();
        json.WriteNumber("time", Rounded(time));
        json.WriteStartObject("host");
        Write(json, host);
        json.WriteEndObject();
        json.WriteStartArray("guests");
        foreach (GuestFacts guest in guests)
            Write(json, guest);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>A look that failed.</summary>
    public static void WriteMissed(Utf8JsonWriter json, double time, string reason)
    {
        json.WriteStartObject();
        json.WriteNumber("time", Rounded(time));
        json.WriteString("missed", reason);
        json.WriteEndObject();
    }

    public static void WriteEnd(Utf8JsonWriter json, double time, RecordEnd end)
    {
        json.WriteStartObject();
        json.WriteNumber("time", Rounded(time));
        json.WriteString("end", RecordWords.Of(end));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, HostMemory host)
    {
        json.WriteString("reason", host.Reason.Label());
        Write(json, "total_kib", host.TotalKiB);
        Write(json, "free_kib", host.FreeKiB);
        Write(json, "available_kib", host.AvailableKiB);
        Write(json, "swap_total_kib", host.SwapTotalKiB);
        Write(json, "swap_free_kib", host.SwapFreeKiB);
        Write(json, "merged_kib", host.MergedKiB);
        Write(json, "pressure_some", host.SomePressure);
        Write(json, "pressure_full", host.FullPressure);
        if (host.Group is not { } group)
            return;
        json.WriteStartObject("group");
        Write(json, "max_kib", group.MaxKiB);
        Write(json, "high_kib", group.HighKiB);
        Write(json, "current_kib", group.CurrentKiB);
        Write(json, "unreclaimable_kib", group.UnreclaimableKiB);
        WriteIf(json, "has_unknown_limits", group.HasUnknownLimits);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, GuestFacts guest)
    {
        json.WriteStartObject();
        json.WriteString("name", guest.Name);
        json.WriteString("uuid", guest.Uuid);
        if (guest.Id is { } id and >= 0)
            json.WriteNumber("id", id);
        json.WriteString("reason", guest.Reason.Label());
        if (guest.PauseCause != PauseCause.Unknown)
            json.WriteString("pause_cause", RecordWords.Of(guest.PauseCause));
        if (guest.Inconsistencies != MemoryStatsInconsistency.None)
            json.WriteNumber("inconsistencies", unchecked((uint)guest.Inconsistencies));
        if (guest.Reported is { } reported and >= 0 and <= (long)RecordFormat.MaxReported)
            json.WriteNumber("last_update", reported);
        WriteSeconds(json, "age_seconds", guest.AgeSeconds);
        Write(json, "balloon_kib", guest.BalloonKiB);
        Write(json, "balloon_at_report_kib", guest.OtherAtReportKiB);
        Write(json, "maximum_kib", guest.MaximumKiB);
        Write(json, "resident_kib", guest.ResidentKiB);
        Write(json, "available_kib", guest.AvailableKiB);
        Write(json, "unused_kib", guest.UnusedKiB);
        Write(json, "usable_kib", guest.UsableKiB);
        Write(json, "disk_caches_kib", guest.DiskCachesKiB);
        WriteCounter(json, "swap_in_kib", guest.SwapInKiB);
        WriteCounter(json, "swap_out_kib", guest.SwapOutKiB);
        WriteCounter(json, "major_faults", guest.MajorFaults);
        Write(json, "used_kib", guest.UsedKiB);
        WriteIf(json, "total_stays", guest.TotalStays);
        Write(json, "swapped_kib", guest.SwappedKiB);
        Write(json, "locked_kib", guest.LockedKiB);
        Write(json, "pinned_kib", guest.PinnedKiB);
        Write(json, "huge_pages_kib", guest.HugePagesKiB);
        Write(json, "merged_kib", guest.MergedKiB);
        Write(json, "reports_free_pages", guest.ReportsFreePages);
        Write(json, "deflates_on_oom", guest.DeflatesOnOom);
        WriteSeconds(json, "run_seconds", guest.RunSeconds);
        Write(json, "group", guest.GroupPath?.Length <= RecordFormat.MaxPath ? guest.GroupPath : null);
        WriteLimits(json, guest.NearestLimit);
        WriteIf(json, "has_unknown_limits", guest.AreLimitsUnknown);
        WriteIf(json, "has_job", guest.HasJob == true);
        WriteIf(json, "is_job_unknown", guest.HasJob is null);
        WriteIf(json, "has_not_answered", guest.HasNotAnswered);
        json.WriteEndObject();
    }

    private static void WriteLimits(Utf8JsonWriter json, MemoryGroupLimit? nearest)
    {
        if (nearest is null)
            return;
        json.WriteStartArray("group_limits");
        for (MemoryGroupLimit? limit = nearest; limit is not null; limit = limit.Next)
        {
            if (limit is not { Levels: >= 0 and < RecordFormat.MaxLevels, LimitKiB: <= RecordFormat.MaxKiB })
                continue;
            json.WriteStartObject();
            json.WriteNumber("levels", limit.Levels);
            json.WriteNumber("limit_kib", limit.LimitKiB);
            Write(json, "unreclaimable_kib", limit.UnreclaimableKiB);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // What no reader takes is not known either: whoever answers may say anything.
    private static void Write(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } known and <= RecordFormat.MaxKiB)
            json.WriteNumber(name, known);
    }

    private static void WriteIf(Utf8JsonWriter json, string name, bool isSo)
    {
        if (isSo)
            json.WriteBoolean(name, true);
    }

    private static void WriteCounter(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } known)
            json.WriteNumber(name, known);
    }

    private static void WriteSeconds(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } known && IsNumber(known))
            json.WriteNumber(name, Rounded(known));
    }

    private static bool IsNumber(double value) => value is >= 0 and <= RecordFormat.MaxSeconds;

    private static void Write(Utf8JsonWriter json, string name, bool? value)
    {
        if (value is { } known)
            json.WriteBoolean(name, known);
    }

    private static void Write(Utf8JsonWriter json, string name, string? value)
    {
        if (value is { } known)
            json.WriteString(name, known);
    }

    // The kernel's own figures: three means and a sum.
    private static void Write(Utf8JsonWriter json, string name, MemoryPressure? pressure)
    {
        if (pressure is not { } known || !IsNumber(known.Last10Seconds) || !IsNumber(known.Last60Seconds) || !IsNumber(known.Last300Seconds) || !IsNumber(known.Total.TotalSeconds))
            return;
        json.WriteStartArray(name);
        json.WriteNumberValue(known.Last10Seconds);
        json.WriteNumberValue(known.Last60Seconds);
        json.WriteNumberValue(known.Last300Seconds);
        json.WriteNumberValue(known.Total.TotalSeconds);
        json.WriteEndArray();
    }

    private static double Rounded(double seconds) => Math.Round(seconds, 3);
}
