using System.Globalization;
using System.Text;
using Ballast.Balance.Advice;

namespace Ballast.Cli.Memory;

/// <summary>
/// The counters at the last look, kept in a file of the user between two runs of the command, so that it can tell what
/// happens now. Losing it costs the rates of one look.
/// </summary>
internal sealed class LastLook
{
    private const int MaxBytes = 16 << 20;

    private readonly Dictionary<Guid, GuestCounters> _entries;

    private LastLook(Dictionary<Guid, GuestCounters> entries) => _entries = entries;

    /// <summary>What was seen of the domains of a connection; nothing where it cannot be read.</summary>
    public static LastLook Read(string? directory, string uri)
    {
        Dictionary<Guid, GuestCounters> entries = [];
        if (directory is null)
            return new LastLook(entries);
        try
        {
            FileInfo file = new(PathOf(directory, uri));
            // A pipe has no length, and would be waited for.
            if (file is { Exists: true, LinkTarget: null, Length: > 0 and <= MaxBytes })
            {
                foreach (string line in File.ReadLines(file.FullName))
                {
                    if (GuestCounters.TryParse(line, out Guid uuid, out GuestCounters entry))
                        entries[uuid] = entry;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            entries.Clear();
        }

        return new LastLook(entries);
    }

    /// <summary>What changed since then, by the guest's own times; null where that is unknown, or too long ago.</summary>
    public MemoryRates? Since(Domain domain, MemoryStats stats) =>
        GuestCounters.Of(domain, stats) is { } now && _entries.TryGetValue(domain.Uuid, out GuestCounters then) ? now.Since(then, stats.Period) : null;

    /// <summary>Whether the balloon had another size then, with the same report.</summary>
    public bool HasMoved(Domain domain, MemoryStats stats) =>
        GuestCounters.Of(domain, stats) is { } now && _entries.TryGetValue(domain.Uuid, out GuestCounters then)
            && then with { Actual = now.Actual } == now && then.Actual is { } before && stats.ActualKiB is { } actual && GuestShortage.IsShrunk(Math.Min(before, actual), Math.Max(before, actual));

    /// <summary>Keeps what is seen now.</summary>
    /// <param name="directory">Where to; null: nowhere.</param>
    /// <param name="uri">The connection's.</param>
    /// <param name="seen">The domains that were looked at.</param>
    /// <param name="isWhole">Whether these are all; else what is known of the others stays.</param>
    public void Write(string? directory, string uri, IEnumerable<(Domain Domain, MemoryStats Stats)> seen, bool isWhole)
    {
        if (directory is null)
            return;
        try
        {
            Dictionary<Guid, GuestCounters> entries = isWhole ? [] : new(_entries);
            foreach ((Domain domain, MemoryStats stats) in seen)
            {
                if (GuestCounters.Of(domain, stats) is { } entry)
                    entries[domain.Uuid] = _entries.TryGetValue(domain.Uuid, out GuestCounters then) ? entry.WithActualOf(then) : entry;
            }

            StringBuilder text = new();
            foreach ((Guid uuid, GuestCounters entry) in entries)
                text.Append(entry.ToLine(uuid));
            Directory.CreateDirectory(directory);
            string path = PathOf(directory, uri), part = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");

            // A new file only: a link with this name is not followed.
            using (StreamWriter writer = new(part, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write }))
                writer.Write(text);
            try
            {
                File.Move(part, path, overwrite: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                File.Delete(part);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next look has no rates.
        }
    }

    private static string PathOf(string directory, string uri)
    {
        // FNV-1a: a short name for each connection; two that collide would only mix entries of different UUIDs.
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(uri))
            hash = (hash ^ b) * 1099511628211;
        return Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"look-{hash:x16}"));
    }
}
