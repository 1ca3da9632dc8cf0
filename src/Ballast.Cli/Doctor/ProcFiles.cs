using System.Globalization;

namespace Ballast.Cli.Doctor;

/// <summary>What the kernel tells of the host and its processes, in KiB; null where it does not.</summary>
/// <param name="root">Where procfs is mounted.</param>
internal sealed class ProcFiles(string root)
{
    // What Linux calls USER_HZ, on every architecture that QEMU runs on.
    private const double TicksPerSecond = 100;

    /// <summary>Whether these files tell of the host that a connection leads to.</summary>
    public static bool IsAbout(Connection connection)
    {
        // A URI with a host in it leads there.
        int at = connection.Uri.IndexOf("://", StringComparison.Ordinal);
        return connection.DriverType != "TEST" && (at < 0 || connection.Uri.AsSpan(at + 3) is [] or ['/', ..]);
    }

    /// <summary>Where a process's files lie.</summary>
    public static string DirectoryOf(int pid) => pid.ToString(CultureInfo.InvariantCulture);

    /// <summary>A number, which a unit may follow.</summary>
    public static ulong? Number(string? text) =>
        ulong.TryParse(text?.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;

    /// <summary>A field of /proc/meminfo.</summary>
    public ulong? Memory(string field) => Number(Word("meminfo", field));

    /// <summary>For how long a process has run.</summary>
    public TimeSpan? Age(string directory)
    {
        // Its name is in parentheses and may have anything in it; the 20th field after it is the start.
        const int startField = 19;
        string stat = Text($"{directory}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > startField && Number(fields[startField]) is { } ticks
            && double.TryParse(Text("uptime").Split(' ')[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double uptime)
            ? TimeSpan.FromSeconds(Math.Max(0, uptime - (ticks / TicksPerSecond)))
            : null;
    }

    /// <summary>Of the last minute, the share in which some task waited for memory, in percent.</summary>
    public double? Pressure()
    {
        const string average = "avg60=";
        string? line = Lines("pressure/memory").FirstOrDefault(line => line.StartsWith("some ", StringComparison.Ordinal));
        string? word = line?.Split(' ').FirstOrDefault(word => word.StartsWith(average, StringComparison.Ordinal));
        return double.TryParse(word?[average.Length..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share) ? share : null;
    }

    /// <summary>Whether the kernel refuses to promise more memory than there is.</summary>
    public bool IsStrict() => Text("sys/vm/overcommit_memory").Trim() == "2";

    /// <summary>What follows a field's name; null where it is not there.</summary>
    public string? Word(string file, string field) =>
        Lines(file).FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal) && line.Length > field.Length && line[field.Length] == ':')
            ?[(field.Length + 1)..].Trim();

    /// <summary>A whole file; empty where it cannot be read.</summary>
    public string Text(string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private string[] Lines(string file) => Text(file).Split('\n');
}
