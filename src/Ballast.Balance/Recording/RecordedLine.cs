using System.Globalization;
using System.Text.Json;
using Ballast.Balance.Advice;

namespace Ballast.Balance.Recording;

/// <summary>The lines of a record as they are read: what <see cref="RecordDocument"/> writes.</summary>
internal static class RecordedLine
{
    public static RecordHeader ReadHeader(JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object || !line.TryGetProperty(RecordFormat.Mark, out JsonElement version))
            throw new InvalidDataException($"it is not a record of a host: there is no '{RecordFormat.Mark}'");
        if (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number) || number != RecordFormat.Version)
            throw new InvalidDataException($"its version is {version.GetRawText()}, and this program reads {RecordFormat.Version}: use a ballast that is as new as the one that wrote it");
        RecordMembers members = RecordMembers.Object(line, "the line");
        return new RecordHeader(members.Moment("started"), members.TextOrNull("uri"), members.TextOrNull("cgroup"));
    }

    public static RecordedLook ReadLook(RecordMembers members, double time)
    {
        JsonElement list = members.List("guests", RecordFormat.MaxGuests);
        List<GuestFacts> guests = new(list.GetArrayLength());
        HashSet<Guid> known = [];
        foreach (JsonElement one in list.EnumerateArray())
        {
            string what = string.Create(CultureInfo.InvariantCulture, $"guest {guests.Count + 1}");
            GuestFacts guest = ReadGuest(RecordMembers.Object(one, what));
            if (!known.Add(guest.Uuid))
                throw new InvalidDataException($"{what} is there twice");
            guests.Add(guest);
        }

        return new RecordedLook(time, ReadHost(members.Members("host")), guests);
    }

    private static HostMemory ReadHost(RecordMembers members) => new()
    {
        Reason = RecordWords.Reason(members.TextOrNull("reason")),
        TotalKiB = members.KiB("total_kib"),
        FreeKiB = members.KiB("free_kib"),
        AvailableKiB = members.KiB("available_kib"),
        SwapTotalKiB = members.KiB("swap_total_kib"),
        SwapFreeKiB = members.KiB("swap_free_kib"),
        MergedKiB = members.KiB("merged_kib"),
        SomePressure = ReadPressure(members.Numbers("pressure_some", 4)),
        FullPressure = ReadPressure(members.Numbers("pressure_full", 4)),
        Group = members.MembersOrNull("group") is { } group
            ? new MemoryGroup(group.KiB("max_kib"), group.KiB("high_kib"), group.KiB("current_kib"))
            {
                UnreclaimableKiB = group.KiB("unreclaimable_kib"),
                HasUnknownLimits = group.Flag("has_unknown_limits") == true,
            }
            : null,
    };

    private static MemoryPressure? ReadPressure(double[]? numbers) =>
        numbers is [var ten, var sixty, var threeHundred, var total] ? new MemoryPressure(ten, sixty, threeHundred, TimeSpan.FromSeconds(total)) : null;

    private static MemoryGroupLimit? ReadLimits(RecordMembers members)
    {
        MemoryGroupLimit? nearest = null;
        foreach (JsonElement one in members.ListOrNull("group_limits", RecordFormat.MaxLevels)?.EnumerateArray().Reverse() ?? [])
        {
            RecordMembers limit = RecordMembers.Object(one, "a limit of 'group_limits'");
            int levels = (int)(limit.Whole("levels", RecordFormat.MaxLevels - 1) ?? throw limit.Missing("levels"));
            nearest = new MemoryGroupLimit(levels, limit.KiB("limit_kib") ?? throw limit.Missing("limit_kib"), limit.KiB("unreclaimable_kib"), nearest);
        }

        return nearest;
    }

    private static GuestFacts ReadGuest(RecordMembers members) => new()
    {
        Name = members.Text("name"),
        Uuid = members.Uuid("uuid"),
        Id = (int?)members.Whole("id", int.MaxValue),
        Reason = RecordWords.Reason(members.TextOrNull("reason")),
        PauseCause = RecordWords.Find<PauseCause>(members.TextOrNull("pause_cause"), RecordWords.Of) ?? PauseCause.Unknown,
        Inconsistencies = unchecked((MemoryStatsInconsistency)(uint)(members.Whole("inconsistencies", uint.MaxValue) ?? 0)),
        Reported = (long?)members.Whole("last_update", RecordFormat.MaxReported),
        AgeSeconds = members.Seconds("age_seconds"),
        BalloonKiB = members.KiB("balloon_kib"),
        OtherAtReportKiB = members.KiB("balloon_at_report_kib"),
        MaximumKiB = members.KiB("maximum_kib"),
        ResidentKiB = members.KiB("resident_kib"),
        AvailableKiB = members.KiB("available_kib"),
        UnusedKiB = members.KiB("unused_kib"),
        UsableKiB = members.KiB("usable_kib"),
        DiskCachesKiB = members.KiB("disk_caches_kib"),
        SwapInKiB = members.Whole("swap_in_kib", RecordFormat.MaxCounter),
        SwapOutKiB = members.Whole("swap_out_kib", RecordFormat.MaxCounter),
        MajorFaults = members.Whole("major_faults", RecordFormat.MaxCounter),
        UsedKiB = members.KiB("used_kib"),
        TotalStays = members.Flag("total_stays") == true,
        SwappedKiB = members.KiB("swapped_kib"),
        LockedKiB = members.KiB("locked_kib"),
        PinnedKiB = members.KiB("pinned_kib"),
        HugePagesKiB = members.KiB("huge_pages_kib"),
        MergedKiB = members.KiB("merged_kib"),
        ReportsFreePages = members.Flag("reports_free_pages"),
        DeflatesOnOom = members.Flag("deflates_on_oom"),
        RunSeconds = members.Seconds("run_seconds"),
        GroupPath = members.TextOrNull("group", RecordFormat.MaxPath),
        NearestLimit = ReadLimits(members),
        AreLimitsUnknown = members.Flag("has_unknown_limits") == true,
        HasJob = members.Flag("is_job_unknown") == true ? null : members.Flag("has_job") == true,
        HasNotAnswered = members.Flag("has_not_answered") == true,
    };
}
