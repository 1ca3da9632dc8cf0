namespace Ballast.Balance.Recording;

/// <summary>The format of records of real hosts: docs/balance-files.md.</summary>
internal static class RecordFormat
{
    /// <summary>Grows where a reader of before would take something for something else. New members do not do that.</summary>
    public const int Version = 1;

    /// <summary>The member of the first line that holds the version, by which a record is known.</summary>
    public const string Mark = "ballast_record";

    /// <summary>More guests than a host has, all of a record together.</summary>
    public const int MaxGuests = 100_000;

    /// <summary>A number that is larger, in KiB, is no memory.</summary>
    public const ulong MaxKiB = 1UL << 54;

    /// <summary>No limit is set so many levels above a control group.</summary>
    public const int MaxLevels = 64;

    /// <summary>How long a control group's path may be, in characters: the kernel has no longer ones.</summary>
    public const int MaxPath = 4096;

    /// <summary>Counters may have any value.</summary>
    public const ulong MaxCounter = ulong.MaxValue;

    /// <summary>A time that is longer is none.</summary>
    public const double MaxSeconds = 1e10;

    /// <summary>When a report may have come at the latest, in seconds since 1970.</summary>
    public const ulong MaxReported = 253_402_300_799;

    /// <summary>The years in which a record may begin: with <see cref="MaxSeconds"/> added, it still has a date.</summary>
    public const int FirstYear = 1970, LastYear = 9000;

    /// <summary>How long a line may be, in bytes: ten thousand guests take half of it.</summary>
    public const int MaxLineBytes = 16 * 1024 * 1024;
}

/// <summary>Why a record ended.</summary>
public enum RecordEnd
{
    /// <summary>It was truncated: it has no last line.</summary>
    Cut,

    /// <summary>Somebody ended it.</summary>
    Interrupted,

    /// <summary>It reached the requested number of samples or the requested time.</summary>
    Complete,

    /// <summary>It reached its maximum size.</summary>
    Full,
}

/// <summary>The first line of a record.</summary>
/// <param name="Started">The time of its beginning.</param>
/// <param name="Uri">The connection that was recorded; null if unknown.</param>
/// <param name="ControlGroup">The control group whose guests share a budget; null if all guests of the host do.</param>
public sealed record RecordHeader(DateTimeOffset Started, string? Uri, string? ControlGroup);

/// <summary>A host and its guests at one moment of a record.</summary>
/// <param name="Time">Seconds since the record began, on a clock that does not go back.</param>
/// <param name="Host">The host's memory.</param>
/// <param name="Guests">Its guests.</param>
internal sealed record RecordedLook(double Time, HostMemory Host, IReadOnlyList<Advice.GuestFacts> Guests);
