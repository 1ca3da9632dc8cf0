using System.Globalization;

namespace Ballast.Cli.Commands;

/// <summary>A job's numbers in virsh's words.</summary>
internal static class JobLines
{
    private static readonly string[] Operations =
    [
        "Unknown", "Start", "Save", "Restore", "Incoming migration", "Outgoing migration", "Snapshot", "Snapshot revert", "Dump", "Backup", "Snapshot delete",
    ];

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    private enum Form
    {
        /// <summary>A number and a word.</summary>
        Number,

        /// <summary>A size, with a unit that fits.</summary>
        Size,

        /// <summary>The same, a second.</summary>
        Speed,
    }

    /// <summary>The job; without its numbers where it is over, or there is none.</summary>
    public static IEnumerable<string> Of(DomainJobStats job, bool withNumbers)
    {
        yield return Line("Job type:", $"{job.Type,-12}");
        if (!withNumbers)
            yield break;
        Dictionary<string, TypedParameter> fields = [];
        foreach (TypedParameter field in job.Parameters)
            fields[field.Field] = field;
        if (fields.TryGetValue("operation", out TypedParameter operation))
            yield return Line("Operation:", $"{Label(operation),-12}");
        foreach ((string name, string label, Form form, string unit) in Rows(job.Type))
        {
            if (Number(fields, name) is { } number && (number > 0 || !IsAmount(name) || Number(fields, $"{name[..name.IndexOf('_', StringComparison.Ordinal)]}_total") > 0))
                yield return Line(label, Show(number, form, unit));
        }

        if (fields.TryGetValue("errmsg", out TypedParameter message))
            yield return Line("Error message:", message.ValueText);
    }

    private static IEnumerable<(string Name, string Label, Form Form, string Unit)> Rows(DomainJobType type) =>
    [
        ("time_elapsed", "Time elapsed:", Form.Number, "ms"),
        ("time_elapsed_net", "Time elapsed w/o network:", Form.Number, "ms"),
        .. type == DomainJobType.Bounded ? [("time_remaining", "Time remaining:", Form.Number, "ms")] : Array.Empty<(string, string, Form, string)>(),
        .. Amount("data", "Data"),
        .. Amount("memory", "Memory"),
        ("memory_bps", "Memory bandwidth:", Form.Speed, ""),
        ("memory_dirty_rate", "Dirty rate:", Form.Number, "pages/s"),
        ("memory_page_size", "Page size:", Form.Number, "bytes"),
        ("memory_iteration", "Iteration:", Form.Number, ""),
        ("memory_postcopy_requests", "Postcopy requests:", Form.Number, ""),
        .. Amount("disk", "File"),
        ("disk_bps", "File bandwidth:", Form.Speed, ""),
        ("memory_constant", "Constant pages:", Form.Number, ""),
        ("memory_normal", "Normal pages:", Form.Number, ""),
        ("memory_normal_bytes", "Normal data:", Form.Size, ""),
        ("downtime", type == DomainJobType.Completed ? "Total downtime:" : "Expected downtime:", Form.Number, "ms"),
        ("downtime_net", "Downtime w/o network:", Form.Number, "ms"),
        ("setup_time", "Setup time:", Form.Number, "ms"),
        ("compression_cache", "Compression cache:", Form.Size, ""),
        ("compression_bytes", "Compressed data:", Form.Size, ""),
        ("compression_pages", "Compressed pages:", Form.Number, ""),
        ("compression_cache_misses", "Compression cache misses:", Form.Number, ""),
        ("compression_overflow", "Compression overflows:", Form.Number, ""),
        ("auto_converge_throttle", "Auto converge throttle:", Form.Number, ""),
    ];

    private static (string, string, Form, string)[] Amount(string name, string label) =>
    [
        ($"{name}_processed", $"{label} processed:", Form.Size, ""), ($"{name}_remaining", $"{label} remaining:", Form.Size, ""), ($"{name}_total", $"{label} total:", Form.Size, ""),
    ];

    // Of what has no total, nothing is shown.
    private static bool IsAmount(string name) =>
        name.EndsWith("_processed", StringComparison.Ordinal) || name.EndsWith("_remaining", StringComparison.Ordinal) || name.EndsWith("_total", StringComparison.Ordinal);

    private static ulong? Number(Dictionary<string, TypedParameter> fields, string name) =>
        fields.TryGetValue(name, out TypedParameter field) && field.Type is not TypedParameterType.String ? field.AsUInt64() : null;

    private static string Label(TypedParameter operation) =>
        operation.Value is int number && number >= 0 && number < Operations.Length ? Operations[number] : Operations[0];

    private static string Show(ulong number, Form form, string unit)
    {
        if (form == Form.Number)
            return string.Create(CultureInfo.InvariantCulture, $"{number,-12}{(unit.Length > 0 ? " " + unit : "")}");
        double size = number;
        int power = 0;
        for (; size >= 1024 && power < Units.Length - 1; power++)
            size /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{size:F3} {Units[power]}{(form == Form.Speed ? "/s" : "")}");
    }

    private static string Line(string label, string value) => $"{label,-17} {value}";
}
